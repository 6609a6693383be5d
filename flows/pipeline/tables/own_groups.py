"""Which security groups does the port have?

The sender's and the receiver's tables look this up. Each group is asked, and what one of them allows is allowed. A
direction that none of them says anything of is open.
"""

from collections.abc import Iterator

from flows.pipeline.page import OWN_GROUPS
from flows.pipeline.registers import ASKED, GROUP, OPEN_IN, OPEN_OUT
from flows.pipeline.rules import Application, Rule
from flows.pipeline.templates import ActionTemplate, P, each, eq, put, resubmit
from flows.units.groups import GroupedPort, GroupedVpc

_MATCH = [eq(ASKED, P.port)]
_EACH = each(GROUP, "rule_service", P.groups)
_IN: list[ActionTemplate] = [put(GROUP, OPEN_IN), resubmit("rule_service")]
_OUT: list[ActionTemplate] = [put(GROUP, OPEN_OUT), resubmit("rule_service")]

GROUPS = OWN_GROUPS.rule(
    "{port} is in {groups}: each is asked",
    match=_MATCH,
    do=[_EACH],
)
MAY_REACH = OWN_GROUPS.rule(
    "{port} is in {groups}, and may reach anybody: for who may reach it, each is asked",
    match=_MATCH,
    do=[*_OUT, _EACH],
)
MAY_BE_REACHED = OWN_GROUPS.rule(
    "{port} is in {groups}, and anybody may reach it: for whom it may reach, each is asked",
    match=_MATCH,
    do=[*_IN, _EACH],
)
FREE = OWN_GROUPS.rule(
    "{port} is in {groups}, which have no rules: it may reach anybody, and anybody it",
    match=_MATCH,
    do=[*_IN, *_OUT],
)


def for_vpc(vpc: GroupedVpc) -> Iterator[Application]:
    yield OWN_GROUPS.miss_rule(vpc.why)


def for_port(port: GroupedPort) -> Iterator[Application]:
    yield _rule(port)(port.why, port=port.ofport, groups=port.groups)


def _rule(port: GroupedPort) -> Rule:
    if port.may_reach:
        return FREE if port.may_be_reached else MAY_REACH
    return MAY_BE_REACHED if port.may_be_reached else GROUPS


UNITS = {GroupedVpc: for_vpc, GroupedPort: for_port}
