"""Does the rule admit members of that group?

One flow for each group that is among those whom a group admits for a service.
"""

from collections.abc import Iterator

from flows.pipeline.page import RULE_ADMITS
from flows.pipeline.registers import ALLOWED, GROUP, MEMBER_OF, REMOTES
from flows.pipeline.rules import Application
from flows.pipeline.templates import P, eq, put
from flows.units.groups import GroupedVpc, GroupRemotes

ADMITS = RULE_ADMITS.rule(
    "{group} admits members of {other}: allowed",
    match=[eq(GROUP, P.group), eq(REMOTES, P.remotes), eq(MEMBER_OF, P.other)],
    do=[put(ALLOWED, 1)],
)


def for_vpc(vpc: GroupedVpc) -> Iterator[Application]:
    yield RULE_ADMITS.miss_rule(vpc.why)


def for_remotes(remotes: GroupRemotes) -> Iterator[Application]:
    for other in remotes.members_of:
        yield ADMITS(remotes.why, group=remotes.group, remotes=remotes.remotes, other=other)


UNITS = {GroupedVpc: for_vpc, GroupRemotes: for_remotes}
