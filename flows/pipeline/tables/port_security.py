"""Does the instance speak under its own MAC and IP address?

Packets from instances come here. IPv4 must carry the port's MAC and one of its addresses as source and be sent to the
gateway's MAC, the only one that an instance ever learns. ARP must carry them inside too; a probe, which has no sender
address yet (RFC 5227), may pass. Everything else is dropped, each kind with its own counter. That includes frames for
the groups that switches use among themselves.
"""

from collections.abc import Iterator
from ipaddress import IPv4Address

from flows.model import GATEWAY_MAC
from flows.openflow.fields import (
    ARP_SHA,
    ARP_SPA,
    ETH_DST,
    ETH_SRC,
    ETH_TYPE,
    ETH_TYPE_ARP,
    ETH_TYPE_IPV4,
    IN_PORT,
    IP_SRC,
)
from flows.pipeline import priorities
from flows.pipeline.group_addresses import RESERVED
from flows.pipeline.page import PORT_SECURITY
from flows.pipeline.registers import HAS_GROUPS
from flows.pipeline.rules import Application
from flows.pipeline.templates import P, drop, eq, goto, put
from flows.units.addresses import LocalPort
from flows.units.vpcs import LocalVpc

NO_ADDRESS = IPv4Address(0)

IP = PORT_SECURITY.rule(
    "{port} may send IPv4 from {ip} ({mac})",
    match=[
        eq(IN_PORT, P.port),
        eq(ETH_SRC, P.mac),
        eq(ETH_DST, GATEWAY_MAC),
        eq(ETH_TYPE, ETH_TYPE_IPV4),
        eq(IP_SRC, P.ip),
    ],
    do=[goto("gateway")],
)
IP_GROUPS = PORT_SECURITY.rule(
    "{port}, which has security groups, may send IPv4 from {ip} ({mac})",
    match=[
        eq(IN_PORT, P.port),
        eq(ETH_SRC, P.mac),
        eq(ETH_DST, GATEWAY_MAC),
        eq(ETH_TYPE, ETH_TYPE_IPV4),
        eq(IP_SRC, P.ip),
    ],
    do=[put(HAS_GROUPS, 1), goto("gateway")],
)
ARP = PORT_SECURITY.rule(
    "{port} may ask by ARP as {ip} ({mac})",
    match=[
        eq(IN_PORT, P.port),
        eq(ETH_SRC, P.mac),
        eq(ETH_TYPE, ETH_TYPE_ARP),
        eq(ARP_SPA, P.ip),
        eq(ARP_SHA, P.mac),
    ],
    do=[goto("arp_proxy")],
)
NOT_ITS_IP = PORT_SECURITY.rule(
    "IPv4 from {port} with a source that is not its own, or not sent to the gateway: dropped",
    match=[eq(IN_PORT, P.port), eq(ETH_TYPE, ETH_TYPE_IPV4)],
    do=drop(),
    priority=priorities.FALLBACK,
)
NOT_ITS_ARP = PORT_SECURITY.rule(
    "ARP from {port} with a sender that is not its own: dropped",
    match=[eq(IN_PORT, P.port), eq(ETH_TYPE, ETH_TYPE_ARP)],
    do=drop(),
    priority=priorities.FALLBACK,
)
FOR_SWITCHES = PORT_SECURITY.rule(
    "from an instance, for a group that only switches listen to: dropped",
    match=[RESERVED],
    do=drop(),
    priority=priorities.GUARD,
)


def for_vpc(vpc: LocalVpc) -> Iterator[Application]:
    yield FOR_SWITCHES(vpc.why)


def for_port(port: LocalPort) -> Iterator[Application]:
    for ip in port.ips:
        yield (IP_GROUPS if port.has_groups else IP)(port.why, port=port.ofport, mac=port.mac, ip=ip)
        yield ARP(port.why, port=port.ofport, mac=port.mac, ip=ip)
    yield ARP(port.why, port=port.ofport, mac=port.mac, ip=NO_ADDRESS)
    yield NOT_ITS_IP(port.why, port=port.ofport)
    yield NOT_ITS_ARP(port.why, port=port.ofport)


UNITS = {LocalPort: for_port, LocalVpc: for_vpc}
