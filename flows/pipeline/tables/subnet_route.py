"""Does the sender's subnet have a route out of its VPC?

A packet comes here if its destination is no address of the sender's VPC. A route to a peer puts the packet into the
peer's VPC and looks it up in route_table again, once, so that it leaves under the peer's key. The peer needs a route
back to the sender's address; without one the packet is dropped here, and counted.
"""

from collections.abc import Iterator

from flows.openflow.fields import ETH_TYPE, ETH_TYPE_IPV4, IP_DST, IP_SRC
from flows.pipeline import priorities
from flows.pipeline.page import SUBNET_ROUTE
from flows.pipeline.registers import PEERED, SUBNET, VPC
from flows.pipeline.rules import Application
from flows.pipeline.templates import P, drop, eq, put, resubmit, within
from flows.units.peerings import PeerRoute
from flows.units.vpcs import NullRoute

_FROM_SUBNET = [eq(SUBNET, P.subnet), eq(ETH_TYPE, ETH_TYPE_IPV4)]

PEER = SUBNET_ROUTE.rule(
    "{to} is {peer}'s, for {subnet}: look it up there; {back} finds its way back",
    match=[*_FROM_SUBNET, within(IP_SRC, P.back), within(IP_DST, P.to)],
    do=[put(VPC, P.peer), put(PEERED, 1), resubmit("route_table")],
    priority=priorities.lpm_refined,
    by="to",
)
NO_WAY_BACK = SUBNET_ROUTE.rule(
    "{to} is {peer}'s, which has no route back to this address of {subnet}: dropped",
    match=[*_FROM_SUBNET, within(IP_DST, P.to)],
    do=drop(),
    priority=priorities.lpm,
    by="to",
)
TO_NOTHING = SUBNET_ROUTE.rule(
    "{subnet} routes {to} to nothing: dropped",
    match=[*_FROM_SUBNET, within(IP_DST, P.to)],
    do=drop(),
    priority=priorities.lpm,
    by="to",
)


def for_peer_route(route: PeerRoute) -> Iterator[Application]:
    for back in route.back:
        yield PEER(route.why, to=route.to, peer=route.peer, subnet=route.subnet, back=back)
    yield NO_WAY_BACK(route.why, to=route.to, peer=route.peer, subnet=route.subnet)


def for_null_route(route: NullRoute) -> Iterator[Application]:
    yield TO_NOTHING(route.why, to=route.to, subnet=route.subnet)


UNITS = {PeerRoute: for_peer_route, NullRoute: for_null_route}
