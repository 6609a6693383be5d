"""Connection tracking: the actions ``ct`` and ``ct_clear`` of ovs-actions(7)."""

from dataclasses import dataclass

from flows.openflow.changing import BaseAction, Move, SetBits, SetField, TableNames
from flows.openflow.executor import Executor
from flows.openflow.fields import CT_LABEL, CT_MARK, CT_STATE, CT_ZONE, Bits, Field, bits_of, nxm
from flows.openflow.nat import Nat

Remembered = SetField | SetBits | Move
"""What can be done while a connection is committed: giving its mark or its label a value."""


@dataclass(frozen=True, slots=True)
class Ct(BaseAction):
    """Ask connection tracking about the packet; go on in a table with the answer.

    A packet goes on there after all other actions were carried out. Then it has ``ct_state`` and the fields that need
    it.
    """

    zone: int | Field | Bits
    """The zone's number, or the field that holds it. Connections of different zones are separate."""
    commit: bool = False
    """Whether a new connection is known from now on."""
    table: int | None = None
    """The table in which the packet goes on; None: it goes on without the answer."""
    nat: Nat | None = None
    remember: tuple[Remembered, ...] = ()
    """What a connection that is committed carries with it."""

    def __post_init__(self) -> None:
        if self.remember and not self.commit:
            raise ValueError("only a connection that is committed can carry something with it")
        if self.nat is not None and self.nat.side is not None and not self.commit:
            raise ValueError("a translation is chosen when a connection is committed")

    @property
    def reads(self) -> tuple[Field, ...]:
        zone = () if isinstance(self.zone, int) else (bits_of(self.zone).field,)
        return (*zone, *(field for action in self.remember for field in action.reads))

    @property
    def writes(self) -> tuple[Field, ...]:
        return (CT_STATE, CT_ZONE, CT_MARK, CT_LABEL)

    def text(self, names: TableNames) -> str:
        said = ["commit"] if self.commit else []
        said += [] if self.table is None else [f"table={names(self.table)}"]
        said += [f"zone={self.zone if isinstance(self.zone, int) else nxm(self.zone)}"]
        said += [] if self.nat is None else [str(self.nat)]
        said += [f"exec({','.join(action.text(names) for action in self.remember)})"] if self.remember else []
        return f"ct({','.join(said)})"

    def do(self, executor: Executor) -> None:
        zone = self.zone
        if not isinstance(zone, int):
            bits = bits_of(zone)
            zone = (executor.get(bits.field) & bits.mask) >> bits.first
        executor.track(zone, commit=self.commit, table=self.table, nat=self.nat, remember=self.remember)


@dataclass(frozen=True, slots=True)
class CtClear(BaseAction):
    """Forget what connection tracking said of the packet."""

    @property
    def writes(self) -> tuple[Field, ...]:
        return (CT_STATE, CT_ZONE, CT_MARK, CT_LABEL)

    def text(self, names: TableNames) -> str:
        return "ct_clear"

    def do(self, executor: Executor) -> None:
        executor.forget_tracking()
