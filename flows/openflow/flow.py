"""Flows: a shape that many of them share, and the numbers by which they differ.

A switch holds a hundred thousand flows of some dozen shapes. What all flows of a shape share is computed once. Of each
flow only its numbers and its cookie are kept.
"""

from dataclasses import dataclass, replace
from functools import cached_property
from hashlib import blake2b
from typing import Any

from flows.openflow.actions import (
    Action,
    Group,
    Meter,
    Output,
    OutputController,
    SetBits,
    SetField,
    SetQueue,
    TableNames,
    Term,
)
from flows.openflow.fields import ETH_TYPE, ETH_TYPE_ARP, ETH_TYPE_IPV4, IP_PROTO, PROTO_ICMP, Field
from flows.openflow.layout import Layout, Numbers
from flows.openflow.learn import Learn

COOKIE_OWNER = 0x76
"""The highest byte of every cookie of ours ("v")."""
COOKIE_OWNER_MASK = 0xFF << 56
COOKIE_DROPS = 1 << 55
"""Set in the cookies of flows that drop packets: their counters can be asked for without all the others."""
_DIGEST = COOKIE_DROPS - 1


@dataclass(frozen=True, eq=False)
class Shape:
    """What many flows have in common: one of them, and which of its numbers differ in the others."""

    table: int
    priority: int
    match: tuple[Term, ...]
    actions: tuple[Action, ...]
    holes: tuple[tuple[int, int], ...] = ()
    """For each place that takes a number: which of the terms, then of the actions, and which of the numbers."""

    @cached_property
    def bits(self) -> tuple[int, ...]:
        """How many bits each number may have."""
        parts: list[Any] = [*self.match, *self.actions]
        bits: dict[int, int] = {}
        for place, number in self.holes:
            part = parts[place]
            bits[number] = min(part.room, bits.get(number, part.room))
        return tuple(bits[number] for number in range(len(bits)))

    def parts(self, numbers: Numbers) -> tuple[tuple[Term, ...], tuple[Action, ...]]:
        """Match and actions with these numbers in their places."""
        parts: list[Any] = [*self.match, *self.actions]
        for place, number in self.holes:
            part = parts[place]
            parts[place] = replace(part, **{part.hole: numbers[number]})
        return tuple(parts[: len(self.match)]), tuple(parts[len(self.match) :])

    @cached_property
    def learns(self) -> tuple[Learn, ...]:
        """What makes the switch learn."""
        return tuple(action for action in self.actions if isinstance(action, Learn) and action.full is None)

    @cached_property
    def content(self) -> Layout:
        """From numbers to bytes that say everything of a flow: first its place, then what it does."""
        return Layout(lambda numbers: b"".join(_content(self, *self.parts(numbers))), self.bits)

    @cached_property
    def owner(self) -> int:
        """What the cookies of all of them have."""
        return COOKIE_OWNER << 56 | (COOKIE_DROPS if self.drops else 0)

    @cached_property
    def drops(self) -> bool:
        """Whether matching packets are dropped, even though the controller may take note of them."""
        return not self.actions or any(isinstance(one, OutputController) and one.drops for one in self.actions)

    @cached_property
    def size_of_place(self) -> int:
        """How many of these bytes tell its place."""
        return len(_content(self, self.match, self.actions)[0])


class Flow:
    """One flow of one switch. No actions: matching packets are dropped, and counted."""

    __slots__ = ("cookie", "key", "numbers", "shape")

    def __init__(self, shape: Shape, numbers: Numbers = ()) -> None:
        content = shape.content(numbers)
        digest = int.from_bytes(blake2b(content, digest_size=7).digest())
        self.shape = shape
        self.numbers = numbers
        self.key = content[: shape.size_of_place]
        """The identity of the flow in a switch: adding a second flow of the same key replaces the first."""
        self.cookie = digest & _DIGEST | shape.owner
        """The owner's byte, whether it drops, 55 bits of its digest: the same flow has the same cookie everywhere."""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Flow) and self.shape.content(self.numbers) == other.shape.content(other.numbers)

    def __hash__(self) -> int:
        return self.cookie

    def __repr__(self) -> str:
        return f"<Flow {self.text()}>"

    @property
    def table(self) -> int:
        """The number of its table."""
        return self.shape.table

    @property
    def priority(self) -> int:
        """Among flows of a table that match, the one with the highest is taken."""
        return self.shape.priority

    @property
    def match(self) -> tuple[Term, ...]:
        """Which packets it is for."""
        return self.shape.parts(self.numbers)[0]

    @property
    def actions(self) -> tuple[Action, ...]:
        """What it does with them."""
        return self.shape.parts(self.numbers)[1]

    def text(self, names: TableNames = str) -> str:
        """The flow as ``ovs-ofctl`` reads it, without a cookie."""
        terms = ",".join(("", *_match_text(self.match)))
        return f"table={names(self.table)},priority={self.priority}{terms} actions={self.actions_text(names)}"

    def actions_text(self, names: TableNames = str) -> str:
        """The actions as ``ovs-ofctl`` prints them."""
        return ",".join(action.text(names) for action in self.actions) or "drop"


def _content(shape: Shape, terms: tuple[Term, ...], actions: tuple[Action, ...]) -> tuple[bytes, bytes]:
    """A flow's place and what it does: a digest of all but the values, then the values.

    Terms in any order make one place.
    """
    terms = tuple(sorted(terms, key=lambda term: term.field.name))
    place = [(term.field.name, term.mask) for term in terms]
    values = b"".join(term.value.to_bytes(_size(term.room)) for term in terms)
    does: list[object] = []
    given = b""
    for action in actions:
        if isinstance(action, SetField | SetBits | Output | Group | Meter | SetQueue):
            does.append(action.kind)
            given += getattr(action, action.hole).to_bytes(_size(action.room))
        else:
            does.append(action.text(str))
    return _digest((shape.table, shape.priority, place)) + values, _digest(does) + given


def _size(bits: int) -> int:
    """Bytes that a number takes in what says everything of a flow."""
    return 8 if bits <= 64 else 16


def _digest(said: object) -> bytes:
    return blake2b(repr(said).encode(), digest_size=16).digest()


def _match_text(terms: tuple[Term, ...]) -> list[str]:
    """The terms, with ``ip``, ``arp`` and ``icmp`` for what they stand for."""
    values = {term.field: term.value for term in terms}
    words: list[str] = []
    short: set[Field] = set()
    if values.get(ETH_TYPE) == ETH_TYPE_ARP:
        words, short = ["arp"], {ETH_TYPE}
    elif values.get(ETH_TYPE) == ETH_TYPE_IPV4 and values.get(IP_PROTO) == PROTO_ICMP:
        words, short = ["icmp"], {ETH_TYPE, IP_PROTO}
    elif values.get(ETH_TYPE) == ETH_TYPE_IPV4:
        words, short = ["ip"], {ETH_TYPE}
    return words + [str(term) for term in terms if term.field not in short]
