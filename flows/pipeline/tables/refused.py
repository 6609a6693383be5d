"""Whose security groups refuse the connection?

What no group allows ends here, counted for each port and direction of the connection. Of a port with a group that is
logged the controller gets the beginning of some such packets, and writes a line to its log.
"""

from collections.abc import Iterator

from flows.pipeline.limits import REFUSALS
from flows.pipeline.page import REFUSED
from flows.pipeline.registers import ASKED, INBOUND
from flows.pipeline.rules import Application
from flows.pipeline.templates import P, controller, drop, eq, meter
from flows.units.groups import GroupedPort, GroupedVpc
from flows.units.said import Named

HEADERS = 128
"""Bytes of a frame that hold its headers up to the ports, with all options that IPv4 may have."""

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
LOGGED = REFUSED.rule(
    "no rule '{direction}' of the security groups of {port} ({groups}) allows this; logged by the controller: dropped",
    match=[eq(ASKED, P.port), eq(INBOUND, P.direction)],
    do=[meter(P.limit), controller("refused", max_len=HEADERS, drops=True)],
)


def for_vpc(vpc: GroupedVpc) -> Iterator[Application]:
    yield REFUSED.miss_rule(vpc.why)


def for_port(port: GroupedPort) -> Iterator[Application]:
    limit = REFUSALS.of(port.ofport)
    for rule, direction, logged in (
        (TO_PORT, Named(1, "in"), port.logged_inbound),
        (FROM_PORT, Named(0, "out"), port.logged_outbound),
    ):
        if logged:
            yield LOGGED(port.why, port=port.ofport, direction=direction, groups=logged, limit=limit)
        else:
            yield rule(port.why, port=port.ofport, groups=port.groups)


UNITS = {GroupedVpc: for_vpc, GroupedPort: for_port}
