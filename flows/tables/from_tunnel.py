"""Which VPC does this tunnel key stand for?

Packets from other hosts come here with their key. The key is the id of the receiver's VPC, also when the sender
is in another one. A key of no VPC that has a port on this host is dropped, and counted.
"""

from collections.abc import Iterator

from flows.fields import TUN_ID
from flows.pipeline import FROM_TUNNEL
from flows.registers import VPC
from flows.rules import Application, P, eq, goto, put
from flows.view import LocalVpc

KNOWN = FROM_TUNNEL.rule(
    "key {key} is {vpc}",
    match=[eq(TUN_ID, P.key)],
    do=[put(VPC, P.vpc), goto("tunnel_source")],
)


def for_vpc(vpc: LocalVpc) -> Iterator[Application]:
    yield KNOWN(vpc.why, key=vpc.key, vpc=vpc.vpc)


UNITS = {LocalVpc: for_vpc}
