"""Actions that change a packet's fields."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

from flows.openflow.executor import Executor
from flows.openflow.fields import ETH_TYPE_VLAN, IP_TTL, VLAN, VLAN_PRESENT, Bits, Field, bits_of, nxm, show

TableNames = Callable[[int], str]
"""How a table number is printed."""


class BaseAction:
    """What most actions have in common: they read and write no field."""

    __slots__ = ()

    @property
    def reads(self) -> tuple[Field, ...]:
        """The fields whose values it takes."""
        return ()

    @property
    def writes(self) -> tuple[Field, ...]:
        """The fields that it changes."""
        return ()


@dataclass(frozen=True, slots=True)
class SetField(BaseAction):
    """Give a field a value."""

    hole: ClassVar[str] = "value"

    field: Field
    value: int

    @property
    def writes(self) -> tuple[Field, ...]:
        return (self.field,)

    @property
    def room(self) -> int:
        """Bits that the value may have."""
        return self.field.bits

    @property
    def kind(self) -> object:
        """What all of them have in common that differ in the value only."""
        return "set", self.field.name

    def text(self, names: TableNames) -> str:
        if self.field is VLAN:
            return f"set_field:{VLAN_PRESENT | self.value}->vlan_vid"
        return f"set_field:{show(self.field, self.value)}->{self.field.set_name or self.field.name}"

    def do(self, executor: Executor) -> None:
        executor.put(self.field, self.value)


@dataclass(frozen=True, slots=True)
class SetBits(BaseAction):
    """Give some bits of a field a value; its other bits stay."""

    hole: ClassVar[str] = "value"

    bits: Bits
    value: int

    @property
    def writes(self) -> tuple[Field, ...]:
        return (self.bits.field,)

    @property
    def room(self) -> int:
        """Bits that the value may have."""
        return self.bits.width

    @property
    def kind(self) -> object:
        """What all of them have in common that differ in the value only."""
        return "load", str(self.bits)

    def text(self, names: TableNames) -> str:
        return f"load:{self.value:#x}->{self.bits}" if self.value else f"load:0->{self.bits}"

    def do(self, executor: Executor) -> None:
        executor.put_bits(self.bits, self.value)


@dataclass(frozen=True, slots=True)
class Move(BaseAction):
    """Copy a field, or some bits of one, to as many others. Where the packet lacks the source, nothing is copied."""

    source: Field | Bits
    target: Field | Bits

    @property
    def reads(self) -> tuple[Field, ...]:
        return (bits_of(self.source).field,)

    @property
    def writes(self) -> tuple[Field, ...]:
        return (bits_of(self.target).field,)

    def text(self, names: TableNames) -> str:
        return f"move:{nxm(self.source)}->{nxm(self.target)}"

    def do(self, executor: Executor) -> None:
        source = bits_of(self.source)
        if not executor.has(source.field):
            return
        value = (executor.get(source.field) & source.mask) >> source.first
        if isinstance(self.target, Bits):
            executor.put_bits(self.target, value)
        else:
            executor.put(self.target, value)


@dataclass(frozen=True, slots=True)
class DecTtl(BaseAction):
    """Take one from the IP packet's time to live."""

    @property
    def writes(self) -> tuple[Field, ...]:
        return (IP_TTL,)

    def text(self, names: TableNames) -> str:
        return "dec_ttl"

    def do(self, executor: Executor) -> None:
        executor.dec_ttl()


@dataclass(frozen=True, slots=True)
class PushVlan(BaseAction):
    """Put an 802.1Q header with VLAN 0 before the frame's payload."""

    @property
    def writes(self) -> tuple[Field, ...]:
        return (VLAN,)

    def text(self, names: TableNames) -> str:
        return f"push_vlan:{ETH_TYPE_VLAN:#x}"

    def do(self, executor: Executor) -> None:
        executor.push_vlan()


@dataclass(frozen=True, slots=True)
class PopVlan(BaseAction):
    """Take the outermost 802.1Q header away."""

    @property
    def writes(self) -> tuple[Field, ...]:
        return (VLAN,)

    def text(self, names: TableNames) -> str:
        return "pop_vlan"

    def do(self, executor: Executor) -> None:
        executor.pop_vlan()
