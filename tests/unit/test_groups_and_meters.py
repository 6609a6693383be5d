"""Groups and meters follow from the flows that refer to them: what is wanted, and in which order a switch gets it."""

import pytest

from controller.openflow.groups_and_meters import content
from flows.compile.program import FlowConflict, Program
from flows.model.objects.types import NOWHERE
from flows.openflow.actions import Goto, Group, Output
from flows.openflow.fields import IN_PORT
from flows.openflow.groups_and_meters import BadEntry, Bucket, GroupEntry, MeterEntry, key_of, keys_in
from flows.pipeline.numbers import PACKETS_UP, Numbers
from flows.pipeline.page import NUMBERS
from flows.pipeline.rules import Application, Table
from flows.pipeline.templates import P, eq, group, meter
from flows.units.said import Why

TABLE = Table("classify", 0, "?", [IN_PORT], [], [], ("-", ()))
TABLE.numbers = NUMBERS
RULE = TABLE.rule("{port}: {limit}, {to}", match=[eq(IN_PORT, P.port)], do=[meter(P.limit), group(P.to)])
LIMIT = MeterEntry(PACKETS_UP.of(1), "packets", 20, 40)
TO = GroupEntry(Numbers(1, "", "").of(1), "all", (Bucket((Output(1),)), Bucket((Output(2),))))


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
    ):
        with pytest.raises(BadEntry):
            bad()
    with pytest.raises(ValueError, match="16 bits"):
        PACKETS_UP.of(1 << 16)


def test_keys_and_bytes() -> None:
    assert keys_in(wanted().flow) == (key_of(LIMIT), key_of(TO))
    assert content(LIMIT) != content(MeterEntry(LIMIT.number, "packets", 20, 41))
