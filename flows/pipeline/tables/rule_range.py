"""Does the rule admit the address of the other end of the connection?

One flow for each range that is among those whom a group admits for a service.
"""

from collections.abc import Iterator

from flows.openflow.fields import IP_DST, IP_SRC
from flows.pipeline.judging import IPV4
from flows.pipeline.page import RULE_RANGE
from flows.pipeline.registers import ALLOWED, GROUP, REMOTES
from flows.pipeline.rules import Application
from flows.pipeline.templates import P, eq, put, within
from flows.units.groups import GroupedVpc, GroupRemotes

_MATCH = [eq(GROUP, P.group), eq(REMOTES, P.remotes), IPV4]

FROM_RANGE = RULE_RANGE.rule(
    "{group} admits {range}: allowed",
    match=[*_MATCH, within(IP_SRC, P.range)],
    do=[put(ALLOWED, 1)],
)
TO_RANGE = RULE_RANGE.rule(
    "{group} admits connections to {range}: allowed",
    match=[*_MATCH, within(IP_DST, P.range)],
    do=[put(ALLOWED, 1)],
)


def for_vpc(vpc: GroupedVpc) -> Iterator[Application]:
    yield RULE_RANGE.miss_rule(vpc.why)


def for_remotes(remotes: GroupRemotes) -> Iterator[Application]:
    rule = FROM_RANGE if remotes.inbound else TO_RANGE
    for one in remotes.ranges:
        yield rule(remotes.why, group=remotes.group, remotes=remotes.remotes, range=one)


UNITS = {GroupedVpc: for_vpc, GroupRemotes: for_remotes}
