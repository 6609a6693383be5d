"""What one switch does with a packet: the tables it meets, the copies that leave, and what the switch learns."""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field
from types import MappingProxyType

from flows.openflow.actions import OutputController
from flows.openflow.flow import Flow
from flows.openflow.groups_and_meters import GroupOrMeter, Key
from flows.openflow.learn import Learn
from flows.openflow.nat import Nat
from flows.simulate.connections import Connections
from flows.simulate.packet import Packet
from flows.simulate.packet_executor import Copy, FlowSource, PacketExecutor, TableLookup
from flows.simulate.tables import FlowEntry, Tables, entry, learned_entry

FIRST_TABLE = 0


@dataclass(frozen=True, slots=True)
class Walk:
    """What became of one packet in one switch."""

    steps: tuple[TableLookup, ...]
    copies: tuple[Copy, ...]
    controller: tuple[Packet, ...]
    """The packets that are sent to the controller."""
    notes: Mapping[int, list[str]] = field(default_factory=dict)
    """By step, what the meters and groups of its flow do, in words."""

    @property
    def last(self) -> TableLookup:
        """Where the packet's way ends."""
        return [step for step in self.steps if not step.aside][-1]

    @property
    def ends_at_controller(self) -> bool:
        """Whether its way ends with the controller, which is to answer or to act, and not only to take note."""
        entry = self.last.entry
        return entry is not None and any(
            isinstance(action, OutputController) and not action.drops for action in entry.actions
        )


class Switch:
    """One switch: its flows and what it has learned. Time stands still: nothing is forgotten by itself."""

    def __init__(
        self,
        flows: Iterable[Flow],
        groups_and_meters: Mapping[Key, GroupOrMeter] = MappingProxyType({}),
        down: Set[int] = frozenset(),
    ) -> None:
        """``groups_and_meters``: what flows refer to; ``down``: the ports that are not live."""
        self.groups_and_meters = groups_and_meters
        self._down = down
        self._tables = Tables(map(entry, flows))
        self._taught: list[FlowEntry] = []
        self.connections = Connections()

    @property
    def learned(self) -> Mapping[tuple[object, ...], FlowEntry]:
        """What it has learned so far."""
        return {each.key: each for each in self._tables if each.ageing}

    def receive(self, packet: Packet, table: int = FIRST_TABLE) -> Walk:
        """Process a packet and learn from it. A learned flow counts from the next packet on."""
        try:
            return walk(packet, self, table)
        finally:
            for taught in self._taught:
                self._tables.add(taught)
            self._taught.clear()

    def is_live(self, port: int) -> bool:
        """Whether a port is up and has a carrier."""
        return port not in self._down

    def lookup(self, number: int, packet: Packet) -> FlowEntry | None:
        """The flow that a packet meets in a table."""
        return self._tables.lookup(number, packet)

    def learn(self, learn: Learn, packet: Packet) -> bool:
        """Learn a flow, unless the limit is reached. A flow that is there already may be learned again."""
        taught = learned_entry(learn, packet)
        if self._tables.holds(taught):
            return True
        if self._tables.count(taught.table, taught.cookie) >= learn.limit:
            return False
        self._taught.append(taught)
        return True

    def track(self, packet: Packet, zone: int, *, commit: bool, nat: Nat | None) -> Packet:
        """Ask connection tracking."""
        return self.connections.track(packet, zone, commit=commit, nat=nat)

    def remember(self, packet: Packet, marked: Packet) -> Packet:
        """Give a connection another mark and label."""
        return self.connections.remember(packet, marked)


def walk(packet: Packet, answers: FlowSource, table: int = FIRST_TABLE) -> Walk:
    """The way of a packet through the tables of a switch. Raises :class:`Unsupported`."""
    way = PacketExecutor(answers, packet)
    way.look_up(table)
    way.follow()
    return Walk(tuple(way.steps), tuple(way.copies), tuple(way.controller), way.notes)
