"""May this source speak under the tunnel key it came with?

Packets from other hosts come here once their key has named the receiver's VPC. Addresses of that VPC may speak, and
those that the destination's own subnet has a route to by a peering. Any other source was forged, or its peering is gone
on this side: it is dropped, and counted.
"""

from collections.abc import Iterator

from flows.openflow.fields import ETH_TYPE, ETH_TYPE_IPV4, IP_DST, IP_SRC
from flows.pipeline.page import TUNNEL_SOURCE
from flows.pipeline.registers import VPC
from flows.pipeline.rules import Application
from flows.pipeline.templates import P, eq, goto, within
from flows.units.peerings import PeerRoute
from flows.units.vpcs import LocalSubnet

_IPV4 = eq(ETH_TYPE, ETH_TYPE_IPV4)

OWN = TUNNEL_SOURCE.rule(
    "{cidr} is of {vpc} itself",
    match=[eq(VPC, P.vpc), _IPV4, within(IP_SRC, P.cidr)],
    do=[goto("neigh_table")],
)
PEER = TUNNEL_SOURCE.rule(
    "{source} is {peer}'s, and {subnet} has a route there",
    match=[eq(VPC, P.vpc), _IPV4, within(IP_SRC, P.source), within(IP_DST, P.back)],
    do=[goto("neigh_table")],
)


def for_subnet(subnet: LocalSubnet) -> Iterator[Application]:
    yield OWN(subnet.why, vpc=subnet.vpc, cidr=subnet.cidr)


def for_route(route: PeerRoute) -> Iterator[Application]:
    for back in route.back:
        yield PEER(route.why, vpc=route.vpc, source=route.to, back=back, peer=route.peer, subnet=route.subnet)


UNITS = {LocalSubnet: for_subnet, PeerRoute: for_route}
