"""Carries out the actions of one packet in a switch's tables: the simulator's
:class:`flows.openflow.executor.Executor`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from flows.openflow.actions import Ct, Goto, Resubmit
from flows.openflow.executor import Executable
from flows.openflow.fields import CT_LABEL, CT_MARK, CT_STATE, CT_ZONE, IN_PORT, IP_TTL, Bits, Field
from flows.openflow.groups_and_meters import Bucket, GroupEntry, GroupOrMeter, Key
from flows.openflow.learn import Learn
from flows.openflow.nat import Nat
from flows.simulate import packet as packets
from flows.simulate.packet import Packet, Unsupported, as_written, ttl_is_spent
from flows.simulate.tables import FlowEntry

_DEEPEST = 64
"""Open vSwitch drops a packet after this many lookups inside each other (MAX_DEPTH)."""
_LARGEST_PORT = 0xFEFF
"""Larger numbers are no ports but have meanings of their own (Open vSwitch: 16 bits, OFPP_MAX is 0xff00)."""


@dataclass(frozen=True, slots=True)
class TableLookup:
    """One lookup of a packet in a table."""

    table: int
    entry: FlowEntry | None
    """The flow that matched; None: no flow, so the packet is dropped."""
    packet: Packet
    """As it came to the table."""
    aside: bool
    """Whether this was a resubmit: the packet goes on from where it came."""


@dataclass(frozen=True, slots=True)
class Copy:
    """A packet that leaves."""

    port: int
    packet: Packet
    step: int
    """Which step sends it, counted from 0."""


class FlowSource(Protocol):
    """Where lookups are answered: by a simulated switch, or by a real one."""

    @property
    def groups_and_meters(self) -> Mapping[Key, GroupOrMeter]:
        """What flows refer to."""

    def is_live(self, port: int) -> bool:
        """Whether a port is up and has a carrier."""

    def lookup(self, number: int, packet: Packet) -> FlowEntry | None:
        """The flow that a packet meets in a table."""

    def learn(self, learn: Learn, packet: Packet) -> bool:
        """Learn a flow. Returns whether it is there now."""

    def track(self, packet: Packet, zone: int, *, commit: bool, nat: Nat | None) -> Packet:
        """The packet with what connection tracking says of it."""

    def remember(self, packet: Packet, marked: Packet) -> Packet:
        """Give a packet's connection another mark and label. Returns the packet after that."""


@dataclass(slots=True)
class _Context:
    """Where a packet's actions come from."""

    step: int = -1
    depth: int = -1
    aside: bool = False
    is_way_on: bool = True
    """Whether the packet goes on by the action that is carried out."""


def _way_on(actions: Sequence[object]) -> int:
    """Which of the actions is the lookup by which a packet goes on: the goto, else the first. Others are aside."""
    lookups = [at for at, action in enumerate(actions) if isinstance(action, Goto | Resubmit)]
    is_tracked = any(isinstance(action, Ct) and action.table is not None for action in actions)  # it goes on from there
    first = lookups[0] if lookups and not is_tracked else -1
    return next((at for at in lookups if isinstance(actions[at], Goto)), first)


class PacketExecutor:
    """Carries out the actions of the flows that one packet meets: a :class:`~flows.openflow.executor.Executor`."""

    def __init__(self, answers: FlowSource, packet: Packet) -> None:
        self._answers = answers
        self._packet = packet
        self._written = packet
        """As its frame was when a copy left last."""
        self._lookup = _Context()
        self._has_ended = False
        """Whether the actions that are left in this table are not carried out."""
        self._forks: list[tuple[int, Packet]] = []
        """Where packets go on with what connection tracking said of them."""
        self.steps: list[TableLookup] = []
        self.copies: list[Copy] = []
        self.controller: list[Packet] = []
        self.notes: dict[int, list[str]] = {}
        """By step, what its flow refers to, in words."""

    def look_up(self, table: int) -> None:
        before = self._lookup
        if before.depth >= _DEEPEST:
            raise Unsupported(f"more than {_DEEPEST} lookups inside each other")
        aside = before.aside or not before.is_way_on
        found = self._answers.lookup(table, self._packet)
        self._lookup = lookup = _Context(len(self.steps), before.depth + 1, aside)
        self.steps.append(TableLookup(table, found, self._packet, aside))
        actions = () if found is None else found.actions
        way_on = _way_on(actions)
        for at, action in enumerate(actions):
            lookup.is_way_on = at == way_on
            action.do(self)
            if self._has_ended:
                self._has_ended = False
                break
        self._lookup = before

    def follow(self) -> None:
        """Go on with the packets that connection tracking has answered about."""
        while self._forks:
            table, self._packet = self._forks.pop(0)
            self.look_up(table)

    def has(self, field: Field) -> bool:
        return packets.has(self._packet, field)

    def get(self, field: Field) -> int:
        return self._packet[field]

    def put(self, field: Field, value: int) -> None:
        self._packet = packets.put(self._packet, field, value)

    def put_bits(self, bits: Bits, value: int) -> None:
        self.put(bits.field, self.get(bits.field) & ~bits.mask | value << bits.first)

    def load(self, field: Field, value: int) -> None:
        self._packet = packets.load(self._packet, field, value)

    def push_vlan(self) -> None:
        self._packet = packets.push_vlan(self._packet)

    def pop_vlan(self) -> None:
        self._packet = packets.pop_vlan(self._packet)

    def dec_ttl(self) -> None:
        if ttl_is_spent(self._packet):
            self._tell_controller()  # of an invalid TTL (OpenFlow 1.4, 7.4.1)
            self._has_ended = True
        elif self.has(IP_TTL):
            self.put(IP_TTL, self.get(IP_TTL) - 1)

    def length(self) -> int:
        return packets.length(self._packet)

    def group(self, group: int) -> None:
        entry = self._answers.groups_and_meters.get(("group", group))
        if not isinstance(entry, GroupEntry):
            raise Unsupported(f"group {group:#x} is not known")
        before = self._packet
        for bucket in self._chosen(entry):
            for action in bucket.actions:
                action.do(self)
                if self._has_ended:
                    break
            self._packet, self._has_ended = before, False  # each bucket has a packet of its own

    def _chosen(self, entry: GroupEntry) -> Sequence[Bucket]:
        """The buckets of a group that a packet meets. Of those of which a hash takes one, all."""
        if entry.type == "ff":
            live = (bucket for bucket in entry.buckets if self._answers.is_live(bucket.watch_port or 0))
            first = next(live, None)
            where = "has no live bucket" if first is None else f"its first live bucket watches port {first.watch_port}"
            self._note(f"group {entry.number:#x}: {where}")
            return () if first is None else (first,)
        if entry.type == "select" and len(entry.buckets) > 1:
            self._note(f"group {entry.number:#x}: the switch takes one of {len(entry.buckets)} buckets; all are shown")
        return entry.buckets

    def meter(self, meter: int) -> None:
        """Let it pass: time stands still, so no packet is one too many."""
        limit = self._answers.groups_and_meters.get(("meter", meter))
        self._note(f"limited by meter {meter:#x}" + (f" to {limit}" if limit else ""))

    def _note(self, words: str) -> None:
        self.notes.setdefault(self._lookup.step, []).append(words)

    def set_queue(self, queue: int) -> None:
        """Nothing: a queue decides when a packet leaves, not where."""

    def track(
        self, zone: int, *, commit: bool, table: int | None, nat: Nat | None, remember: Sequence[Executable]
    ) -> None:
        if nat is not None and table is None:
            raise Unsupported("a translation that no table goes on with is not simulated")
        tracked = self._answers.track(self._packet, zone, commit=commit, nat=nat)
        if remember:
            before, self._packet = self._packet, tracked
            for action in remember:
                action.do(self)
            tracked, self._packet = self._answers.remember(tracked, self._packet), before
        if table is not None:
            self._forks.append((table, tracked))

    def forget_tracking(self) -> None:
        self._packet = self._packet.having(*((field, 0) for field in (CT_STATE, CT_ZONE, CT_MARK, CT_LABEL)))

    def send(self, port: int) -> None:
        if port > _LARGEST_PORT:
            raise Unsupported(f"output to port {port:#x} is not simulated")
        if port != self.get(IN_PORT):  # not back where it came from (OpenFlow 1.4, 7.2.4)
            self._copy(port)

    def send_back(self) -> None:
        self._copy(self.get(IN_PORT))

    def tell_controller(self, length: int) -> None:
        self._tell_controller()

    def learn(self, learn: Learn) -> None:
        learned = self._answers.learn(learn, self._packet)
        if learn.result is not None:
            self.put_bits(learn.result, learned)

    def _copy(self, port: int) -> None:
        self._written = as_written(self._written, self._packet)
        self.copies.append(Copy(port, self._written, self._lookup.step))

    def _tell_controller(self) -> None:
        self._written = as_written(self._written, self._packet)
        self.controller.append(self._written)
