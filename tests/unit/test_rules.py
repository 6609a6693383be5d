"""A rule that breaks what its table declares is refused when declared; one that is used wrongly, when used."""

from collections.abc import Sequence
from ipaddress import IPv4Address, IPv4Network

import pytest

from flows.model.objects.types import NOWHERE
from flows.openflow.actions import Ct, DecTtl, Move, OutputRegister, PushVlan
from flows.openflow.fields import (
    ARP_TPA,
    CT_IP_DST,
    CT_STATE,
    CT_TP_DST,
    ETH_TYPE,
    ETH_TYPE_IPV4,
    INVALID,
    IP_DST,
    IP_SRC,
    TRACKED,
)
from flows.pipeline.page import NUMBERS
from flows.pipeline.registers import OUT_PORT, VPC
from flows.pipeline.rules import DeclarationError, Rule, Table
from flows.pipeline.stages import Stage
from flows.pipeline.templates import (
    ActionTemplate,
    LearnTemplate,
    P,
    TermTemplate,
    admit,
    copies,
    drop,
    eq,
    flags,
    goto,
    meter,
    put,
    resubmit,
    within,
)
from flows.units.said import Named, Why

WHY = Why("a test", NOWHERE)


def table() -> Table:
    made = Table(
        "route_table",
        40,
        Stage.ROUTING,
        "?",
        reads=[VPC, ETH_TYPE, IP_DST],
        writes=[VPC],
        next=["neigh_table", "gateway"],
        miss=("-", ()),
    )
    made.numbers = NUMBERS
    return made


IPV4 = eq(ETH_TYPE, ETH_TYPE_IPV4)


@pytest.mark.parametrize(
    ("match", "do", "fault"),
    [
        ([eq(OUT_PORT, 1)], drop(), "reads reg2"),
        ([IPV4], [put(VPC, 1), meter(P.limit)], "has a meter that is not its first step"),
        ([eq(CT_IP_DST, P.ip)], drop(), "matches ct_nw_dst without ct_state=0x20/0x30"),
        (
            [flags(CT_STATE, on=TRACKED, off=INVALID), eq(CT_TP_DST, 80)],
            drop(),
            "matches ct_tp_dst without ct_nw_proto",
        ),
        ([IPV4], [Ct(5)], "sets ct_state"),
        ([eq(IP_DST, P.ip)], drop(), "matches nw_dst without dl_type=0x800"),
        ([eq(ETH_TYPE, 0x806), eq(IP_DST, P.ip)], drop(), "matches nw_dst without dl_type=0x800"),
        ([IPV4], [put(OUT_PORT, 1)], "sets reg2"),
        ([IPV4], [DecTtl()], "sets nw_ttl"),
        ([IPV4], [Move(ARP_TPA, VPC)], "reads arp_tpa"),
        ([IPV4], [Move(IP_DST, IP_SRC)], "sets nw_src"),
        ([IPV4], [OutputRegister(OUT_PORT)], "reads reg2"),
        ([IPV4], [goto("deliver")], "goes to deliver"),
        ([IPV4], [goto("gateway")], "goes back to gateway; only a resubmit can"),
        ([IPV4], [goto("neigh_table"), put(VPC, 1)], "has a goto that is not its last step"),
        ([IPV4], [PushVlan()], "sets dl_vlan"),
        ([IPV4], [copies(P.copies)], "sets dl_vlan"),
        ([IPV4], admit(), "reads dl_vlan"),
        ([IPV4], [LearnTemplate("known", (), 1, "", 1, 1)], "learns into known"),
    ],
)
def test_what_a_table_does_not_declare(match: Sequence[TermTemplate], do: Sequence[ActionTemplate], fault: str) -> None:
    with pytest.raises(DeclarationError, match=fault):
        table().rule("a rule", match, do)


def test_a_resubmit_may_go_back() -> None:
    table().rule("a rule", [IPV4], [resubmit("gateway")])


def rule() -> Rule:
    return table().rule("{ip} of {vpc}", [eq(VPC, P.vpc), IPV4, eq(IP_DST, P.ip)], drop())


def test_an_application_knows_its_flow_and_its_words() -> None:
    application = rule()(WHY, vpc=Named(7, "VPC blue"), ip=IPv4Address("10.0.0.1"))
    assert application.sentence == "10.0.0.1 of VPC blue"
    assert application.flow.text() == "table=40,priority=1000,ip,reg0=0x7,nw_dst=10.0.0.1 actions=drop"


@pytest.mark.parametrize("values", [{"vpc": 1}, {"vpc": 1, "ip": IPv4Address("10.0.0.1"), "port": 1}])
def test_an_application_gives_exactly_the_parameters(values: dict[str, int]) -> None:
    with pytest.raises(TypeError, match="exactly its parameters"):
        rule()(WHY, **values)


def test_values_that_do_not_fit() -> None:
    with pytest.raises(ValueError, match="does not fit into reg0"):
        _ = rule()(WHY, vpc=2**32, ip=IPv4Address("10.0.0.1")).flow
    with pytest.raises(TypeError, match="IPv4Network"):
        _ = rule()(WHY, vpc=1, ip=IPv4Network("10.0.0.0/8")).flow
    prefix = table().rule("{to}", [IPV4, within(IP_DST, P.to)], drop())
    with pytest.raises(TypeError, match="wants a prefix"):
        _ = prefix(WHY, to=IPv4Address("10.0.0.1")).flow


def test_equal_flows_have_equal_cookies_whatever_they_are_there_for() -> None:
    one = rule()(WHY, vpc=Named(7, "VPC blue"), ip=IPv4Address("10.0.0.1"))
    two = rule()(Why("another", NOWHERE), vpc=Named(7, "VPC red"), ip=IPv4Address("10.0.0.1"))
    other = rule()(WHY, vpc=8, ip=IPv4Address("10.0.0.1"))
    assert one.flow.cookie == two.flow.cookie != other.flow.cookie
    assert one.flow.cookie >> 56 == 0x76
