"""Who are these: anybody, members of groups, addresses of ranges?

Whom a group admits for a service is a number; here it is told what that stands for. Only where the service is one that
somebody may use does anything look at the address of the other end.
"""

from collections.abc import Iterator

from flows.pipeline.page import RULE_REMOTES
from flows.pipeline.registers import ALLOWED, GROUP, REMOTES
from flows.pipeline.rules import Application, Rule
from flows.pipeline.templates import P, eq, put, resubmit
from flows.units.groups import GroupedVpc, GroupRemotes

_MATCH = [eq(GROUP, P.group), eq(REMOTES, P.remotes)]

ANYBODY = RULE_REMOTES.rule(
    "{group} admits {remotes}: allowed",
    match=_MATCH,
    do=[put(ALLOWED, 1)],
)
MEMBERS = RULE_REMOTES.rule(
    "{group} admits the members of {remotes}",
    match=_MATCH,
    do=[resubmit("rule_member")],
)
RANGES = RULE_REMOTES.rule(
    "{group} admits {remotes}",
    match=_MATCH,
    do=[resubmit("rule_range")],
)
BOTH = RULE_REMOTES.rule(
    "{group} admits members and addresses: {remotes}",
    match=_MATCH,
    do=[resubmit("rule_member"), resubmit("rule_range")],
)


def for_vpc(vpc: GroupedVpc) -> Iterator[Application]:
    yield RULE_REMOTES.miss_rule(vpc.why)


def for_remotes(remotes: GroupRemotes) -> Iterator[Application]:
    yield _rule(remotes)(remotes.why, group=remotes.group, remotes=remotes.remotes)


def _rule(remotes: GroupRemotes) -> Rule:
    if remotes.anybody:
        return ANYBODY
    if remotes.members_of:
        return BOTH if remotes.ranges else MEMBERS
    return RANGES


UNITS = {GroupedVpc: for_vpc, GroupRemotes: for_remotes}
