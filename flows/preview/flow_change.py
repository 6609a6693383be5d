"""Which flows a change of the model brings to each switch, and which it takes away."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from flows.compile.program import MISSES, applications
from flows.inputs.facts import SwitchFacts
from flows.inputs.locate import Locations
from flows.inputs.tree import tree, working
from flows.model import Network
from flows.model.difference import NetworkDifference
from flows.openflow.groups_and_meters import GroupOrMeter, Key, key_of
from flows.pipeline.rules import Application
from flows.preview.affected import Affected, LocatedNetwork, Pair
from flows.preview.remote_ports import RemotePorts
from flows.units.host import Unit, narrow_view, remote_host
from flows.units.plain_switch import locate_machines, view_switch
from flows.units.switching import SwitchingUnit


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


def host_changes(difference: NetworkDifference, old: LocatedNetwork, new: LocatedNetwork) -> dict[str, FlowChange]:
    """What each host's switch gets and loses; hosts are left out for which nothing changes.

    ``new`` has the network of the difference that is aligned with the old one.
    """
    affected, compiler = Affected(difference, old, new), _Compiler()
    all_hosts = dict.fromkeys([*old.network.hosts, *new.network.hosts])
    remote = RemotePorts(affected, old, new)
    found: dict[str, FlowChange | None] = {}
    for host in all_hosts:
        # What other hosts are to a host is the same before and after, where neither they nor its tunnel port changed.
        others = difference.changed["hosts"] if _tunnel(old, host) == _tunnel(new, host) else all_hosts
        holds, will_hold = _units(affected.near(host), (old, new), host)
        holds, will_hold = holds.union(_others(others, old, host)), will_hold.union(_others(others, new, host))
        remote_removed, remote_added = remote.change(host, affected.remote(host))
        gone = [*compiler.applications(holds - will_hold), *remote_removed]
        come = [*compiler.applications(will_hold - holds), *remote_added]
        if old.has(host) != new.has(host):
            found[host] = _whole(come, gone, has=new.has(host), had=old.has(host))
        elif gone or come:
            stay, would_stay = _units(affected.shared(host), (old, new), host)
            switching = (unit for unit in holds & will_hold if isinstance(unit, SwitchingUnit))
            found[host] = _change(gone, come, compiler.applications((stay & would_stay).union(switching)))
    return {host: change for host, change in found.items() if change}


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
    sections = ("switches", "links", "routers")
    is_same = not (difference.changed["ports"] & machines or any(difference.changed[section] for section in sections))
    if is_same and old == new:
        return {}
    found: dict[str, FlowChange | None] = {}
    compiler = _Compiler()
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


def _units(
    networks: Pair, sides: tuple[LocatedNetwork, LocatedNetwork], host: str
) -> tuple[frozenset[Unit], frozenset[Unit]]:
    """What one host needs of two networks, each on its side."""
    before, after = (replace(side, network=network) for network, side in zip(networks, sides, strict=True))
    return _view(before, host), _view(after, host)


def _view(placed: LocatedNetwork, host: str) -> frozenset[Unit]:
    if not placed.has(host):
        return frozenset()
    of = placed.locations.hosts
    places = {name: of[name] for name in placed.network.ports if name in of}
    return narrow_view(placed.network, placed.tags, Locations(places, {}), placed.facts[host], host)


def _tunnel(placed: LocatedNetwork, host: str) -> int | None:
    """The OpenFlow port by which a host reaches others, if it has one."""
    return placed.facts[host].tunnel_ofport if placed.has(host) else None


def _others(names: Iterable[str], placed: LocatedNetwork, host: str) -> Iterator[Unit]:
    """What some hosts are to one host."""
    if placed.has(host):
        for name in names:
            if name in placed.network.hosts:
                yield from remote_host(placed.network.hosts[name], placed.facts[host], host)


def _switch_units(network: Network, facts: Mapping[str, SwitchFacts], switch: str) -> frozenset[SwitchingUnit] | None:
    """What a plain switch needs; None: it is not there, or nothing is known of it."""
    if switch not in network.switches or switch not in facts:
        return None
    links = network.links.values()
    seen = {name: known for name, known in facts.items() if name in network.switches}
    open_links = tree(links, working(links, seen))
    return view_switch(network, switch, seen[switch], open_links, locate_machines(network, seen))


class _Compiler:
    """The flows of units. Most are wanted on many hosts: each is compiled once."""

    def __init__(self) -> None:
        self._known: dict[Unit, tuple[Application, ...]] = {}

    def applications(self, units: Iterable[Unit]) -> Iterator[Application]:
        for unit in units:
            found = self._known.get(unit)
            if found is None:
                found = self._known[unit] = tuple(applications(unit))
            yield from found


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
