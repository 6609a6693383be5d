"""Whom does the group admit for the service that the packet is for?

The service is the packet's protocol and its destination port, or its type and code of ICMP. That is the service of the
connection in packets of who opened it. Of the ports the switch looks at no more bits than it takes to tell them from
those of all rules. So a scan of closed ports makes few flows in its cache (ADR 24). Answers are looked up in
rule_connection, and so are fragments, of which the switch sees no ports.

The narrowest flow that matches decides, and holds for all rules that cover its service: ports before whole protocols
before everything.
"""

from collections.abc import Iterator

from flows.openflow.fields import (
    FIRST_FRAGMENT,
    FRAGMENTS,
    ICMP_CODE,
    ICMP_TYPE,
    IP_FRAG,
    IP_PROTO,
    LATER_FRAGMENT,
    PROTO_ICMP,
    PROTO_TCP,
    PROTO_UDP,
    TCP_DST,
    UDP_DST,
)
from flows.pipeline import priorities
from flows.pipeline.judging import ANSWERING, ASK_REMOTES, IPV4, OF_GROUP, of_group
from flows.pipeline.page import RULE_SERVICE
from flows.pipeline.registers import ALLOWED, GROUP, INBOUND, OPEN_IN, OPEN_OUT
from flows.pipeline.rules import Application
from flows.pipeline.templates import P, TermTemplate, eq, put, resubmit, within
from flows.units.blocks import icmp_blocks, port_blocks
from flows.units.groups import GroupedVpc, GroupService


def _original(protocol: int, *ports: TermTemplate) -> list[TermTemplate]:
    return [*OF_GROUP, IPV4, eq(IP_PROTO, protocol), *ports]


ANYBODY_IN = RULE_SERVICE.rule(
    "no group of the port says who may reach it: allowed",
    match=[eq(GROUP, OPEN_IN), eq(INBOUND, 1)],
    do=[put(ALLOWED, 1)],
    priority=priorities.EXCEPTION,
)
ANYBODY_OUT = RULE_SERVICE.rule(
    "no group of the port says whom it may reach: allowed",
    match=[eq(GROUP, OPEN_OUT), eq(INBOUND, 0)],
    do=[put(ALLOWED, 1)],
    priority=priorities.EXCEPTION,
)
ANSWER = RULE_SERVICE.rule(
    "of an answer",
    match=ANSWERING,
    do=[resubmit("rule_connection")],
    priority=priorities.GUARD,
)
FRAGMENT = RULE_SERVICE.rule(
    "of a {which} fragment",
    match=[IPV4, eq(IP_FRAG, P.fragment)],
    do=[resubmit("rule_connection")],
    priority=priorities.GUARD,
)
TCP = RULE_SERVICE.rule(
    "{group} {way} for tcp {ports}: {remotes}",
    match=_original(PROTO_TCP, within(TCP_DST, P.ports)),
    do=ASK_REMOTES,
)
UDP = RULE_SERVICE.rule(
    "{group} {way} for udp {ports}: {remotes}",
    match=_original(PROTO_UDP, within(UDP_DST, P.ports)),
    do=ASK_REMOTES,
)
ICMP = RULE_SERVICE.rule(
    "{group} {way} for ICMP type {type}: {remotes}",
    match=_original(PROTO_ICMP, within(ICMP_TYPE, P.type)),
    do=ASK_REMOTES,
)
ICMP_WITH_CODE = RULE_SERVICE.rule(
    "{group} {way} for ICMP type {type} code {code}: {remotes}",
    match=_original(PROTO_ICMP, within(ICMP_TYPE, P.type), within(ICMP_CODE, P.code)),
    do=ASK_REMOTES,
)
PROTOCOL = RULE_SERVICE.rule(
    "{group} {way} for {protocol}: {remotes}",
    match=[*OF_GROUP, IPV4, eq(IP_PROTO, P.protocol)],
    do=ASK_REMOTES,
    priority=priorities.FALLBACK,
)
EVERYTHING = RULE_SERVICE.rule(
    "{group} {way} for everything else: {remotes}",
    match=OF_GROUP,
    do=ASK_REMOTES,
    priority=priorities.LAST_RESORT,
)


def for_vpc(vpc: GroupedVpc) -> Iterator[Application]:
    for rule in (ANYBODY_IN, ANYBODY_OUT, ANSWER, RULE_SERVICE.miss_rule):
        yield rule(vpc.why)
    # Of a match of both, ovs-ofctl finds that it is another one each time it compares flows.
    for fragment in (FIRST_FRAGMENT, LATER_FRAGMENT):
        yield FRAGMENT(vpc.why, which=FRAGMENTS[fragment], fragment=fragment)


def for_service(service: GroupService) -> Iterator[Application]:
    why, given = service.why, of_group(service)
    if service.protocol is None:
        yield EVERYTHING(why, **given)
    elif service.ports is None:
        yield PROTOCOL(why, protocol=service.protocol, **given)
    elif service.protocol == PROTO_ICMP:
        for kind, code in icmp_blocks(service.ports):
            if code is None:
                yield ICMP(why, type=kind, **given)
            else:
                yield ICMP_WITH_CODE(why, type=kind, code=code, **given)
    else:
        rule = TCP if service.protocol == PROTO_TCP else UDP
        for ports in port_blocks(service.ports):
            yield rule(why, ports=ports, **given)


UNITS = {GroupedVpc: for_vpc, GroupService: for_service}
