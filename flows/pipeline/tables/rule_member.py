"""Which groups is the other end of the connection a member of?

One flow for each address of a member of a group that a rule names here, in each direction in which it does. Of several
groups each is tried. Members of a peered VPC count for the subnets that have a route to their address, and theirs one
back. The other end is the packet's source where it opened the connection, else its destination; sender_rules and
receiver_rules saw to that.
"""

from collections.abc import Iterator

from flows.openflow.fields import IP_DST, IP_SRC
from flows.pipeline.judging import IPV4
from flows.pipeline.page import RULE_MEMBER
from flows.pipeline.registers import INBOUND, MEMBER_OF, SUBNET, VPC
from flows.pipeline.rules import Application
from flows.pipeline.templates import P, each, eq
from flows.units.groups import GroupedVpc, GroupMember, PeerMember

_TRY = [each(MEMBER_OF, "rule_admits", P.groups)]

FROM_MEMBER = RULE_MEMBER.rule(
    "from {ip} of {vpc}: a member of {groups}",
    match=[eq(VPC, P.vpc), eq(INBOUND, 1), IPV4, eq(IP_SRC, P.ip)],
    do=_TRY,
)
TO_MEMBER = RULE_MEMBER.rule(
    "to {ip} of {vpc}: a member of {groups}",
    match=[eq(VPC, P.vpc), eq(INBOUND, 0), IPV4, eq(IP_DST, P.ip)],
    do=_TRY,
)
FROM_PEER = RULE_MEMBER.rule(
    "to {subnet} from {ip} of a peer: a member of {groups}",
    match=[eq(SUBNET, P.subnet), eq(INBOUND, 1), IPV4, eq(IP_SRC, P.ip)],
    do=_TRY,
)
TO_PEER = RULE_MEMBER.rule(
    "from {subnet} to {ip} of a peer: a member of {groups}",
    match=[eq(SUBNET, P.subnet), eq(INBOUND, 0), IPV4, eq(IP_DST, P.ip)],
    do=_TRY,
)


def for_vpc(vpc: GroupedVpc) -> Iterator[Application]:
    yield RULE_MEMBER.miss_rule(vpc.why)


def for_member(member: GroupMember) -> Iterator[Application]:
    rule = FROM_MEMBER if member.inbound else TO_MEMBER
    yield rule(member.why, vpc=member.vpc, ip=member.ip, groups=member.groups)


def for_peer(member: PeerMember) -> Iterator[Application]:
    rule = FROM_PEER if member.inbound else TO_PEER
    yield rule(member.why, subnet=member.subnet, ip=member.ip, groups=member.groups)


UNITS = {GroupedVpc: for_vpc, GroupMember: for_member, PeerMember: for_peer}
