"""Packets through groups, and by their lengths: a real switch and the simulation send the same copies."""

from collections.abc import Iterator
from random import Random

import pytest

from flows.compile.desired import Desired
from flows.openflow.actions import (
    Action,
    CheckPktLarger,
    Goto,
    Group,
    Move,
    Output,
    OutputInPort,
    PopVlan,
    PushVlan,
    Resubmit,
    SetBits,
    SetField,
    Term,
)
from flows.openflow.fields import ETH_DST, ETH_SRC, IN_PORT, VLAN, VLAN_PRESENT, VLAN_TCI, Bit, Bits
from flows.openflow.flow import Flow, Shape
from flows.openflow.groups_and_meters import Bucket, GroupEntry, GroupType, key_of, our_number
from flows.pipeline.registers import SUBNET
from flows.simulate import Packet, Switch, Unsupported, extract
from tests.switching.bench import Bench
from tests.switching.frame import Frame, Tag

PORTS = (1, 2, 3, 4, 5)
TAGGED = Term(VLAN_TCI, VLAN_PRESENT, VLAN_PRESENT)
FRAMES = [Frame(0x020000000001, 0x020000000002), Frame(0x020000000001, 0x020000000002, (Tag(7, 3),))]
"""Of 60 and 64 bytes."""


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Bench(PORTS, tunnel=False) as bench:
        yield bench


def program(flows: list[Flow], *groups: GroupEntry) -> Desired:
    return Desired({flow.cookie: flow for flow in flows}, {}, {}, {key_of(group): group for group in groups})


def simulated(desired: Desired, frame: Frame, down: frozenset[int] = frozenset()) -> tuple[dict[int, Frame], list[str]]:
    """What the simulated switch sends, and what it says of groups."""
    switch = Switch(desired.flows.values(), desired.groups_and_meters, down)
    walk = switch.receive(Packet({**extract(frame.encode()).values, "in_port": 1}))
    copies: dict[int, Frame] = {}
    for copy in walk.copies:
        assert copy.port not in copies
        tci = [copy.packet.values.get(name, 0) for name in ("vlan_tci", "inner_tci")]
        tags = tuple(Tag(each & 0xFFF, each >> 13) for each in tci if each)
        copies[copy.port] = Frame(copy.packet[ETH_SRC], copy.packet[ETH_DST], tags)
    return copies, [note for notes in walk.notes.values() for note in notes]


def both(bench: Bench, desired: Desired, frame: Frame, down: frozenset[int] = frozenset()) -> list[str]:
    copies, notes = simulated(desired, frame, down)
    assert bench.send(1, frame) == copies, (frame, notes)
    return notes


def random_bucket(random: Random, last: Action, watch_port: int | None) -> Bucket:
    tag: list[Action] = [PushVlan(), SetField(VLAN, random.randint(1, 9))]
    first = tag[: random.randint(0, 2)]
    sets: list[Action] = [SetField(ETH_DST, random.getrandbits(40)), Move(ETH_SRC, ETH_DST)]
    sets += [SetBits(Bits(ETH_DST, 0, 8), random.getrandbits(8)), SetField(SUBNET, 5)]
    return Bucket((*first, *random.sample(sets, random.randint(0, 3)), last), watch_port)


@pytest.mark.parametrize("seed", range(12))
def test_random_groups(bench: Bench, seed: int) -> None:
    """What a bucket does is nothing to the next one, nor to what the flow does after the group."""
    random = Random(seed)
    kind: GroupType = random.choice(["all", "all", "indirect", "ff", "select"])
    number = 1 if kind in ("indirect", "select") else random.randint(0 if kind == "all" else 1, 3)
    last: list[Action] = [Output(2), Output(3), Output(4), OutputInPort(), Resubmit(2)]
    outputs = random.sample(last, number)
    buckets = tuple(random_bucket(random, each, random.choice(PORTS) if kind == "ff" else None) for each in outputs)
    group = GroupEntry(our_number(9, seed), kind, buckets)
    shapes = [
        Shape(0, 1, (), (Group(group.number), SetField(ETH_SRC, 9), Output(5))),
        Shape(0, 2, (TAGGED,), (PopVlan(), Group(group.number))),
        Shape(2, 1, (), ()),
        Shape(2, 2, (Term(SUBNET, 5),), (SetField(ETH_SRC, 7),)),
    ]
    desired = program([Flow(shape) for shape in shapes], group)
    bench.load(desired)
    for frame in FRAMES:
        both(bench, desired, frame)


def test_the_first_live_bucket(bench: Bench) -> None:
    buckets = (Bucket((Output(2),), 2), Bucket((SetField(ETH_DST, 3), Output(3)), 3))
    group = GroupEntry(our_number(9, 100), "ff", buckets)
    desired = program([Flow(Shape(0, 1, (), (Group(group.number),)))], group)
    bench.load(desired)
    try:
        for down, said in ((set(), "port 2"), ({2}, "port 3"), ({2, 3}, "no live bucket"), ({3}, "port 2")):
            for port in (2, 3):
                bench.control("netdev-dummy/set-admin-state", f"p{port}", "down" if port in down else "up")
            bench.vsctl("--timeout=10", "get", "interface", "p2", "link_state")
            bench.settle()
            (note,) = both(bench, desired, FRAMES[0], frozenset(down))
            assert said in note
    finally:
        for port in (2, 3):
            bench.control("netdev-dummy/set-admin-state", f"p{port}", "up")


def test_which_bucket_a_hash_takes_is_not_said() -> None:
    group = GroupEntry(our_number(9, 101), "select", (Bucket((Output(2),)), Bucket((Output(3),))))
    copies, (note,) = simulated(program([Flow(Shape(0, 1, (), (Group(group.number),)))], group), FRAMES[0])
    assert copies.keys() == {2, 3}
    assert note.endswith("the switch takes one of 2 buckets; all are shown")


@pytest.mark.parametrize("size", [59, 60, 61, 63, 64, 65, 68])
def test_the_length_of_a_frame(bench: Bench, size: int) -> None:
    """With its tags, also those that were pushed a moment ago."""
    larger = Bit(SUBNET, 3)
    check = CheckPktLarger(size, larger)
    shapes = [
        Shape(0, 1, (), (check, Goto(1))),
        Shape(0, 2, (TAGGED,), (PopVlan(), check, Goto(1))),
        Shape(0, 3, (Term(IN_PORT, 1), Term(ETH_DST, 3)), (PushVlan(), check, Goto(1))),
        Shape(1, 1, (), (Output(2),)),
        Shape(1, 2, (Term(SUBNET, larger.mask, larger.mask),), (Output(3),)),
    ]
    desired = program([Flow(shape) for shape in shapes])
    bench.load(desired)
    for frame in (*FRAMES, Frame(0x020000000001, 3)):
        both(bench, desired, frame)


def test_a_packet_that_came_in_no_frame_has_no_length() -> None:
    desired = program([Flow(Shape(0, 1, (), (CheckPktLarger(60, Bit(SUBNET, 3)),)))])
    with pytest.raises(Unsupported, match="length"):
        Switch(desired.flows.values()).receive(Packet({"in_port": 1}))
