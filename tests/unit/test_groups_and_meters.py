"""Groups and meters follow from the flows that refer to them: what is wanted, and in which order a switch gets it."""

from dataclasses import replace
from typing import cast

import pytest

from controller.cli.change.plan import _print_flows
from controller.openflow.groups_and_meters import content
from controller.openflow.sessions import Session
from controller.reconcile.installed.groups_and_meters import GroupsAndMeters
from controller.reconcile.installed.transactions import RETRY
from flows.compile.declared import host_node, plugged_in
from flows.compile.desired import MeterPlan, Plan
from flows.compile.program import FlowConflict, Program
from flows.explain.describe import flow_lines
from flows.explain.explain import Explainer, Pasted
from flows.model import parse
from flows.model.objects.types import NOWHERE
from flows.openflow.actions import Goto, Group, Output, PushVlan
from flows.openflow.fields import IN_PORT
from flows.openflow.groups_and_meters import BadEntry, Bucket, GroupEntry, MeterEntry, key_of, keys_in
from flows.pipeline.numbers import ICMP_ERRORS, Numbers
from flows.pipeline.page import NUMBERS
from flows.pipeline.rules import Application, Table
from flows.pipeline.stages import Stage
from flows.pipeline.templates import P, eq, group, meter, output
from flows.preview.flow_change import EntryChange, _change
from flows.simulate.tracing import simulated, trace
from flows.simulate.traffic import Traffic
from flows.units.said import Why

TABLE = Table("classify", 0, Stage.ADMISSION, "?", [IN_PORT], [], [], ("-", ()))
TABLE.numbers = NUMBERS
RULE = TABLE.rule("{port}: {limit}, {to}", match=[eq(IN_PORT, P.port)], do=[meter(P.limit), group(P.to)])
LIMIT = MeterEntry(ICMP_ERRORS.of(1), "packets", 20, 40)
TO = GroupEntry(Numbers(1, "", "").of(1), "all", (Bucket((Output(1),)), Bucket((Output(2),))))


TWO_PORTS = """
encapsulation: vxlan
hosts: {h1: {tunnel_ip: 192.0.2.1}}
vpcs: {v: {id: 1, subnets: {s: {cidr: 10.0.0.0/24}}}}
ports: {p1: {vpc: v, ips: [10.0.0.11], host: h1}, p2: {vpc: v, ips: [10.0.0.12], host: h1}}
"""
NOTHING = {"group": b"", "meter": b""}
"""What a switch reports that holds none."""


def wanted(port: int = 1, limit: MeterEntry = LIMIT, to: GroupEntry = TO) -> Application:
    return RULE(Why(f"port {port}", NOWHERE), port=port, limit=limit, to=to)


def test_the_same_for_two_flows_is_one_until_no_flow_needs_it() -> None:
    program, one, other = Program(), wanted(1), wanted(2)
    assert program.change((), (one, other)).referred == {key_of(LIMIT), key_of(TO)}
    held = program.desired.groups_and_meters
    assert held == {key_of(LIMIT): LIMIT, key_of(TO): TO}
    words = program.desired.words_of(key_of(LIMIT))
    assert words.startswith("meter 0x76010001 (20 packets per second, 40 at once after a pause), wanted by port 1 ")
    assert ", port 2 " in words
    program.change((one,), ())
    assert held
    program.change((other,), ())
    assert not held


def test_an_application_that_comes_twice_has_to_go_twice() -> None:
    program, one = Program(), wanted()
    program.change((), (one, one))
    program.change((one,), ())
    assert len(program.desired.groups_and_meters) == 2
    program.change((one,), ())
    assert not program.desired.groups_and_meters


def test_another_rate_changes_the_meter_and_no_flow() -> None:
    program, before = Program(), wanted()
    program.change((), (before,))
    more = MeterEntry(LIMIT.number, "packets", 30, 40)
    change = program.change((before,), (wanted(limit=more),))
    assert change
    assert not change.added
    assert not change.removed
    assert program.desired.groups_and_meters[key_of(LIMIT)] == more


@pytest.mark.parametrize("first", [1, 2], ids=["another flow", "the same flow"])
def test_two_that_differ_under_one_number_are_refused_and_nothing_changes(first: int) -> None:
    program, before = Program(), wanted(first)
    program.change((), (before,))
    flows, held = dict(program.desired.flows), dict(program.desired.groups_and_meters)
    for other in (
        wanted(2, limit=MeterEntry(LIMIT.number, "kilobits", 20, 40)),
        wanted(2, to=GroupEntry(TO.number, "indirect", TO.buckets[:1])),
    ):
        with pytest.raises(FlowConflict, match=f"for port {first} .* and .* for port 2 "):
            program.change((), (other,))
        assert program.desired.flows == flows
        assert program.desired.groups_and_meters == held
    program.change((before,), ())
    assert not program.desired.groups_and_meters


def test_a_rule_is_given_what_its_action_needs() -> None:
    with pytest.raises(TypeError, match="Meter wants a MeterEntry"):
        RULE(Why("", NOWHERE), port=1, limit=7, to=TO)
    with pytest.raises(TypeError, match="Group wants a GroupEntry"):
        wanted(to=LIMIT)  # type: ignore[arg-type]


def test_what_no_switch_would_take_is_refused() -> None:
    for bad in (
        lambda: MeterEntry(1, "packets", 0, 1),
        lambda: MeterEntry(1, "packets", 1, 1 << 32),
        lambda: GroupEntry(1, "indirect", ()),
        lambda: GroupEntry(1, "ff", (Bucket(()),)),
        lambda: GroupEntry(1, "all", (Bucket((), watch_port=1),)),
        lambda: GroupEntry(1, "all", (Bucket((Group(2),)),)),
        lambda: GroupEntry(1, "all", (Bucket((Goto(2),)),)),
        lambda: GroupEntry(1, "all", (Bucket((Output(1), Output(2))),)),
        lambda: GroupEntry(1, "all", (Bucket((Output(1), PushVlan())),)),
    ):
        with pytest.raises(BadEntry):
            bad()
    with pytest.raises(ValueError, match="16 bits"):
        ICMP_ERRORS.of(1 << 16)


def test_keys_and_bytes() -> None:
    assert keys_in(wanted().flow) == (key_of(LIMIT), key_of(TO))
    assert content(LIMIT) != content(MeterEntry(LIMIT.number, "packets", 20, 41))


def test_explain_and_flows_say_what_a_flow_refers_to() -> None:
    program, application = Program(), wanted()
    program.change((), (application,))
    meaning = Explainer(program.desired, {}).meaning(Pasted("", application.flow.cookie, None))
    assert meaning is not None
    assert meaning.sentence.endswith(
        "; meter 0x76010001: 20 packets per second, 40 at once after a pause"
        "; group 0x76010001: a copy to each of 2 buckets"
    )
    lines = list(flow_lines(program.desired))
    after = lines[lines.index("# groups and meters") + 1 :]
    assert after[0] == "group_id=1979777025,type=all,bucket=actions=output:1,bucket=actions=output:2"
    assert after[2] == "meter=1979777025,pktps,burst,band=type=drop,rate=20,burst_size=40"
    assert "port 1" in after[1]
    assert "port 1" in after[3]


def test_a_plan_shows_a_meter_that_changes_although_no_flow_does(
    capsys: pytest.CaptureFixture[str],
) -> None:
    old, new, other = (wanted(limit=MeterEntry(LIMIT.number, "packets", rate, 40)) for rate in (20, 30, 30))
    change = _change([old], [new], [])
    assert change is not None
    assert not change.added
    assert not change.removed
    assert change.entries == (EntryChange(LIMIT, MeterEntry(LIMIT.number, "packets", 30, 40)),)
    _print_flows({"h1": change}, in_words=True)
    assert "~ meter 0x76010001: 20 packets per second, 40 at once after a pause -> 30" in capsys.readouterr().out
    assert _change([new], [other], []) is None


def test_a_plan_shows_groups_and_meters_that_come_and_go_and_not_those_that_others_keep() -> None:
    gone = _change([wanted(1)], [], [])
    assert gone is not None
    assert [one.new for one in gone.entries] == [None, None]
    come = _change([], [wanted(1)], [])
    assert come is not None
    assert [one.old for one in come.entries] == [None, None]
    still = _change([wanted(1)], [], [wanted(2)])
    assert still is not None
    assert not still.entries


def test_a_trace_says_what_limits_a_packet() -> None:
    network, _ = parse(TWO_PORTS, "two.yaml")
    snapshot, program = plugged_in(network), Program()
    rule = TABLE.rule("{port}", match=[eq(IN_PORT, P.port)], do=[meter(P.limit), output(2)])
    program.change((), (rule(Why("p1", NOWHERE), port=1, limit=LIMIT),))
    snapshot = replace(snapshot, desired={host_node("h1"): program.desired})
    source, target = (network.ports[name] for name in ("p1", "p2"))
    found = trace(snapshot, simulated(snapshot), source, target, Traffic("icmp"))
    assert found.hops[0].sentence.endswith(
        "; limited by meter 0x76010001 to 20 packets per second, 40 at once after a pause"
    )


class Asked:
    """Stands for a session; the test answers."""

    def read_groups_and_meters(self) -> None:
        pass


def keeper(*flows: Application) -> tuple[GroupsAndMeters, Program, list[str]]:
    """What keeps the groups and meters of a switch that must hold these flows and holds none yet; what drifted."""
    program, drifted = Program(), list[str]()
    kept = GroupsAndMeters("h1", drifted.append)
    kept.want(program.desired, set())
    follow(kept, program, (), flows)
    kept.ask(cast(Session, Asked()), 0)
    kept.read(NOTHING)
    return kept, program, drifted


def follow(
    kept: GroupsAndMeters, program: Program, less: tuple[Application, ...], more: tuple[Application, ...]
) -> None:
    kept.want(program.desired, program.change(less, more).referred)


def test_meters_come_first_then_groups_with_the_flows_that_need_them() -> None:
    one, two = wanted(1), wanted(2, to=GroupEntry(TO.number + 1, "all", ()))
    kept, _, _ = keeper(one, two)
    meters = kept.due(0)
    assert meters == MeterPlan((LIMIT,))
    kept.meters_done(meters)
    assert kept.due(0) is None
    receiving = kept.joined(Plan((one.flow,), frozenset()), may_send=False, may_remove=False)
    assert receiving.groups == (TO,)
    kept.groups_done(receiving)
    assert not kept.is_settled
    rest = kept.joined(Plan((two.flow,), frozenset()), may_send=True, may_remove=False)
    assert [entry.number for entry in rest.groups] == [TO.number + 1]
    kept.groups_done(rest)
    assert kept.is_settled


def test_what_no_flow_needs_goes_last_and_not_while_old_flows_may_stay() -> None:
    one = wanted(1)
    kept, program, _ = keeper(one)
    kept.meters_done(MeterPlan((LIMIT,)))
    kept.groups_done(Plan((one.flow,), frozenset(), (TO,)))
    follow(kept, program, (one,), ())
    gone = Plan((), frozenset({one.flow.cookie}))
    assert kept.joined(gone, may_send=True, may_remove=False).old_groups == frozenset()
    last = kept.joined(gone, may_send=True, may_remove=True)
    assert last.old_groups == {TO.number}
    kept.groups_done(last)
    assert kept.left_over() == MeterPlan(delete=frozenset({LIMIT.number}))
    kept.meters_done(MeterPlan(delete=frozenset({LIMIT.number})))
    assert kept.is_settled
    assert kept.left_over() is None


def test_a_refused_meter_keeps_back_its_flows_alone_and_is_tried_again() -> None:
    other = MeterEntry(ICMP_ERRORS.of(2), "packets", 5, 5)
    one, two = wanted(1), wanted(2, limit=other)
    kept, program, _ = keeper(one, two)
    meters = kept.due(0)
    assert meters is not None
    kept.refused(key_of(other), "OFPMMFC_OUT_OF_METERS", 0)
    kept.meters_done(meters)
    (problem,) = kept.problems
    assert problem.startswith("the switch refused meter 0x76010002 (5 packets per second")
    assert kept.joined(Plan((one.flow, two.flow), frozenset()), may_send=True, may_remove=True).add == (one.flow,)
    assert kept.due(RETRY / 2) is None
    assert kept.due(RETRY) == MeterPlan((other,))
    kept.meters_done(MeterPlan((other,)))
    assert not kept.problems
    kept.refused(key_of(LIMIT), "nothing of the kind is under way", 0)
    assert not kept.problems
    follow(kept, program, (two,), ())
    assert kept.left_over() == MeterPlan(delete=frozenset({other.number}))


def test_answers_that_cross_each_other_and_the_same_answer_again() -> None:
    """Of two questions only the last answer counts; what was sent meanwhile is no drift."""
    one = wanted(1)
    kept, _, drifted = keeper(one)
    session = cast(Session, Asked())
    for now in (1, 2):
        kept.ask(session, now)
    known = [kept.is_known]
    for _ in range(2):
        kept.read(NOTHING)
        known.append(kept.is_known)
    assert known == [False, False, True]
    kept.meters_done(MeterPlan((LIMIT,)))
    reports = NOTHING | {"meter": (2 + len(content(LIMIT))).to_bytes(2) + content(LIMIT)}
    for _ in range(2):
        kept.look(session, 3)
        kept.read(reports)
    assert not drifted
    kept.look(session, 4)
    kept.read(NOTHING)
    (words,) = drifted
    assert words.endswith("deleted by somebody else")
    assert kept.due(4) == MeterPlan((LIMIT,))
