"""Which host has this address of the VPC?

Every packet for another instance comes here. A hit goes on to delivery when the instance is on this host, and into the
tunnel to its host when it is not. While its port is announced to move both of its hosts get the packet, but not what
the port itself sends to its own address. An address inside a subnet of the VPC that no port has is dropped. A miss may
still be an address of a peer: it goes on to subnet_route. It does so only once, because peering is not transitive.
"""

from collections.abc import Iterator

from flows.openflow.fields import ETH_TYPE, ETH_TYPE_IPV4, IN_PORT, IP_DST, TUN_DST, TUN_ID
from flows.pipeline import priorities
from flows.pipeline.page import ROUTE_TABLE
from flows.pipeline.registers import OUT_PORT, PEERED, VPC
from flows.pipeline.rules import Application
from flows.pipeline.templates import P, drop, eq, goto, output, put, within
from flows.units.addresses import LocalAddress, RemoteAddress
from flows.units.moves import MovingLocalAddress, MovingRemoteAddress, OwnAddress
from flows.units.peerings import PeerRoute, PeerSubnet
from flows.units.vpcs import LocalSubnet

_IPV4 = eq(ETH_TYPE, ETH_TYPE_IPV4)

HERE = ROUTE_TABLE.rule(
    "{ip} of {vpc} is on this host",
    match=[eq(VPC, P.vpc), _IPV4, eq(IP_DST, P.ip)],
    do=[goto("neigh_table")],
)
ELSEWHERE = ROUTE_TABLE.rule(
    "{ip} of {vpc} is on {host} ({tunnel_ip}): encapsulate with key {key}",
    match=[eq(VPC, P.vpc), _IPV4, eq(IP_DST, P.ip)],
    do=[put(TUN_ID, P.key), put(TUN_DST, P.tunnel_ip), put(OUT_PORT, P.tunnel), goto("deliver")],
)
HERE_AND_THERE = ROUTE_TABLE.rule(
    "{ip} of {vpc} is announced to move: a copy to {host} ({tunnel_ip}) with key {key}, and to this host",
    match=[eq(VPC, P.vpc), _IPV4, eq(IP_DST, P.ip)],
    do=[put(TUN_ID, P.key), put(TUN_DST, P.tunnel_ip), output(P.tunnel), goto("neigh_table")],
)
TWO_ELSEWHERE = ROUTE_TABLE.rule(
    "{ip} of {vpc} is announced to move: with key {key} to {old_host} ({old_ip}) and to {new_host} ({new_ip})",
    match=[eq(VPC, P.vpc), _IPV4, eq(IP_DST, P.ip)],
    do=[
        put(TUN_ID, P.key),
        put(TUN_DST, P.old_ip),
        output(P.tunnel),
        put(TUN_DST, P.new_ip),
        put(OUT_PORT, P.tunnel),
        goto("deliver"),
    ],
)
TO_ITSELF = ROUTE_TABLE.rule(
    "from {port} to its own {ip} of {vpc}, which is announced to move: dropped",
    match=[eq(IN_PORT, P.port), eq(VPC, P.vpc), _IPV4, eq(IP_DST, P.ip)],
    do=drop(),
    priority=priorities.GUARD,
)
NOBODY = ROUTE_TABLE.rule(
    "nobody has this address of {cidr} in {vpc}: dropped",
    match=[eq(VPC, P.vpc), _IPV4, within(IP_DST, P.cidr)],
    do=drop(),
    priority=priorities.FALLBACK,
)
NOT_TRANSITIVE = ROUTE_TABLE.rule(
    "came through a peering and {peer} does not have the address: dropped, peering is not transitive",
    match=[eq(VPC, P.peer), eq(PEERED, 1)],
    do=drop(),
    priority=priorities.LAST_RESORT,
)


def for_here(address: LocalAddress) -> Iterator[Application]:
    yield HERE(address.why, vpc=address.vpc, ip=address.ip)


def for_elsewhere(address: RemoteAddress | MovingLocalAddress) -> Iterator[Application]:
    rule = ELSEWHERE if isinstance(address, RemoteAddress) else HERE_AND_THERE
    yield rule(
        address.why,
        vpc=address.vpc,
        ip=address.ip,
        host=address.host,
        tunnel_ip=address.tunnel_ip,
        key=address.key,
        tunnel=address.tunnel_port,
    )


def for_two_elsewhere(address: MovingRemoteAddress) -> Iterator[Application]:
    yield TWO_ELSEWHERE(
        address.why,
        vpc=address.vpc,
        ip=address.ip,
        old_host=address.old_host,
        old_ip=address.old_tunnel_ip,
        new_host=address.new_host,
        new_ip=address.new_tunnel_ip,
        key=address.key,
        tunnel=address.tunnel_port,
    )


def for_own_address(address: OwnAddress) -> Iterator[Application]:
    yield TO_ITSELF(address.why, port=address.ofport, vpc=address.vpc, ip=address.ip)


def for_subnet(subnet: LocalSubnet) -> Iterator[Application]:
    yield NOBODY(subnet.why, vpc=subnet.vpc, cidr=subnet.cidr)


def for_peer_subnet(subnet: PeerSubnet) -> Iterator[Application]:
    yield NOBODY(subnet.why, vpc=subnet.vpc, cidr=subnet.cidr)


def for_route(route: PeerRoute) -> Iterator[Application]:
    if route.back:
        yield NOT_TRANSITIVE(route.why, peer=route.peer)


UNITS = {
    LocalAddress: for_here,
    RemoteAddress: for_elsewhere,
    MovingLocalAddress: for_elsewhere,
    MovingRemoteAddress: for_two_elsewhere,
    OwnAddress: for_own_address,
    LocalSubnet: for_subnet,
    PeerSubnet: for_peer_subnet,
    PeerRoute: for_route,
}
