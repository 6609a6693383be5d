"""Which VPC does this tunnel key stand for?

Packets from other hosts come here with their key. The key is the id of the receiver's VPC, also when the sender
is in another one. A key of no VPC that has a port on this host is dropped, and counted. The controller's own
frames, which prove the way between two hosts or keep it known, end here too.
"""

from collections.abc import Iterator

from flows import priorities
from flows.fields import ETH_DST, ETH_TYPE, ETH_TYPE_EXPERIMENTAL, TUN_ID
from flows.openflow import OutputController
from flows.pipeline import FROM_TUNNEL
from flows.registers import VPC
from flows.rules import Application
from flows.templates import P, drop, eq, goto, put
from flows.view import LocalVpc, TunnelPort

KNOWN = FROM_TUNNEL.rule(
    "key {key} is {vpc}",
    match=[eq(TUN_ID, P.key)],
    do=[put(VPC, P.vpc), goto("tunnel_source")],
)

KEEPALIVE_MAC = "02:00:00:00:00:02"
PROOF_MAC = "02:00:00:00:00:03"
"""Receivers of the controller's own frames. No instance can send there by a tunnel: VPCs carry nothing but IPv4."""

PROOF = FROM_TUNNEL.rule(
    "proves that the way from another host works: to the controller",
    match=[eq(ETH_DST, PROOF_MAC), eq(ETH_TYPE, ETH_TYPE_EXPERIMENTAL)],
    do=[OutputController()],
    priority=priorities.GUARD,
)
KEEPALIVE = FROM_TUNNEL.rule(
    "only keeps the way from another host fresh: dropped",
    match=[eq(ETH_DST, KEEPALIVE_MAC), eq(ETH_TYPE, ETH_TYPE_EXPERIMENTAL)],
    do=drop(),
    priority=priorities.GUARD,
)


def for_tunnel(tunnel: TunnelPort) -> Iterator[Application]:
    yield PROOF(tunnel.why)
    yield KEEPALIVE(tunnel.why)


def for_vpc(vpc: LocalVpc) -> Iterator[Application]:
    yield KNOWN(vpc.why, key=vpc.key, vpc=vpc.vpc)


UNITS = {TunnelPort: for_tunnel, LocalVpc: for_vpc}
