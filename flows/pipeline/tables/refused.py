"""Whose security groups refuse the connection?

What no group allows ends here, counted for each port and direction of the connection.
"""

from collections.abc import Iterator

from flows.pipeline.page import REFUSED
from flows.pipeline.registers import ASKED, INBOUND
from flows.pipeline.rules import Application
from flows.pipeline.templates import P, drop, eq
from flows.units.groups import GroupedPort, GroupedVpc

TO_PORT = REFUSED.rule(
    "no security group of {port} ({groups}) allows somebody to reach it for this: dropped",
    match=[eq(ASKED, P.port), eq(INBOUND, 1)],
    do=drop(),
)
FROM_PORT = REFUSED.rule(
    "no security group of {port} ({groups}) allows it to reach somebody for this: dropped",
    match=[eq(ASKED, P.port), eq(INBOUND, 0)],
    do=drop(),
)


def for_vpc(vpc: GroupedVpc) -> Iterator[Application]:
    yield REFUSED.miss_rule(vpc.why)


def for_port(port: GroupedPort) -> Iterator[Application]:
    for rule in (TO_PORT, FROM_PORT):
        yield rule(port.why, port=port.ofport, groups=port.groups)


UNITS = {GroupedVpc: for_vpc, GroupedPort: for_port}
