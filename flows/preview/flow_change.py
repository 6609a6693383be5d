"""Which flows a change of the model brings to each switch, and which it takes away."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from flows.compile.incremental import Compiler, Source
from flows.compile.program import MISSES
from flows.compile.sources import matters_everywhere
from flows.compile.views import Views
from flows.inputs.facts import HostFacts, SwitchFacts
from flows.inputs.tags import Tags
from flows.inputs.tree import tree, working
from flows.model import Network
from flows.model.difference import NetworkDifference
from flows.openflow.groups_and_meters import GroupOrMeter, Key, key_of
from flows.pipeline.rules import Application
from flows.units.plain_switch import PLAIN_SWITCHES, locate_machines, view_switch
from flows.units.unit import Unit

_Units = Mapping[Source, tuple[Unit, ...]]


@dataclass(frozen=True, slots=True)
class EntryChange:
    """A group or meter that a switch gets (no ``old``), loses (no ``new``), or that becomes something else."""

    old: GroupOrMeter | None
    new: GroupOrMeter | None

    @property
    def key(self) -> Key:
        """Its kind and number."""
        entry = self.new or self.old
        assert entry is not None
        return key_of(entry)


@dataclass(frozen=True, slots=True)
class FlowChange:
    """What one switch gets and loses."""

    added: tuple[Application, ...]
    removed: tuple[Application, ...]
    entries: tuple[EntryChange, ...] = ()
    """Groups and meters."""

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.entries)


@dataclass(frozen=True, slots=True)
class Moment:
    """A network at one time: its numbers, and what is observed on its hosts."""

    network: Network
    tags: Tags
    facts: Mapping[str, HostFacts]

    def has(self, host: str) -> bool:
        """Whether the network has a host, and something is known of it."""
        return host in self.network.hosts and host in self.facts


class HostPreview:
    """What each host's switch gets and loses from one moment to another.

    The controller's own views (:class:`~flows.compile.views.Views`) are led from one moment to the other, and say which
    sources of units a change reaches, just as they say it to the controller. Only these are compared.
    """

    def __init__(self) -> None:
        self._views = Views()
        self._compiler = Compiler()
        self._observed: dict[str, HostFacts] = {}

    def change(self, start: Moment, to: Moment) -> dict[str, FlowChange]:
        """What the step from one moment to another brings and takes away; hosts without a change are left out.

        Objects that are the same at both moments have to be the very same objects.
        """
        self._go(start)
        changed = self._go(to)
        after = self._views.units(changed)
        again = self._go(start)
        changed |= {host: again[host] for host in again.keys() - changed.keys() if not to.has(host)}
        before = self._views.units(changed)
        steps = _Steps(self._compiler)
        found: dict[str, FlowChange | None] = {}
        for host, sources in changed.items():
            old, new = before.get(host, {}), after.get(host, {})
            gone, come, may_share = steps.take((old.get(one, ()), new.get(one, ())) for one in sources)
            if start.has(host) != to.has(host):
                found[host] = _whole(come, gone, has=to.has(host), had=start.has(host))
            elif gone or come:
                found[host] = _change(gone, come, self._kept(host, old, new) if may_share else ())
        hosts = dict.fromkeys([*start.network.hosts, *to.network.hosts])
        return {host: change for host in hosts if (change := found.get(host))}

    def _go(self, to: Moment) -> dict[str, set[Source]]:
        """Lead the views to another moment. Returns the sources of each host that this reaches."""
        self._views.set_model(to.network, to.tags)
        observed = {host: facts for host, facts in to.facts.items() if host in to.network.hosts}
        before = {host: facts for host, facts in self._observed.items() if host in to.network.hosts}
        for host in before.keys() - observed.keys():
            self._views.forget(host)
        for host, facts in observed.items():
            if before.get(host) is not facts:
                self._views.set_facts(host, facts)
        self._observed = observed
        return self._views.take_changed()

    def _kept(self, host: str, old: _Units, new: _Units) -> Iterator[Application]:
        """The flows of units that stay, as far as others may want the same."""
        sharing = self._views.sharing(host)
        others = self._views.units({host: [source for source in sharing if source not in old]})
        stay = [unit for units in others[host].values() for unit in units]
        for source in sharing:
            kept = set(new.get(source, ()))
            stay += (unit for unit in old.get(source, ()) if unit in kept)
        return self._compiler.applications(unit for unit in stay if not unit.owns_flows)


@dataclass(frozen=True, slots=True)
class _Step:
    """What becomes of one source of units."""

    units: tuple[tuple[Unit, ...], tuple[Unit, ...]]
    """Before and after; held so that no others get their place in memory."""
    gone: tuple[Application, ...]
    come: tuple[Application, ...]
    may_share: bool
    """Whether others may want these flows too."""


class _Steps:
    """What becomes of sources. The same becomes of a port on very many hosts: that is worked out once."""

    def __init__(self, compiler: Compiler) -> None:
        self._compiler = compiler
        self._known: dict[tuple[int, int], _Step] = {}
        """By the units before and after: hosts on which a port is the same share the very same tuples."""

    def take(
        self, steps: Iterable[tuple[tuple[Unit, ...], tuple[Unit, ...]]]
    ) -> tuple[list[Application], list[Application], bool]:
        """The flows that go by some steps, those that come, and whether others may want any of them."""
        gone, come, may_share = list[Application](), list[Application](), False
        for old, new in steps:
            key = id(old), id(new)
            step = self._known.get(key)
            if step is None:
                step = self._known[key] = self._step(old, new)
            gone += step.gone
            come += step.come
            may_share = may_share or step.may_share
        return gone, come, may_share

    def _step(self, old: tuple[Unit, ...], new: tuple[Unit, ...]) -> _Step:
        before, after = set(old), set(new)
        less, more = before - after, after - before
        may_share = any(not unit.owns_flows for unit in less | more)
        gone, come = (tuple(self._compiler.applications(units)) for units in (less, more))
        return _Step((old, new), gone, come, may_share)


def merged(changes: Iterable[Mapping[str, FlowChange]]) -> dict[str, FlowChange]:
    """What several changes do, one after the other. A flow that goes and comes again is in both."""
    found: dict[str, FlowChange] = {}
    for change in changes:
        for place, one in change.items():
            before = found.get(place, FlowChange((), ()))
            entries = before.entries + one.entries
            found[place] = FlowChange(before.added + one.added, before.removed + one.removed, entries)
    return found


def switch_changes(
    difference: NetworkDifference, old: Mapping[str, SwitchFacts], new: Mapping[str, SwitchFacts]
) -> dict[str, FlowChange]:
    """What each plain switch gets and loses; those are left out for which nothing changes."""
    machines = difference.old.switch_ports.keys() | difference.new.switch_ports.keys()
    sections = [section for section, changed in difference.changed.items() if changed]
    is_same = not (difference.changed["ports"] & machines or PLAIN_SWITCHES.sections & set(sections))
    if is_same and old == new and not matters_everywhere(sections):
        return {}
    found: dict[str, FlowChange | None] = {}
    compiler = Compiler()
    for switch in dict.fromkeys([*difference.old.switches, *difference.new.switches]):
        holds = _switch_units(difference.old, old, switch)
        will_hold = _switch_units(difference.aligned, new, switch)
        if holds is None or will_hold is None:
            come, gone = (list(compiler.applications(units or ())) for units in (will_hold, holds))
            found[switch] = _whole(come, gone, has=will_hold is not None, had=holds is not None)
        else:
            sets = (holds - will_hold, will_hold - holds, holds & will_hold)
            found[switch] = _change(*map(compiler.applications, sets))
    return {switch: change for switch, change in found.items() if change}


def _switch_units(network: Network, facts: Mapping[str, SwitchFacts], switch: str) -> frozenset[Unit] | None:
    """What a plain switch needs; None: it is not there, or nothing is known of it."""
    if switch not in network.switches or switch not in facts:
        return None
    links = network.links.values()
    seen = {name: known for name, known in facts.items() if name in network.switches}
    open_links = tree(links, working(links, seen))
    return view_switch(network, switch, seen[switch], open_links, locate_machines(network, seen))


def _whole(come: Sequence[Application], gone: Sequence[Application], *, has: bool, had: bool) -> FlowChange:
    """What becomes of a switch that was not known before, or is not any more."""
    come, gone = come if has else (), gone if had else ()
    return FlowChange(_all(come, is_there=has), _all(gone, is_there=had), tuple(_entry_changes(gone, come, ())))


def _all(flows: Iterable[Application], *, is_there: bool) -> tuple[Application, ...]:
    """Every flow of a host, with the misses that all have; none of one that is not there."""
    return (*MISSES, *_by_cookie(flows).values()) if is_there else ()


def _change(gone: Iterable[Application], come: Iterable[Application], stay: Iterable[Application]) -> FlowChange | None:
    """What flows that go, and others that come, change where some stay; None when that is nothing."""
    gone, come, stay = list(gone), list(come), list(stay)
    before, after = _by_cookie(gone), _by_cookie(come)
    kept = before.keys() & after.keys()
    kept |= {one.flow.cookie for one in stay}
    entries = tuple(_entry_changes(gone, come, stay))
    added = tuple(one for cookie, one in after.items() if cookie not in kept)
    removed = tuple(one for cookie, one in before.items() if cookie not in kept)
    return FlowChange(added, removed, entries) or None


def _entry_changes(
    gone: Iterable[Application], come: Iterable[Application], stay: Iterable[Application]
) -> Iterator[EntryChange]:
    """The groups and meters that change with these flows, or whose flows stay and refer to something else."""
    before, after, kept = map(_entries, (gone, come, stay))
    for key in sorted(before.keys() | after.keys()):
        old, new = before.get(key) or kept.get(key), after.get(key) or kept.get(key)
        if old != new:
            yield EntryChange(old, new)


def _entries(flows: Iterable[Application]) -> dict[Key, GroupOrMeter]:
    return {key_of(entry): entry for one in flows for entry in one.refers_to}


def _by_cookie(flows: Iterable[Application]) -> dict[int, Application]:
    """Each flow once; of several reasons for it the first in the alphabet."""
    found: dict[int, Application] = {}
    for one in flows:
        other = found.setdefault(one.flow.cookie, one)
        if other is not one:
            found[one.flow.cookie] = min(one, other, key=lambda each: (each.sentence, str(each.why)))
    return found
