"""The action by which a switch makes flows of its own, from the packets that it sees: ``learn`` of ovs-actions(7).

What is learned has a cookie of its own kind: the owner's byte 0x77, then a digest of whom it is learned for, from
where, and how. Entries of a segment, a port, a host, a tagging or a layout that is gone can therefore be told from
all others, and whatever is given a used number anew never meets them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from hashlib import blake2b

from flows.fields import Field, nxm

LEARNED_OWNER = 0x77
"""The highest byte of the cookie of everything that is learned ("w")."""
_LAYOUT = 1
"""Goes into each of these cookies: counted up when a new version cannot live with what an old one's flows learned."""


@dataclass(frozen=True, slots=True)
class Match:
    """The learned flow matches a field, with the value that another (or the same) has in the packet."""

    field: Field
    source: Field

    def __str__(self) -> str:
        return nxm(self.field) if self.field is self.source else f"{nxm(self.field)}={nxm(self.source)}"


@dataclass(frozen=True, slots=True)
class Load:
    """The learned flow gives a field a value: a fixed one, or what another field has in the packet."""

    value: int | Field
    field: Field

    def __str__(self) -> str:
        if isinstance(self.value, Field):
            return f"load:{nxm(self.value)}->{nxm(self.field)}"
        return f"load:{self.value:#x}->{nxm(self.field)}" if self.value else f"load:0->{nxm(self.field)}"


@dataclass(frozen=True, slots=True)
class OutputTo:
    """The learned flow sends out of the port whose number a field has in the packet."""

    source: Field

    def __str__(self) -> str:
        return f"output:{nxm(self.source)}"


Spec = Match | Load | OutputTo


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
    result: Field | None
    """Its lowest bit tells whether the flow is there now: 0 when the limit did not allow it."""
    segment: int
    origin: str

    @property
    def cookie(self) -> int:
        """The cookie of what is learned.

        It depends on the segment (a tag that nobody gets again), the origin and everything that the action says: a
        change of any of these makes another cookie, and the switch forgets what it learned before.
        """
        said = f"{_LAYOUT} {self.segment} {self.origin} {self._text(str(self.table), '')}"
        return LEARNED_OWNER << 56 | int.from_bytes(blake2b(said.encode(), digest_size=7).digest())

    def text(self, names: Callable[[int], str]) -> str:
        """As ``ovs-ofctl`` prints it."""
        return self._text(names(self.table), f"cookie={self.cookie:#x},")

    def _text(self, table: str, cookie: str) -> str:
        result = [f"result_dst={nxm(self.result)[:-2]}[0]"] if self.result else []
        details = ",".join([f"limit={self.limit}", *result, *map(str, self.specs)])
        how = f"table={table},hard_timeout={self.hard_timeout},priority={self.priority},delete_learned,{cookie}"
        return f"learn({how}{details})"
