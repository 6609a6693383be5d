"""What the status and the metrics read of a host or plain switch.

The command line reads what was reported, so nothing here may load os-ken or the rules.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from controller.status.tally import Tally

if TYPE_CHECKING:
    from flows.pipeline.rules import Rule


class Dropped(Protocol):
    """Packets that a switch dropped (:class:`controller.status.drops.Drops`)."""

    @property
    def by_reason(self) -> dict[str, int]:
        """The sentence of each flow that dropped something, and how much."""

    @property
    def by_rule(self) -> Mapping["Rule", int]:
        """The same by the rule."""


class PacketsUp(Protocol):
    """Packets that a switch sent to the controller (:class:`controller.reconcile.packetin.dispatch.Dispatch`)."""

    @property
    def handled(self) -> Mapping[str, int]:
        """How many each handler made something of."""

    @property
    def left_out(self) -> Mapping[tuple[str, str], int]:
        """How many were left out, by handler and reason."""

    @property
    def unanswered(self) -> Mapping[tuple[str, str], int]:
        """Those of them to which somebody may miss an answer."""

    @property
    def above_limit(self) -> Mapping[tuple[str, str], int]:
        """How many the switch's meters dropped, by handler and port."""


class PortConnections(Protocol):
    """New connections of a port (:class:`controller.reconcile.installed.new_connections.Opened`)."""

    @property
    def connections(self) -> int:
        """How many were let through."""

    @property
    def refused(self) -> int:
        """How many were too many."""

    @property
    def per_second(self) -> float:
        """How many it wanted to open in a second."""

    @property
    def limit(self) -> int:
        """How many it may open in a second."""


class Connections(Protocol):
    """New connections (:class:`controller.reconcile.installed.new_connections.NewConnections`)."""

    @property
    def by_port(self) -> Mapping[str, PortConnections]:
        """Those of each port with security groups."""


class Node(Protocol):
    """One switch that is kept as the model wants it (:class:`controller.reconcile.node.Node`)."""

    wanted_generation: int
    confirmed_generation: int
    has_database: bool
    problem: str | None
    drifted: Tally
    refusals: Tally

    @property
    def drops(self) -> Dropped:
        """What it dropped."""

    @property
    def packets(self) -> PacketsUp:
        """What it sent to the controller."""

    @property
    def new_connections(self) -> Connections:
        """What its ports opened."""

    @property
    def session(self) -> object:
        """Its OpenFlow session; None while it has none."""

    @property
    def is_settled(self) -> bool:
        """Whether it holds what it must."""

    @property
    def flows(self) -> int:
        """How many flows of ours it holds."""

    @property
    def problems(self) -> frozenset[str]:
        """What is wrong with it that nobody here can repair."""
