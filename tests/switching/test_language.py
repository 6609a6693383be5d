"""The language that rules are written in: every field and every action, sent to a real switch and read back."""

import inspect
from collections.abc import Iterator
from ipaddress import IPv4Address, IPv6Address, IPv6Network
from typing import get_args

import pytest

from controller.openflow import compare, decode
from controller.openflow.actions import ENCODERS
from controller.openflow.encode import EVERYTHING, content, read_flows
from flows.compile.desired import Plan
from flows.model.objects.types import NOWHERE
from flows.openflow import actions as openflow
from flows.openflow.actions import (
    Action,
    CheckPktLarger,
    Ct,
    CtClear,
    DecTtl,
    Goto,
    Group,
    Learn,
    Meter,
    Move,
    Output,
    OutputController,
    OutputInPort,
    OutputRegister,
    PopVlan,
    PushVlan,
    Resubmit,
    SetBits,
    SetField,
    SetQueue,
    Term,
)
from flows.openflow.fields import (
    CT_IP_DST,
    CT_IP_PROTO,
    CT_IP_SRC,
    CT_IPV6_DST,
    CT_IPV6_SRC,
    CT_LABEL,
    CT_MARK,
    CT_STATE,
    CT_TP_DST,
    CT_TP_SRC,
    DECLARED,
    DNAT,
    ETH_DST,
    ETH_SRC,
    ETH_TYPE,
    ETH_TYPE_IPV4,
    ETH_TYPE_IPV6,
    IN_PORT,
    INVALID,
    IP_DSCP,
    IP_DST,
    IP_FRAG,
    IP_SRC,
    IPV6_DST,
    IPV6_SRC,
    NEW,
    SNAT,
    TRACKED,
    VLAN,
    VLAN_PRESENT,
    VLAN_PRESENT_AND_ID,
    VLAN_TCI,
    Bit,
    Bits,
    Field,
)
from flows.openflow.flow import Flow, Shape
from flows.openflow.groups_and_meters import GroupEntry, MeterEntry
from flows.openflow.learn import LearnLoad, LearnOutput
from flows.openflow.learn import LearnMatch as LearnedMatch
from flows.openflow.nat import Nat
from flows.pipeline.page import NUMBERS
from flows.pipeline.priorities import lpm
from flows.pipeline.registers import OUT_PORT, SUBNET, VPC
from flows.pipeline.rules import Rule, Table
from flows.pipeline.stages import Stage
from flows.pipeline.templates import P, commit, drop, eq, flags, goto, group, meter, put, queue, within
from flows.units.said import Why
from tests.openflow import Connection
from tests.switch import Switch
from tests.switching.client import Client

WHY = Why("a test", NOWHERE)
IP, IP6 = Term(ETH_TYPE, ETH_TYPE_IPV4), Term(ETH_TYPE, ETH_TYPE_IPV6)
LOW, HIGH = Bits(VPC, 0, 4), Bits(SUBNET, 8, 4)
NAT = Nat("src", (IPv4Address("192.0.2.1"), IPv4Address("192.0.2.9")), (1024, 65535))
ONE = IPv4Address("198.51.100.7")

ACTIONS: list[tuple[Action, ...]] = [
    (SetField(ETH_DST, 0x020000000001), SetField(VPC, 7), SetField(IP_SRC, 1), SetField(IP_DSCP, 46)),
    (SetBits(LOW, 5), SetBits(HIGH, 0), SetBits(Bit(VPC, 31), 1), SetBits(Bits(ETH_SRC, 40, 8), 2)),
    (Move(ETH_SRC, ETH_DST), Move(LOW, HIGH), Move(Bits(IP_DST, 0, 16), Bits(SUBNET, 16, 16))),
    (DecTtl(), PushVlan(), SetField(VLAN, 5), PopVlan()),
    (Output(1), OutputInPort(), OutputRegister(OUT_PORT), OutputController(), OutputController(1500)),
    (Resubmit(7), Output(1), Goto(9)),
    (
        Learn(
            9, 1, 60, 10, (LearnedMatch(ETH_DST, ETH_SRC), LearnLoad(1, VPC), LearnOutput(IN_PORT)), None, 5, "somebody"
        ),
    ),
    (Ct(7), Ct(IN_PORT, table=3), Ct(Bits(VPC, 0, 16), commit=True)),
    (Ct(7, commit=True, table=3, nat=NAT), Ct(7, nat=Nat(), table=4)),
    (Ct(7, commit=True, nat=Nat("dst", (ONE, ONE), (80, 80))), Ct(7, commit=True, nat=Nat("dst", (ONE, ONE)))),
    (Ct(7, commit=True, remember=(SetField(CT_MARK, 5), SetBits(Bits(CT_LABEL, 32, 32), 9), Move(VPC, CT_MARK))),),
    (Ct(7, True, 3, NAT, (SetField(CT_LABEL, 1 << 100),)),),
    (CtClear(), Output(1)),
    (Group(5),),
    (Meter(7), SetQueue(3), Output(1), Goto(9)),
    (CheckPktLarger(1514, Bit(SUBNET, 3)), Output(1)),
]


_MASKED = {
    *("dl_src", "dl_dst", "nw_src", "nw_dst", "ipv6_src", "ipv6_dst", "tp_src", "tp_dst", "tcp_flags", "nd_target"),
    *("arp_spa", "arp_tpa", "arp_sha", "arp_tha", "tun_id", "tun_src", "tun_dst", "ct_state", "ct_mark", "ct_label"),
    *("ct_nw_src", "ct_nw_dst", "ct_ipv6_src", "ct_ipv6_dst", "ct_tp_src", "ct_tp_dst"),
}
"""Of which a match can name some bits."""


def terms_of(field: Field) -> Iterator[tuple[Term, ...]]:
    """A match of a field, and one of a part of it where Open vSwitch knows such: with all that the field needs."""
    needed = [Term(need.field, need.value or 6, need.mask or None) for need in field.needs]
    if field.name == "nd_target":
        needed.append(Term(next(f for f in DECLARED if f.wire_name == "icmpv6_type"), 135))
    if field.name.startswith("ct_ipv6"):
        needed.append(IP6)
    elif field.name.startswith("ct_nw") or field.name.startswith("ct_tp"):
        needed.append(IP)
    if field is VLAN_TCI:
        yield (Term(field, 0, VLAN_PRESENT_AND_ID),)
        yield (Term(field, VLAN_PRESENT, VLAN_PRESENT),)
        return
    if field is not CT_STATE:  # of which only some bits can be matched
        yield (*needed, Term(field, {IP_FRAG: 0, ETH_TYPE: 0x88B5}.get(field, 1)))
    if field.name in _MASKED:
        upper = (1 << (len(field.flags) or field.bits)) - 2
        yield (*needed, Term(field, upper, upper))


def shapes() -> list[Shape]:
    """Flows of every field and every action, and of fields together."""
    found = [Shape(0, 100 + at, match, ()) for at, match in enumerate(m for f in DECLARED for m in terms_of(f))]
    tuple_ = (IP, Term(CT_STATE, TRACKED, TRACKED | INVALID), Term(CT_IP_PROTO, 6))
    together = [
        (*tuple_, Term(CT_IP_SRC, 1), Term(CT_IP_DST, 10 << 24, 0xFF << 24), Term(CT_TP_SRC, 5), Term(CT_TP_DST, 80)),
        (Term(CT_STATE, NEW | TRACKED | SNAT, 0xFF & ~DNAT), IP, Term(VPC, 1), Term(OUT_PORT, 2), Term(CT_MARK, 1, 15)),
        (Term(CT_LABEL, 1 << 90), Term(VPC, 1, 0xF), IP, Term(IP_DSCP, 46), Term(IP_FRAG, 0)),
        (IP6, Term(CT_STATE, TRACKED, TRACKED | INVALID), Term(CT_IPV6_SRC, 1), Term(CT_IPV6_DST, 2)),
        (IP6, Term(IPV6_SRC, 1), Term(IPV6_DST, 0xFD << 120, 0xFF << 120)),
    ]
    found += [Shape(1, 100 + at, match, ()) for at, match in enumerate(together)]
    return [*found, *(Shape(2, 100 + at, (IP,), actions) for at, actions in enumerate(ACTIONS))]


@pytest.fixture(scope="module")
def switch() -> Iterator[Switch]:
    decode.use_own_decoders()
    with Switch() as switch:
        protocols = "protocols=OpenFlow10,OpenFlow13,OpenFlow14,OpenFlow15"
        for bridge in ("br-int", "br-text"):
            switch.vsctl("add-br", bridge, "--", "set", "bridge", bridge, protocols, "fail_mode=secure")
            switch.ofctl("-OOpenFlow15", "add-group", bridge, "group_id=5,type=all,bucket=output:1")
            switch.ofctl("-OOpenFlow15", "add-meter", bridge, "meter=7,pktps,band=type=drop,rate=10")
        yield switch


def reported(switch: Switch, bridge: str) -> bytes:
    """The flows of a bridge as it reports them."""
    connection = Connection(switch, bridge)
    connection.send(read_flows(EVERYTHING, 9))
    messages = connection.read(lambda message: message[1] == 19 and not message[11] & 1)
    connection.close()
    return b"".join(message[16:] for message in messages if message[1] == 19)


def test_every_field_and_action_comes_back_as_it_was_sent(switch: Switch) -> None:
    flows = [Flow(shape) for shape in shapes()]
    client = Client(switch.directory, "br-int")
    client.apply(Plan(tuple(flows), frozenset()))
    client.close()
    held = {entry.cookie: entry.content for entry in decode.entries(reported(switch, "br-int"))}
    assert {cookie: data.hex() for cookie, data in held.items()} == {f.cookie: content(f).hex() for f in flows}
    assert not compare.altered(reported(switch, "br-int"), {flow.cookie: flow for flow in flows})


def test_the_text_of_every_field_and_action_says_the_same(switch: Switch) -> None:
    """What ``ovs-ofctl`` makes of our text is what we send.

    But for output to a register: there it adds how much the controller would get, which is no register's port.
    """
    flows = [Flow(shape) for shape in shapes() if not any(isinstance(a, OutputRegister) for a in shape.actions)]
    path = switch.directory / "flows"
    path.write_text("\n".join(f"cookie={flow.cookie:#x},{flow.text()}" for flow in flows))
    switch.ofctl("-OOpenFlow14", "--bundle", "replace-flows", "br-text", str(path))
    held = {entry.cookie: entry.content.hex() for entry in decode.entries(reported(switch, "br-text"))}
    assert held == {flow.cookie: content(flow).hex() for flow in flows}


def test_an_action_is_defined_and_encoded_once() -> None:
    """Whoever adds an action and forgets its meaning, what it reads or writes, or its encoder, is told here."""
    actions = set(get_args(Action))
    defined = {value for value in vars(openflow).values() if inspect.isclass(value) and hasattr(value, "do")}
    assert actions == defined
    instructions = {Goto, Meter}
    assert ENCODERS.keys() == actions - instructions
    for action in actions:
        assert all(hasattr(action, part) for part in ("do", "text", "reads", "writes")), action
    assert {type(action) for these in ACTIONS for action in these} == actions


def a_table(reads: list[Field], writes: list[Field]) -> Table:
    table = Table("route_table", 40, Stage.ROUTING, "?", reads, writes, ["neigh_table"], ("-", ()))
    table.numbers = NUMBERS
    return table


def same_as_os_ken(rule: Rule, **values: object) -> Flow:
    """The flow of a rule; checked that numbers filled in later make the same bytes as encoding it whole."""
    flow = rule(WHY, **values).flow  # type: ignore[arg-type]
    whole = Flow(Shape(flow.table, flow.priority, flow.match, flow.actions))
    assert content(flow) == content(whole)
    return flow


def test_a_rule_of_ipv6() -> None:
    """ADR 3 promises that 128 bits fit into keys, byte layouts and digests."""
    table = a_table([ETH_TYPE, IPV6_SRC, IPV6_DST, VPC], [VPC])
    ip6 = eq(ETH_TYPE, ETH_TYPE_IPV6)
    one = table.rule("{ip}", match=[ip6, eq(IPV6_DST, P.ip), eq(VPC, P.vpc)], do=[put(VPC, P.key), goto("neigh_table")])
    first, second = (same_as_os_ken(one, ip=IPv6Address(ip), vpc=1, key=2) for ip in ("fd00::1", "fd00:ffff:ffff::1"))
    assert first.key != second.key
    assert first.cookie != second.cookie
    assert "ipv6_dst=fd00::1" in first.text()
    many = table.rule("{prefix}", match=[ip6, within(IPV6_SRC, P.prefix)], do=drop(), priority=lpm)
    flow = same_as_os_ken(many, prefix=IPv6Network("fd00::/64"))
    assert "ipv6_src=fd00::/64" in flow.text()


def test_rules_with_bits_groups_meters_and_connections() -> None:
    table = a_table([ETH_TYPE, CT_STATE, CT_IP_PROTO, CT_TP_DST, VPC, IN_PORT], [SUBNET, *Ct(1).writes])
    tracked = flags(CT_STATE, on=TRACKED, off=INVALID)
    ip = eq(ETH_TYPE, ETH_TYPE_IPV4)
    match = [ip, tracked, eq(CT_IP_PROTO, 6), eq(CT_TP_DST, P.port), eq(Bits(VPC, 8, 4), P.high)]
    ports = table.rule("{port}", match, [put(HIGH, P.to)])
    flow = same_as_os_ken(ports, port=80, high=5, to=3)
    assert "ct_state=-inv+trk,ct_nw_proto=6,ct_tp_dst=80,reg0=0x500/0xf00 " in flow.text()
    assert flow.text().endswith(" actions=load:0x3->NXM_NX_REG1[8..11]")
    with pytest.raises(ValueError, match="does not fit"):
        ports(WHY, port=80, high=16, to=3)
    given = table.rule("{n}", match=[eq(IN_PORT, P.n)], do=[meter(P.m), queue(P.q), group(P.g)])
    assert (
        same_as_os_ken(given, n=7, m=MeterEntry(7, "packets", 1, 1), q=1, g=GroupEntry(1 << 20, "all", ()))
        .text()
        .endswith("meter:7,set_queue:1,group:1048576")
    )
    translated = table.rule("{first}", match=[ip], do=[commit(Ct(IN_PORT, True, 3, NAT), P.first, P.last)])
    assert "nat(src=198.51.100.7:1024-65535)" in translated(WHY, first=ONE, last=ONE).flow.text()
