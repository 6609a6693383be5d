"""Does the instance ask for an address that it may talk to?

ARP of instances comes here and ends here: no request leaves the host. Existing addresses of the VPC, of its gateways
and of the subnet's peers are answered, all with the gateway's MAC. A request for an address that no port has gets no
answer. Nor does one for the sender's own address: duplicate address detection must find no other owner (RFC 5227).
"""

from collections.abc import Iterator

from flows.model import GATEWAY_MAC
from flows.openflow.actions import Move, OutputInPort
from flows.openflow.fields import (
    ARP_OP,
    ARP_SHA,
    ARP_SPA,
    ARP_THA,
    ARP_TPA,
    ETH_DST,
    ETH_SRC,
    ETH_TYPE,
    ETH_TYPE_ARP,
    IN_PORT,
)
from flows.pipeline import priorities
from flows.pipeline.page import ARP_PROXY
from flows.pipeline.registers import SUBNET, VPC
from flows.pipeline.rules import Application
from flows.pipeline.templates import ActionTemplate, P, drop, eq, put
from flows.units.addresses import AssignedAddress, LocalPort
from flows.units.peerings import PeerAddress
from flows.units.vpcs import LocalSubnet

REQUEST, REPLY = 1, 2  # RFC 826

_QUESTION = [eq(ETH_TYPE, ETH_TYPE_ARP), eq(ARP_OP, REQUEST), eq(ARP_TPA, P.ip)]
_ANSWER: list[ActionTemplate] = [
    Move(ETH_SRC, ETH_DST),
    put(ETH_SRC, GATEWAY_MAC),
    put(ARP_OP, REPLY),
    Move(ARP_SHA, ARP_THA),
    put(ARP_SHA, GATEWAY_MAC),
    Move(ARP_SPA, ARP_TPA),
    put(ARP_SPA, P.ip),
    OutputInPort(),
]

OWN = ARP_PROXY.rule(
    "{port} asks for its own {ip}: no answer, nobody else has it",
    match=[eq(IN_PORT, P.port), *_QUESTION],
    do=drop(),
    priority=priorities.GUARD,
)
KNOWN = ARP_PROXY.rule("{ip} exists in {vpc}: answer", match=[eq(VPC, P.vpc), *_QUESTION], do=_ANSWER)
PEER = ARP_PROXY.rule("{ip} exists at a peer of {subnet}: answer", match=[eq(SUBNET, P.subnet), *_QUESTION], do=_ANSWER)


def for_port(port: LocalPort) -> Iterator[Application]:
    for ip in port.ips:
        yield OWN(port.why, port=port.ofport, ip=ip)


def for_assigned(address: AssignedAddress) -> Iterator[Application]:
    yield KNOWN(address.why, vpc=address.vpc, ip=address.ip)


def for_gateway(subnet: LocalSubnet) -> Iterator[Application]:
    yield KNOWN(subnet.why, vpc=subnet.vpc, ip=subnet.gateway)


def for_peer(address: PeerAddress) -> Iterator[Application]:
    yield PEER(address.why, subnet=address.subnet, ip=address.ip)


UNITS = {LocalPort: for_port, AssignedAddress: for_assigned, LocalSubnet: for_gateway, PeerAddress: for_peer}
