"""The action by which a switch makes flows of its own, from the packets that it sees: ``learn`` of ovs-actions(7).

What is learned has a cookie of its own kind: the owner's byte 0x77, then a digest of whom it is learned for, from
where, and how. So the entries of a segment, a port, a host, a tagging or a layout that is gone can be told from all
others. An object that gets a used number again never meets them.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from typing import Protocol

from flows.openflow.fields import Bits, Field, nxm

LEARNED_OWNER = 0x77
"""The highest byte of the cookie of everything that is learned ("w")."""
_LAYOUT = 1
"""Goes into each of these cookies: counted up when a new version cannot live with what an old one's flows learned."""


class Learner(Protocol):
    """A switch that learns, and does what it has learned."""

    def learn(self, learn: "Learn") -> None:
        """Learn a flow from the packet."""

    def load(self, field: Field, value: int) -> None:
        """Give a field a value as a learned flow does it: of VLAN tags it sees the bits."""


@dataclass(frozen=True, slots=True)
class LearnMatch:
    """The learned flow matches a field, with the value that another (or the same) has in the packet."""

    field: Field
    source: Field

    def __str__(self) -> str:
        return nxm(self.field) if self.field is self.source else f"{nxm(self.field)}={nxm(self.source)}"


@dataclass(frozen=True, slots=True)
class LearnLoad:
    """The learned flow gives a field a value: a fixed one, or what another field has in the packet."""

    value: int | Field
    field: Field

    def __str__(self) -> str:
        if isinstance(self.value, Field):
            return f"load:{nxm(self.value)}->{nxm(self.field)}"
        return f"load:{self.value:#x}->{nxm(self.field)}" if self.value else f"load:0->{nxm(self.field)}"

    def do(self, executor: Learner) -> None:
        """What a learned flow with a fixed value does."""
        assert isinstance(self.value, int), "a switch fills in what the packet has when it learns"
        executor.load(self.field, self.value)


@dataclass(frozen=True, slots=True)
class LearnOutput:
    """The learned flow sends out of the port whose number a field has in the packet."""

    source: Field

    def __str__(self) -> str:
        return f"output:{nxm(self.source)}"


Spec = LearnMatch | LearnLoad | LearnOutput


def sources(spec: Spec) -> Iterator[Field]:
    """The fields of the packet that go into a part of what is learned."""
    match spec:
        case LearnMatch(_, source) | LearnOutput(source) | LearnLoad(Field() as source, _):
            yield source


@dataclass(frozen=True, slots=True)
class Learn:
    """Add a flow to a table, or begin its time anew when it is there.

    The switch forgets it ``hard_timeout`` seconds after the last packet that taught it, and at once when no flow
    with this action is left (``delete_learned``). There are never more than ``limit`` flows with the table and the
    cookie; what is there already may be taught again.
    """

    table: int
    priority: int
    hard_timeout: int
    limit: int
    specs: tuple[Spec, ...]
    result: Bits | None
    """Tells whether the flow is there now: 0 when the limit did not allow it. Always 1 when there is no packet."""
    segment: int
    origin: str
    full: int | None = None
    """The cookie of as many flows of the table as the limit allows: nothing is learned, the result is asked for."""

    @property
    def reads(self) -> tuple[Field, ...]:
        """The fields of the packet that go into what is learned."""
        return tuple(source for spec in self.specs for source in sources(spec))

    @property
    def writes(self) -> tuple[Field, ...]:
        """The field that tells whether there was room."""
        return () if self.result is None else (self.result.field,)

    def do(self, executor: Learner) -> None:
        executor.learn(self)

    @property
    def cookie(self) -> int:
        """The cookie of what is learned.

        It depends on the segment (a tag that is never given again), the origin and everything that the action says. A
        change of any of these makes another cookie, and the switch forgets what it learned before.
        """
        if self.full is not None:
            return self.full
        said = f"{_LAYOUT} {self.segment} {self.origin} {self._text(str(self.table), '')}"
        return LEARNED_OWNER << 56 | int.from_bytes(blake2b(said.encode(), digest_size=7).digest())

    def text(self, names: Callable[[int], str]) -> str:
        """As ``ovs-ofctl`` prints it."""
        return self._text(names(self.table), f"cookie={self.cookie:#x},")

    def _text(self, table: str, cookie: str) -> str:
        result = [f"result_dst={self.result}"] if self.result else []
        details = ",".join([f"limit={self.limit}", *result, *map(str, self.specs)])
        lifetime = "delete_learned," if self.full is None else ""
        how = f"table={table},hard_timeout={self.hard_timeout},priority={self.priority},{lifetime}{cookie}"
        return f"learn({how}{details})"
