"""Which VPC does this tunnel key stand for?

Packets from other hosts come here with their key. The key is the id of the receiver's VPC, also when the sender
is in another one. A key of no VPC that has a port on this host is dropped, and counted. So are the controller's own
frames, which only keep the way between two hosts known.
"""

from collections.abc import Iterator

from flows import priorities
from flows.fields import ETH_TYPE, ETH_TYPE_EXPERIMENTAL, TUN_ID
from flows.pipeline import FROM_TUNNEL
from flows.registers import VPC
from flows.rules import Application, P, drop, eq, goto, put
from flows.view import LocalVpc, TunnelPort

KNOWN = FROM_TUNNEL.rule(
    "key {key} is {vpc}",
    match=[eq(TUN_ID, P.key)],
    do=[put(VPC, P.vpc), goto("tunnel_source")],
)

KEEPALIVE = FROM_TUNNEL.rule(
    "only keeps the way from another host fresh: dropped",
    match=[eq(ETH_TYPE, ETH_TYPE_EXPERIMENTAL)],
    do=drop(),
    priority=priorities.GUARD,
)


def for_tunnel(tunnel: TunnelPort) -> Iterator[Application]:
    yield KEEPALIVE(tunnel.why)


def for_vpc(vpc: LocalVpc) -> Iterator[Application]:
    yield KNOWN(vpc.why, key=vpc.key, vpc=vpc.vpc)


UNITS = {TunnelPort: for_tunnel, LocalVpc: for_vpc}
