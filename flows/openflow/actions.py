"""Matches and actions as plain values.

Values are whole numbers, whatever they stand for; a :class:`~flows.openflow.fields.Field` knows how to print them.

An action is defined here once: its ``ovs-ofctl`` text, the fields that it reads and writes, and what it does to a
:class:`~flows.openflow.executor.Executor`. Beside that it has one encoder (``controller/openflow/actions.py``).
"""

from dataclasses import dataclass
from typing import ClassVar

from flows.openflow.changing import BaseAction, DecTtl, Move, PopVlan, PushVlan, SetBits, SetField, TableNames
from flows.openflow.conntrack import Ct, CtClear
from flows.openflow.executor import Executor
from flows.openflow.fields import FRAGMENTS, IN_PORT, IP_FRAG, VLAN_TCI, Bits, Field, nxm, show
from flows.openflow.learn import Learn

__all__ = [
    "CONTROLLER_BYTES",
    "Action",
    "CheckPktLarger",
    "Ct",
    "CtClear",
    "DecTtl",
    "Goto",
    "Group",
    "Learn",
    "Meter",
    "Move",
    "Output",
    "OutputController",
    "OutputInPort",
    "OutputRegister",
    "PopVlan",
    "PushVlan",
    "Resubmit",
    "SetBits",
    "SetField",
    "SetQueue",
    "TableNames",
    "Term",
]

CONTROLLER_BYTES = 64
"""How much of a packet the controller gets."""


@dataclass(frozen=True, slots=True)
class Term:
    """One field of a match. ``mask`` None: every bit counts."""

    hole: ClassVar[str] = "value"

    field: Field
    value: int
    mask: int | None = None

    @property
    def room(self) -> int:
        """Bits that the value may have."""
        return self.field.bits

    def __str__(self) -> str:
        if self.field is VLAN_TCI and self.mask is not None:
            return f"vlan_tci={self.value:#06x}/{self.mask:#06x}"
        if self.field is IP_FRAG:
            return f"nw_frag={FRAGMENTS[self.value]}"
        if self.field.kind == "flags" and self.mask is not None:
            return f"{self.field.name}={_flags(self.field, self.value, self.mask)}"
        text = f"{self.field.name}={show(self.field, self.value)}"
        if self.mask is None:
            return text
        if self.field.kind in ("ipv4", "ipv6"):
            return f"{text}/{self.mask.bit_count()}"
        return f"{text}/{show(self.field, self.mask)}"


def _flags(field: Field, value: int, mask: int) -> str:
    """The bits that count, each with whether it is set: ``+trk-inv``."""
    return "".join(f"{'-+'[value >> bit & 1]}{name}" for bit, name in enumerate(field.flags) if mask >> bit & 1)


@dataclass(frozen=True, slots=True)
class Output(BaseAction):
    """Send the packet out of a port, unless it came in by that one (OpenFlow 1.4, 7.2.4)."""

    hole: ClassVar[str] = "port"
    room: ClassVar[int] = IN_PORT.bits
    kind: ClassVar[object] = "output"

    port: int

    def text(self, names: TableNames) -> str:
        return f"output:{self.port}"

    def do(self, executor: Executor) -> None:
        executor.send(self.port)


@dataclass(frozen=True, slots=True)
class OutputRegister(BaseAction):
    """Send the packet out of the port whose number a register holds."""

    register: Field

    @property
    def reads(self) -> tuple[Field, ...]:
        return (self.register,)

    def text(self, names: TableNames) -> str:
        return f"output:{nxm(self.register)}"

    def do(self, executor: Executor) -> None:
        executor.send(executor.get(self.register))


@dataclass(frozen=True, slots=True)
class OutputInPort(BaseAction):
    """Send the packet back out of the port it came in by."""

    def text(self, names: TableNames) -> str:
        return "IN_PORT"

    def do(self, executor: Executor) -> None:
        executor.send_back()


@dataclass(frozen=True, slots=True)
class OutputController(BaseAction):
    """Send the beginning of the packet to the controller. The message carries the flow's cookie: it tells the rule."""

    length: int = CONTROLLER_BYTES
    """Bytes of the packet that are sent; at most 65535."""
    drops: bool = False
    """Whether the packet is dropped, and the controller only takes note of it. To the switch that is the same."""

    def text(self, names: TableNames) -> str:
        return f"CONTROLLER:{self.length}"

    def do(self, executor: Executor) -> None:
        executor.tell_controller(self.length)


@dataclass(frozen=True, slots=True)
class Resubmit(BaseAction):
    """Look the packet up in a table, also an earlier one, then go on here."""

    table: int

    def text(self, names: TableNames) -> str:
        return f"resubmit(,{names(self.table)})"

    def do(self, executor: Executor) -> None:
        executor.look_up(self.table)


@dataclass(frozen=True, slots=True)
class Goto(BaseAction):
    """Go on in a later table. Comes after every other action."""

    table: int

    def text(self, names: TableNames) -> str:
        return f"goto_table:{names(self.table)}"

    def do(self, executor: Executor) -> None:
        executor.look_up(self.table)


@dataclass(frozen=True, slots=True)
class Group(BaseAction):
    """Give the packet to a group: to some or all of its buckets, each of which has actions of its own."""

    hole: ClassVar[str] = "group"
    room: ClassVar[int] = 32
    kind: ClassVar[object] = "group"

    group: int

    def text(self, names: TableNames) -> str:
        return f"group:{self.group}"

    def do(self, executor: Executor) -> None:
        executor.group(self.group)


@dataclass(frozen=True, slots=True)
class Meter(BaseAction):
    """Let a meter decide whether the packet goes on. It comes before every other action (OpenFlow 1.4, 5.9)."""

    hole: ClassVar[str] = "meter"
    room: ClassVar[int] = 32
    kind: ClassVar[object] = "meter"

    meter: int

    def text(self, names: TableNames) -> str:
        return f"meter:{self.meter}"

    def do(self, executor: Executor) -> None:
        executor.meter(self.meter)


@dataclass(frozen=True, slots=True)
class SetQueue(BaseAction):
    """Choose the queue in which the packet waits at the port that it leaves by. Queues are OVSDB's."""

    hole: ClassVar[str] = "queue"
    room: ClassVar[int] = 32
    kind: ClassVar[object] = "queue"

    queue: int

    def text(self, names: TableNames) -> str:
        return f"set_queue:{self.queue}"

    def do(self, executor: Executor) -> None:
        executor.set_queue(self.queue)


@dataclass(frozen=True, slots=True)
class CheckPktLarger(BaseAction):
    """Set one bit: whether the frame has more bytes than this, its Ethernet header counted (ovs-actions(7))."""

    size: int
    result: Bits

    @property
    def writes(self) -> tuple[Field, ...]:
        return (self.result.field,)

    def text(self, names: TableNames) -> str:
        return f"check_pkt_larger({self.size})->{self.result}"

    def do(self, executor: Executor) -> None:
        executor.put_bits(self.result, executor.length() > self.size)


Action = (
    SetField
    | SetBits
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
    | Ct
    | CtClear
    | Group
    | Meter
    | SetQueue
    | CheckPktLarger
)
"""Every action that rules may use. ``hole`` names the number by which many actions of one ``kind`` differ."""
