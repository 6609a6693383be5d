"""Matches and actions as plain values, and their ``ovs-ofctl`` text.

Values are whole numbers, whatever they stand for; a :class:`~flows.fields.Field` knows how to print them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from flows.fields import (
    ETH_TYPE_VLAN,
    IP_FRAG,
    VLAN,
    VLAN_PRESENT,
    VLAN_TCI,
    Field,
    nxm,
    show,
)
from flows.learning import Learn

CONTROLLER_BYTES = 64
"""How much of a packet the controller gets."""

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
        return f"set_field:{show(self.field, self.value)}->{_set_name(self.field)}"


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


_SET_NAMES: Mapping[str, str] = {
    "dl_src": "eth_src",
    "dl_dst": "eth_dst",
    "nw_src": "ip_src",
    "nw_dst": "ip_dst",
}


def _set_name(field: Field) -> str:
    return _SET_NAMES.get(field.name, field.name)
