"""What one switch does with a packet: the way through its tables, what goes out, and what it learns."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

from flows.fields import IN_PORT, Bit
from flows.flow import Flow
from flows.learning import Learn
from flows.openflow import (
    DecTtl,
    Goto,
    Output,
    OutputController,
    OutputInPort,
    OutputRegister,
    Resubmit,
)
from flows.simulate.packet import Packet, Unsupported, as_written, changed, ttl_is_spent
from flows.simulate.tables import Doing, Entry, Tables, entry, learned_entry

FIRST_TABLE = 0
_DEEPEST = 64
"""Open vSwitch gives up a packet that is looked up inside more lookups than these (MAX_DEPTH)."""
_LARGEST_PORT = 0xFEFF
"""Larger numbers are no ports but have meanings of their own (Open vSwitch: 16 bits, OFPP_MAX is 0xff00)."""


@dataclass(frozen=True, slots=True)
class Step:
    """One lookup on a packet's way."""

    table: int
    entry: Entry | None
    """The flow that was met; None: none, which drops the packet."""
    packet: Packet
    """As it came to the table."""
    aside: bool
    """Whether the packet only had a look here (a resubmit), and goes on from where it came."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A packet that leaves."""

    port: int
    packet: Packet
    step: int
    """Which step sends it, counted from 0."""


@dataclass(frozen=True, slots=True)
class Walk:
    """What became of one packet in one switch."""

    steps: tuple[Step, ...]
    copies: tuple[Copy, ...]
    controller: tuple[Packet, ...]
    """What the controller is sent."""

    @property
    def last(self) -> Step:
        """Where the packet's way ends."""
        return [step for step in self.steps if not step.aside][-1]


class Answers(Protocol):
    """Who knows the flows: a simulated switch, or a real one that was asked."""

    def lookup(self, number: int, packet: Packet) -> Entry | None:
        """The flow that a packet meets in a table."""

    def learn(self, learn: Learn, packet: Packet) -> bool:
        """Learn, and say whether the flow is there then."""


class Switch:
    """One switch: its flows and what it has learned. Time stands still: nothing is forgotten by itself."""

    def __init__(self, flows: Iterable[Flow]) -> None:
        self._tables = Tables(map(entry, flows))
        self._taught: list[Entry] = []

    @property
    def learned(self) -> Mapping[tuple[object, ...], Entry]:
        """What it has learned so far."""
        return {each.key: each for each in self._tables if each.ageing}

    def receive(self, packet: Packet, table: int = FIRST_TABLE) -> Walk:
        """Deal with a packet and learn from it. What it teaches is found from the next packet on."""
        try:
            return walk(packet, self, table)
        finally:
            for taught in self._taught:
                self._tables.add(taught)
            self._taught.clear()

    def lookup(self, number: int, packet: Packet) -> Entry | None:
        """The flow that a packet meets in a table."""
        return self._tables.lookup(number, packet)

    def learn(self, learn: Learn, packet: Packet) -> bool:
        """Learn, unless as many as may be are there; what is there already may be learned again."""
        taught = learned_entry(learn, packet)
        if self._tables.holds(taught):
            return True
        if self._tables.count(taught.table, taught.cookie) >= learn.limit:
            return False
        self._taught.append(taught)
        return True


def walk(packet: Packet, answers: Answers, table: int = FIRST_TABLE) -> Walk:
    """The way of a packet through the tables of a switch. Raises :class:`Unsupported`."""
    under_way = _Walk(answers, packet, packet)
    under_way.visit(table, aside=False, depth=0)
    return Walk(tuple(under_way.steps), tuple(under_way.copies), tuple(under_way.controller))


@dataclass(slots=True)
class _Walk:
    answers: Answers
    packet: Packet
    written: Packet
    """As its frame was when a copy left last."""
    steps: list[Step] = field(default_factory=list)
    copies: list[Copy] = field(default_factory=list)
    controller: list[Packet] = field(default_factory=list)

    def visit(self, table: int, *, aside: bool, depth: int) -> None:
        """Look the packet up in a table and do what is said there."""
        if depth > _DEEPEST:
            raise Unsupported(f"more than {_DEEPEST} lookups inside each other")
        found = self.answers.lookup(table, self.packet)
        number = len(self.steps)
        self.steps.append(Step(table, found, self.packet, aside))
        if found is None:
            return
        for index, action in enumerate(found.actions):
            if isinstance(action, DecTtl) and ttl_is_spent(self.packet):
                self._tell_controller()  # of an invalid TTL (OpenFlow 1.4, 7.4.1)
                return
            match action:
                case Resubmit(to):
                    # What comes last is no look aside: the packet goes on there.
                    self.visit(to, aside=aside or index < len(found.actions) - 1, depth=depth + 1)
                case Goto(to):
                    self.visit(to, aside=aside, depth=depth + 1)
                case _:
                    self._do(action, number)

    def _do(self, action: Doing, step: int) -> None:
        match action:
            case Output(port):
                self._send(port, step)
            case OutputRegister(register):
                self._send(self.packet[register], step)
            case OutputInPort():
                self._copy(self.packet[IN_PORT], step)
            case OutputController():
                self._tell_controller()
            case Learn(result=result):
                learned = self.answers.learn(action, self.packet)
                if result is not None:
                    self.packet = _with_bit(self.packet, result, learned)
            case _:
                self.packet = changed(self.packet, action)

    def _send(self, port: int, step: int) -> None:
        if port > _LARGEST_PORT:
            raise Unsupported(f"output to port {port:#x} is not simulated")
        if port != self.packet[IN_PORT]:  # not back where it came from (OpenFlow 1.4, 7.2.4)
            self._copy(port, step)

    def _copy(self, port: int, step: int) -> None:
        self.written = as_written(self.written, self.packet)
        self.copies.append(Copy(port, self.written, step))

    def _tell_controller(self) -> None:
        self.written = as_written(self.written, self.packet)
        self.controller.append(self.written)


def _with_bit(packet: Packet, bit: Bit, is_set: bool) -> Packet:
    value = packet[bit.field] & ~(1 << bit.number) | is_set << bit.number
    return packet.having((bit.field, value))
