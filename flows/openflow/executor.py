"""Carries out actions: a switch that processes one packet. The simulator is one."""

from collections.abc import Sequence
from typing import Protocol

from flows.openflow.fields import Bits, Field
from flows.openflow.learn import Learner
from flows.openflow.nat import Nat


class Executable(Protocol):
    """An action."""

    def do(self, executor: "Executor") -> None:
        """Carry it out."""


class Executor(Learner, Protocol):
    """A switch that carries the actions of one flow out, one after the other."""

    def has(self, field: Field) -> bool:
        """Whether the packet has a field: what ovs-fields(7) calls its prerequisites."""

    def get(self, field: Field) -> int:
        """A field's value; 0 where the packet lacks it."""

    def put(self, field: Field, value: int) -> None:
        """Give a field a value. A field that the packet lacks is left alone."""

    def put_bits(self, bits: Bits, value: int) -> None:
        """Give some bits of a field a value; the others stay."""

    def length(self) -> int:
        """Bytes of the frame, its Ethernet header counted."""

    def push_vlan(self) -> None:
        """Put an 802.1Q header with VLAN 0 before the payload."""

    def pop_vlan(self) -> None:
        """Take the outermost 802.1Q header away."""

    def dec_ttl(self) -> None:
        """Take one from the time to live. If it is too small, the flow's actions end and the packet goes to the
        controller.
        """

    def send(self, port: int) -> None:
        """Send a copy out of a port, unless the packet came in by that one."""

    def send_back(self) -> None:
        """Send a copy out of the port that the packet came in by."""

    def tell_controller(self, length: int) -> None:
        """Send the first bytes of the packet to the controller."""

    def group(self, group: int) -> None:
        """Give the packet to a group."""

    def meter(self, meter: int) -> None:
        """Let a meter decide whether the packet goes on."""

    def set_queue(self, queue: int) -> None:
        """Choose the queue in which the packet waits at a port."""

    def track(
        self, zone: int, *, commit: bool, table: int | None, nat: Nat | None, remember: Sequence["Executable"]
    ) -> None:
        """Ask connection tracking about the packet. It goes on in a table, if one is named, after all other actions."""

    def forget_tracking(self) -> None:
        """Forget what connection tracking said of the packet."""

    def look_up(self, table: int) -> None:
        """Look the packet up in a table, and carry out the actions found there."""
