"""Matches, actions and flows as plain values, and their ``ovs-ofctl`` text.

Values are whole numbers, whatever they stand for; a :class:`~flows.fields.Field` knows how to print them.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b
from typing import Protocol

from flows.fields import (
    ETH_TYPE,
    ETH_TYPE_ARP,
    ETH_TYPE_IPV4,
    ETH_TYPE_VLAN,
    IP_FRAG,
    IP_PROTO,
    PROTO_ICMP,
    VLAN,
    VLAN_PRESENT,
    VLAN_TCI,
    Field,
    nxm,
    show,
)
from flows.learning import Learn

COOKIE_OWNER = 0x76
"""The highest byte of every cookie of ours ("v")."""
COOKIE_OWNER_MASK = 0xFF << 56
COOKIE_DROPS = 1 << 55
"""Set in the cookies of flows that drop packets: their counters can be asked for without all the others."""

CONTROLLER_BYTES = 64
"""How much of a packet the controller gets."""

_OWNER = COOKIE_OWNER << 56
_OWNER_AND_DROPS = _OWNER | COOKIE_DROPS

TableNames = Callable[[int], str]
"""How a table number is printed."""


@dataclass(frozen=True, slots=True)
class Term:
    """One field of a match. ``mask`` None: every bit counts."""

    field: Field
    value: int
    mask: int | None = None

    def __str__(self) -> str:
        if self.field is VLAN_TCI and self.mask is not None:
            return f"vlan_tci={self.value:#06x}/{self.mask:#06x}"
        if self.field is IP_FRAG:
            return "nw_frag=no"
        text = f"{self.field.name}={show(self.field, self.value)}"
        if self.mask is None:
            return text
        if self.field.kind == "ipv4":
            return f"{text}/{self.mask.bit_count()}"
        return f"{text}/{show(self.field, self.mask)}"


@dataclass(frozen=True, slots=True)
class SetField:
    """Give a field a value."""

    field: Field
    value: int

    def text(self, names: TableNames) -> str:
        if self.field is VLAN:
            return f"set_field:{VLAN_PRESENT | self.value}->vlan_vid"
        return f"set_field:{show(self.field, self.value)}->{set_name(self.field)}"


@dataclass(frozen=True, slots=True)
class Move:
    """Copy one field to another of the same width."""

    source: Field
    target: Field

    def text(self, names: TableNames) -> str:
        return f"move:{nxm(self.source)}->{nxm(self.target)}"


@dataclass(frozen=True, slots=True)
class DecTtl:
    """Take one from the IP packet's time to live."""

    def text(self, names: TableNames) -> str:
        return "dec_ttl"


@dataclass(frozen=True, slots=True)
class PushVlan:
    """Put an 802.1Q header with VLAN 0 before the frame's payload."""

    def text(self, names: TableNames) -> str:
        return f"push_vlan:{ETH_TYPE_VLAN:#x}"


@dataclass(frozen=True, slots=True)
class PopVlan:
    """Take the outermost 802.1Q header away."""

    def text(self, names: TableNames) -> str:
        return "pop_vlan"


@dataclass(frozen=True, slots=True)
class Output:
    """Send the packet out of a port, unless it came in by that one (OpenFlow 1.4, 7.2.4)."""

    port: int

    def text(self, names: TableNames) -> str:
        return f"output:{self.port}"


@dataclass(frozen=True, slots=True)
class OutputRegister:
    """Send the packet out of the port whose number a register holds."""

    register: Field

    def text(self, names: TableNames) -> str:
        return f"output:{nxm(self.register)}"


@dataclass(frozen=True, slots=True)
class OutputInPort:
    """Send the packet back out of the port it came in by."""

    def text(self, names: TableNames) -> str:
        return "IN_PORT"


@dataclass(frozen=True, slots=True)
class OutputController:
    """Send the beginning of the packet to the controller."""

    def text(self, names: TableNames) -> str:
        return f"CONTROLLER:{CONTROLLER_BYTES}"


@dataclass(frozen=True, slots=True)
class Resubmit:
    """Look the packet up in a table, also an earlier one, then go on here."""

    table: int

    def text(self, names: TableNames) -> str:
        return f"resubmit(,{names(self.table)})"


@dataclass(frozen=True, slots=True)
class Goto:
    """Go on in a later table. Comes after every other action."""

    table: int

    def text(self, names: TableNames) -> str:
        return f"goto_table:{names(self.table)}"


Action = (
    SetField
    | Move
    | DecTtl
    | PushVlan
    | PopVlan
    | Output
    | OutputRegister
    | OutputInPort
    | OutputController
    | Learn
    | Resubmit
    | Goto
)


@dataclass(frozen=True)
class Flow:
    """One flow of one switch. No actions: matching packets are dropped, and counted."""

    table: int
    priority: int
    match: tuple[Term, ...]
    actions: tuple[Action, ...]

    @cached_property
    def cookie(self) -> int:
        """The owner's byte, whether it drops, 55 bits of its digest: the same flow has the same cookie everywhere."""
        return cookie_of(self.text(), drops=not self.actions)

    def text(self, names: TableNames = str) -> str:
        """The flow as ``ovs-ofctl`` reads it, without a cookie."""
        terms = "".join(f",{word}" for word in match_text(self.match))
        return f"table={names(self.table)},priority={self.priority}{terms} actions={self.actions_text(names)}"

    def actions_text(self, names: TableNames = str) -> str:
        """The actions as ``ovs-ofctl`` prints them."""
        return ",".join(action.text(names) for action in self.actions) or "drop"


def cookie_of(text: str, *, drops: bool) -> int:
    """The cookie of the flow with this text."""
    digest = int.from_bytes(blake2b(text.encode(), digest_size=7).digest())
    return _OWNER_AND_DROPS | digest if drops else _OWNER | digest & ~COOKIE_DROPS


def place_of(text: str) -> str:
    """Table, priority and match of the flow with this text: a second flow of the same place replaces the first."""
    return text[: text.index(" ")]


class Worded(Protocol):
    """A term of a match, whose value may be left open."""

    @property
    def field(self) -> Field: ...
    @property
    def value(self) -> int | None: ...


def match_text(terms: Sequence[Worded]) -> list[str]:
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


_SET_NAMES: Mapping[str, str] = {
    "dl_src": "eth_src",
    "dl_dst": "eth_dst",
    "nw_src": "ip_src",
    "nw_dst": "ip_dst",
}


def set_name(field: Field) -> str:
    return _SET_NAMES.get(field.name, field.name)
