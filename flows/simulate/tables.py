"""The flows of one switch by table, found by what they match: no lookup goes through all of them.

Flows of one table and priority that match the same bits of the same fields are kept in one dictionary. A lookup asks
each dictionary once, in the order of priorities.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from flows.openflow.actions import Action, Output
from flows.openflow.fields import VLAN, VLAN_TCI, Field
from flows.openflow.flow import Flow
from flows.openflow.learn import Learn, LearnLoad, LearnMatch, LearnOutput
from flows.simulate.packet import Packet, Pattern, Unsupported, as_looked_up, pattern

Executable = Action | LearnLoad
"""An action of a flow; a learned flow may load fields."""


@dataclass(frozen=True, slots=True)
class FlowEntry:
    """A flow as a switch holds it: compiled, or learned."""

    table: int
    priority: int
    cookie: int
    match: tuple[Pattern, ...]
    actions: tuple[Executable, ...]
    ageing: int = 0
    """Seconds after which it is forgotten unless it is learned again; 0: never."""

    @property
    def key(self) -> tuple[object, ...]:
        """The identity of the flow in the switch."""
        return self.table, self.priority, frozenset(self.match)


def entry(flow: Flow) -> FlowEntry:
    """A compiled flow."""
    return FlowEntry(flow.table, flow.priority, flow.cookie, tuple(map(pattern, flow.match)), flow.actions)


def learned_entry(learn: Learn, packet: Packet) -> FlowEntry:
    """The flow that is learned from a packet by an action."""
    match: list[Pattern] = []
    actions: list[Executable] = []
    for spec in learn.specs:
        match spec:
            case LearnMatch(target, source):
                match.append(_learned_pattern(target, packet[source]))
            case LearnLoad(Field() as source, target):
                actions.append(LearnLoad(packet[source], target))
            case LearnLoad():
                actions.append(spec)
            case LearnOutput(source):
                actions.append(Output(packet[source]))
    return FlowEntry(learn.table, learn.priority, learn.cookie, tuple(match), tuple(actions), learn.hard_timeout)


def _learned_pattern(target: Field, value: int) -> Pattern:
    """As a learned flow matches: of a VLAN tag only the bits of the VLAN, also where there is no tag."""
    if target is VLAN:
        return Pattern(VLAN_TCI, value, (1 << VLAN.bits) - 1)
    return Pattern(target, value, (1 << target.bits) - 1)


_Shape = tuple[tuple[str, int], ...]
"""Which bits of which fields are matched."""


@dataclass(slots=True)
class _Table:
    groups: dict[tuple[int, _Shape], dict[tuple[int, ...], FlowEntry]] = field(default_factory=dict)
    order: list[tuple[int, _Shape]] = field(default_factory=list)
    """The groups' keys, highest priority first."""


class Tables:
    """The flows of one switch."""

    def __init__(self, entries: Iterable[FlowEntry] = ()) -> None:
        self._tables: dict[int, _Table] = {}
        self._count: dict[tuple[int, int], int] = {}
        for each in entries:
            self.add(each)

    def __iter__(self) -> Iterator[FlowEntry]:
        for table in self._tables.values():
            for group in table.groups.values():
                yield from group.values()

    def add(self, added: FlowEntry) -> None:
        """Add a flow, in place of the one that matches the same with the same priority."""
        table = self._tables.setdefault(added.table, _Table())
        where, values = _place(added)
        if where not in table.groups:
            table.groups[where] = {}
            table.order.append(where)
            table.order.sort(key=lambda place: -place[0])
        before = table.groups[where].get(values)
        if before is not None:
            self._count[before.table, before.cookie] -= 1
        table.groups[where][values] = added
        counted = added.table, added.cookie
        self._count[counted] = self._count.get(counted, 0) + 1

    def count(self, table: int, cookie: int) -> int:
        """How many flows of a table have a cookie."""
        return self._count.get((table, cookie), 0)

    def holds(self, sought: FlowEntry) -> bool:
        """Whether this very flow is there."""
        where, values = _place(sought)
        table = self._tables.get(sought.table)
        return table is not None and table.groups.get(where, {}).get(values) == sought

    def lookup(self, number: int, packet: Packet) -> FlowEntry | None:
        """The flow that a packet meets in a table; None: no flow matches, and the packet is dropped.

        Raises :class:`Unsupported` when two flows of one priority match and do different things: which one wins is not
        defined.
        """
        table = self._tables.get(number)
        if table is None:
            return None
        values = as_looked_up(packet).values
        found: FlowEntry | None = None
        for where in table.order:
            priority, shape = where
            if found is not None and priority < found.priority:
                break
            key = tuple([values.get(name, 0) & mask for name, mask in shape])
            hit = table.groups[where].get(key)
            if hit is None:
                continue
            if found is not None and found.actions != hit.actions:
                raise Unsupported(f"two flows of table {number} with priority {priority} match {packet}")
            found = found or hit
        return found


def _place(entry: FlowEntry) -> tuple[tuple[int, _Shape], tuple[int, ...]]:
    terms = sorted((each.field.name, each.mask, each.value) for each in entry.match)
    return (entry.priority, tuple((name, mask) for name, mask, _ in terms)), tuple(value for _, _, value in terms)
