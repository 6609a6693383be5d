"""Is this for the gateway itself, and does it pass through it?

IPv4 from instances comes here. The gateway answers pings and nothing else. A packet inside the sender's subnet goes on
unchanged, as on a LAN. Any other passes the gateway, which takes one from its TTL (RFC 1812, 5.3.1). In a VPC
of which a port here has security groups it goes on to sender_track. A packet whose TTL is used up goes to the
controller, which tells the sender. That is what traceroute shows.
"""

from collections.abc import Iterator

from flows.model import GATEWAY_MAC
from flows.openflow.actions import DecTtl, Move, OutputInPort
from flows.openflow.fields import (
    ETH_DST,
    ETH_SRC,
    ETH_TYPE,
    ETH_TYPE_IPV4,
    ICMP_CODE,
    ICMP_TYPE,
    IN_PORT,
    IP_DST,
    IP_FRAG,
    IP_PROTO,
    IP_SRC,
    IP_TTL,
    PROTO_ICMP,
)
from flows.pipeline import priorities
from flows.pipeline.limits import ICMP_ERRORS
from flows.pipeline.page import GATEWAY
from flows.pipeline.registers import SUBNET, VPC
from flows.pipeline.rules import Application
from flows.pipeline.stages import Stage
from flows.pipeline.templates import P, controller, drop, eq, goto, meter, put, within
from flows.units.addresses import LocalPort
from flows.units.vpcs import LocalSubnet

ECHO_REQUEST, ECHO_REPLY = 8, 0  # RFC 792
FRESH_TTL = 64
SPENT_TTLS = (0, 1)
ICMP_QUOTED = 14 + 576 - 20 - 8
"""Bytes of a frame that an ICMP error may quote, its Ethernet header counted: the error has at most 576 bytes (RFC
1812, 4.3.2.3)."""

_IPV4 = eq(ETH_TYPE, ETH_TYPE_IPV4)

PING = GATEWAY.rule(
    "ping to {ip}, the gateway of {subnet}: answer",
    match=[
        eq(VPC, P.vpc),
        _IPV4,
        eq(IP_PROTO, PROTO_ICMP),
        eq(IP_DST, P.ip),
        eq(IP_FRAG, 0),
        eq(ICMP_TYPE, ECHO_REQUEST),
        eq(ICMP_CODE, 0),
    ],
    do=[
        Move(ETH_SRC, ETH_DST),
        put(ETH_SRC, GATEWAY_MAC),
        Move(IP_SRC, IP_DST),
        put(IP_SRC, P.ip),
        put(IP_TTL, FRESH_TTL),
        put(ICMP_TYPE, ECHO_REPLY),
        OutputInPort(),
    ],
    priority=priorities.EXCEPTION,
)
ONLY_PING = GATEWAY.rule(
    "to {ip}, the gateway of {subnet}, which answers nothing but ping: dropped",
    match=[eq(VPC, P.vpc), _IPV4, eq(IP_DST, P.ip)],
    do=drop(),
    priority=priorities.GUARD,
)
SAME_SUBNET = GATEWAY.rule(
    "inside {subnet} ({cidr}): TTL unchanged",
    match=[eq(SUBNET, P.subnet), _IPV4, within(IP_DST, P.cidr)],
    do=[goto(Stage.ROUTING)],
)
SAME_SUBNET_GROUPS = GATEWAY.rule(
    "inside {subnet} ({cidr}), in a VPC with security groups: TTL unchanged",
    match=[eq(SUBNET, P.subnet), _IPV4, within(IP_DST, P.cidr)],
    do=[goto(Stage.POLICY)],
)
EXPIRED = GATEWAY.rule(
    "from {port} ({mac}) to another subnet with a TTL of {ttl}: {gateway} answers, by the controller: time exceeded",
    match=[eq(IN_PORT, P.port), _IPV4, eq(IP_TTL, P.ttl)],
    do=[meter(P.limit), controller("expired", max_len=ICMP_QUOTED)],
    priority=priorities.FALLBACK,
)
ROUTED = GATEWAY.rule(
    "from {subnet} to another subnet: TTL - 1",
    match=[eq(SUBNET, P.subnet), _IPV4],
    do=[DecTtl(), goto(Stage.ROUTING)],
    priority=priorities.LAST_RESORT,
)
ROUTED_GROUPS = GATEWAY.rule(
    "from {subnet}, in a VPC with security groups, to another subnet: TTL - 1",
    match=[eq(SUBNET, P.subnet), _IPV4],
    do=[DecTtl(), goto(Stage.POLICY)],
    priority=priorities.LAST_RESORT,
)


def for_subnet(subnet: LocalSubnet) -> Iterator[Application]:
    yield PING(subnet.why, vpc=subnet.vpc, ip=subnet.gateway, subnet=subnet.subnet)
    yield ONLY_PING(subnet.why, vpc=subnet.vpc, ip=subnet.gateway, subnet=subnet.subnet)
    same_subnet, routed = (SAME_SUBNET_GROUPS, ROUTED_GROUPS) if subnet.has_groups else (SAME_SUBNET, ROUTED)
    yield same_subnet(subnet.why, subnet=subnet.subnet, cidr=subnet.cidr)
    yield routed(subnet.why, subnet=subnet.subnet)


def for_port(port: LocalPort) -> Iterator[Application]:
    limit = ICMP_ERRORS.of(port.ofport)
    for ttl in SPENT_TTLS:
        yield EXPIRED(port.why, port=port.ofport, mac=port.mac, ttl=ttl, gateway=port.gateway, limit=limit)


UNITS = {LocalSubnet: for_subnet, LocalPort: for_port}
