"""What kind of port did this packet come from?

Every packet starts here. One from an instance is given the tags of its VPC and subnet; one from the tunnel port
goes on to have its key read. Anything else, a VLAN tag included, is dropped: VPCs carry untagged frames.
"""

from collections.abc import Iterator

from flows.fields import IN_PORT, UNTAGGED
from flows.pipeline import CLASSIFY
from flows.registers import SUBNET, VPC
from flows.rules import Application
from flows.templates import P, eq, goto, put
from flows.view import LocalPort, TunnelPort

FROM_PORT = CLASSIFY.rule(
    "from {port}: a port of {vpc}, in {subnet}",
    match=[eq(IN_PORT, P.port), eq(UNTAGGED, 0)],
    do=[put(VPC, P.vpc), put(SUBNET, P.subnet), goto("port_security")],
)
FROM_TUNNEL = CLASSIFY.rule(
    "from another host, by {port}",
    match=[eq(IN_PORT, P.port), eq(UNTAGGED, 0)],
    do=[goto("from_tunnel")],
)


def for_port(port: LocalPort) -> Iterator[Application]:
    yield FROM_PORT(port.why, port=port.ofport, vpc=port.vpc, subnet=port.subnet)


def for_tunnel(tunnel: TunnelPort) -> Iterator[Application]:
    yield FROM_TUNNEL(tunnel.why, port=tunnel.ofport)


UNITS = {LocalPort: for_port, TunnelPort: for_tunnel}
