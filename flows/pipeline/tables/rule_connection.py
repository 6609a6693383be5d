"""Whom does the group admit for the service that the connection is for?

As rule_service, for answers and fragments: by the connection as its first packet named it. Of a first fragment
connection tracking knows the ports. Of later ones it does not, where it does not put datagrams together for good (the
userspace datapath): these pass for whoever may send to any port of the protocol. Without its first fragment a datagram
is of no use.
"""

from collections.abc import Iterator

from flows.openflow.fields import CT_IP_PROTO, CT_TP_DST, CT_TP_SRC, IP_FRAG, LATER_FRAGMENT, PROTO_ICMP
from flows.pipeline import priorities
from flows.pipeline.judging import ASK_REMOTES, IPV4, OF_GROUP, TRACKED_AT_ALL, of_group
from flows.pipeline.page import RULE_CONNECTION
from flows.pipeline.rules import Application
from flows.pipeline.templates import P, eq, within
from flows.units.blocks import PORT_BITS, icmp_blocks, port_blocks
from flows.units.groups import GroupedVpc, GroupFragments, GroupService

_OF_ICMP = [*OF_GROUP, TRACKED_AT_ALL, eq(CT_IP_PROTO, PROTO_ICMP)]
_OF_PROTOCOL = [*OF_GROUP, TRACKED_AT_ALL, eq(CT_IP_PROTO, P.protocol)]

PORTS = RULE_CONNECTION.rule(
    "connection: {group} {way} for {protocol} {ports}: {remotes}",
    match=[*_OF_PROTOCOL, within(CT_TP_DST, P.ports)],
    do=ASK_REMOTES,
)
ICMP = RULE_CONNECTION.rule(
    "connection: {group} {way} for ICMP type {type}: {remotes}",
    match=[*_OF_ICMP, within(CT_TP_SRC, P.type)],
    do=ASK_REMOTES,
)
ICMP_WITH_CODE = RULE_CONNECTION.rule(
    "connection: {group} {way} for ICMP type {type} code {code}: {remotes}",
    match=[*_OF_ICMP, within(CT_TP_SRC, P.type), within(CT_TP_DST, P.code)],
    do=ASK_REMOTES,
)
LATER = RULE_CONNECTION.rule(
    "{group} {way} for later fragments of {protocol}: {remotes}",
    match=[*_OF_PROTOCOL, IPV4, eq(IP_FRAG, LATER_FRAGMENT)],
    do=ASK_REMOTES,
    priority=priorities.GUARD,
)
PROTOCOL = RULE_CONNECTION.rule(
    "connection: {group} {way} for {protocol}: {remotes}",
    match=_OF_PROTOCOL,
    do=ASK_REMOTES,
    priority=priorities.FALLBACK,
)
EVERYTHING = RULE_CONNECTION.rule(
    "connection: {group} {way} for everything else: {remotes}",
    match=OF_GROUP,
    do=ASK_REMOTES,
    priority=priorities.LAST_RESORT,
)


def for_vpc(vpc: GroupedVpc) -> Iterator[Application]:
    yield RULE_CONNECTION.miss_rule(vpc.why)


def for_service(service: GroupService) -> Iterator[Application]:
    why, given = service.why, of_group(service)
    if service.protocol is None:
        yield EVERYTHING(why, **given)
    elif service.ports is None:
        yield PROTOCOL(why, protocol=service.protocol, **given)
    elif service.protocol == PROTO_ICMP:
        # Of a connection the type and the code stand where others have ports.
        for kind, code in icmp_blocks(service.ports):
            if code is None:
                yield ICMP(why, type=kind.widened(PORT_BITS), **given)
            else:
                yield ICMP_WITH_CODE(why, type=kind.widened(PORT_BITS), code=code.widened(PORT_BITS), **given)
    else:
        for ports in port_blocks(service.ports):
            yield PORTS(why, protocol=service.protocol, ports=ports, **given)


def for_fragments(fragments: GroupFragments) -> Iterator[Application]:
    yield LATER(fragments.why, protocol=fragments.protocol, **of_group(fragments))


UNITS = {GroupedVpc: for_vpc, GroupService: for_service, GroupFragments: for_fragments}
