"""May the port have one more connection?

A port may have 10,000 new connections a second, and as many more at once after a pause. What is more is dropped: one
instance cannot fill the host's connection table, in which all ports have their part.

A connection that the groups allow is remembered in the port's zone, and so its answers are known as such. It is marked
with a number of the port. So this flow is another one when the port's OpenFlow number goes to another port, and the
controller empties the zone.
"""

from collections.abc import Iterator
from hashlib import blake2b

from flows.openflow.actions import Ct, Move
from flows.openflow.fields import CT_MARK
from flows.pipeline.judging import ASKED_PORT, IPV4
from flows.pipeline.limits import NEW_CONNECTIONS
from flows.pipeline.page import COMMIT
from flows.pipeline.registers import ASKED, KEPT
from flows.pipeline.rules import Application
from flows.pipeline.templates import P, eq, meter, put
from flows.units.groups import GroupedPort, GroupedVpc

_LARGEST_MARK = (1 << CT_MARK.bits) - 1

ONE_MORE = COMMIT.rule(
    "a new connection of {port}, of {limit}: remembered",
    match=[eq(ASKED, P.port), IPV4],
    do=[meter(P.limit), put(KEPT, P.mark), Ct(zone=ASKED_PORT, commit=True, remember=(Move(KEPT, CT_MARK),))],
)


def for_vpc(vpc: GroupedVpc) -> Iterator[Application]:
    yield COMMIT.miss_rule(vpc.why)


def for_port(port: GroupedPort) -> Iterator[Application]:
    limit = NEW_CONNECTIONS.of(int(port.ofport))
    yield ONE_MORE(port.why, port=port.ofport, limit=limit, mark=_mark(port.ofport.name))


def _mark(name: str) -> int:
    """A number of a port that others do not have, as good as ever; never 0."""
    return int.from_bytes(blake2b(name.encode(), digest_size=8).digest()) % _LARGEST_MARK + 1


UNITS = {GroupedVpc: for_vpc, GroupedPort: for_port}
