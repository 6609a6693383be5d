"""What the tables that ask security groups have in common: matches of connections, and steps around the asking."""

from flows.openflow.fields import (
    CT_MARK,
    CT_STATE,
    ETH_TYPE,
    ETH_TYPE_IPV4,
    INVALID,
    IP_PROTO,
    NEW,
    PROTO_ICMP,
    RELATED,
    REPLY,
    TRACKED,
    Bits,
)
from flows.pipeline.registers import ALLOWED, ASKED, CONNECTION, GROUP, INBOUND, KEPT, MEMBER_OF, REMOTES
from flows.pipeline.templates import ActionTemplate, P, Value, eq, flags, put, resubmit
from flows.units.groups import GroupFragments, GroupService

IPV4 = eq(ETH_TYPE, ETH_TYPE_IPV4)
NOT_A_CONNECTION = [flags(CT_STATE, on=TRACKED | INVALID)]
OPENING = [IPV4, flags(CT_STATE, on=TRACKED, off=INVALID | REPLY)]
ANSWERING = [IPV4, flags(CT_STATE, on=TRACKED | REPLY, off=INVALID)]
TRACKED_AT_ALL = flags(CT_STATE, on=TRACKED, off=INVALID)
TELLS_OF_ANSWERS = [
    IPV4,
    eq(IP_PROTO, PROTO_ICMP),
    flags(CT_STATE, on=TRACKED | RELATED, off=INVALID | REPLY),
]
"""ICMP errors from where the connection was opened. The kernel datapath tells of none of these what it knows of the
connection, at first: looked up by that, they would seem to be of none (ADR 24)."""
IS_NEW = [eq(ALLOWED, 1), flags(CT_STATE, on=TRACKED | NEW), eq(CT_MARK, 0)]
"""Allowed, and not remembered yet: what is remembered has a mark (table commit). For connection tracking each packet of
a connection that is never answered is a new one."""

ASKED_PORT = Bits(ASKED, 0, 16)
FORGET: list[ActionTemplate] = [put(register, 0) for register in (ASKED, GROUP, CONNECTION, MEMBER_OF, KEPT)]
"""What was found out is of no use to later tables. Left there, it would make the datapath's flows of later tables many
where one would do."""

OF_GROUP = [eq(GROUP, P.group), eq(INBOUND, P.inbound)]
ASK_REMOTES: list[ActionTemplate] = [put(REMOTES, P.remotes), resubmit("rule_remotes")]


def of_group(unit: GroupService | GroupFragments) -> dict[str, Value]:
    """The parameters of all rules about what a group admits."""
    way = "may be reached" if unit.inbound else "may reach others"
    return {"group": unit.group, "inbound": int(unit.inbound), "way": way, "remotes": unit.remotes}
