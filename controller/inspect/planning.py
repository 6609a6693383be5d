"""What a change of the model would do, before it is made: to objects, to flows, and to who reaches whom."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from controller.inspect.compiled import reported_switch_facts
from controller.reconcile.placement.local_vlans import segments_here
from controller.status.status import Status
from controller.store import Changes, DryRun, Vlans
from controller.store.rows.changes import RowChange, between, is_the_same, own
from controller.store.rows.rows import Key, Rows, Values, rows_of_object, rows_of_settings
from flows.compile.declared import host_facts, switch_facts, tags
from flows.inputs.facts import HostFacts, SwitchFacts
from flows.inputs.locate import locate
from flows.inputs.tags import Tags
from flows.model import Network
from flows.model.difference import NetworkDifference
from flows.model.reach.change import ReachabilityChange, reachability_changes
from flows.preview.flow_change import FlowChange, HostPreview, Moment, merged, switch_changes
from flows.preview.forecast import Forecast, Observed

_PLACES = ("host", "switch")
"""Of a port, the columns that say where it is."""


@dataclass(frozen=True, slots=True)
class ObjectChange:
    """An object before and after; None: it is not there."""

    key: Key
    old: Values | None
    new: Values | None

    @property
    def verb(self) -> str:
        """What becomes of it: it is added, changed, removed or moved."""
        if self.old is None:
            return "added"
        if self.new is None:
            return "removed"
        different = {name for name in self.old | self.new if self.old.get(name) != self.new.get(name)}
        return "moved" if different <= {*_PLACES} else "changed"

    @property
    def way(self) -> tuple[str, str]:
        """Of a port that is moved: where it was, and where it will be."""
        old, new = self.old or {}, self.new or {}
        place = next(name for name in _PLACES if name in old | new)
        return str(old.get(place, "anywhere")), str(new.get(place, "anywhere"))


@dataclass(frozen=True, slots=True)
class Situation:
    """What a network runs on: its numbers, and what is observed."""

    tags: Tags
    hosts: Mapping[str, HostFacts]
    switches: Mapping[str, SwitchFacts]
    vlans: Vlans | None = None
    """The VLANs that hosts have given; None: the numbers have all of them that will ever be."""

    def moment(self, network: Network) -> Moment:
        """What the hosts of a network are at that time."""
        return Moment(network, self.tags, self.hosts)

    def with_vlans(self, network: Network) -> "Situation":
        """The same with the VLANs that hosts give to segments of a network that come to them."""
        if self.vlans is None:
            return self
        here = segments_here(network, locate(network, self.hosts))
        needed = {host: [self.tags.segments[name] for name in names] for host, names in here.items()}
        vlans = self.vlans.allocate(needed)
        return replace(self, vlans=vlans, tags=replace(self.tags, vlans=vlans.named(self.tags.segments)))

    def observing(self, observed: Observed, network: Network) -> "Situation":
        """What follows when something else is observed."""
        return replace(self, hosts=observed.hosts, switches=observed.switches).with_vlans(network)


@dataclass(frozen=True, slots=True)
class LaterChange:
    """What a change does after it was made: once what it leads to is observed."""

    when: list[str]
    """What happens for that, each as the rest of a sentence that begins with "when"."""
    flows: Mapping[str, FlowChange]
    """What each switch then gets and loses; those left out for which nothing changes."""


class Planned:
    """What a change does. Each part is worked out when it is asked for."""

    def __init__(self, old: Network, new: Network, changes: Changes, before: Situation, after: Situation) -> None:
        self._difference = NetworkDifference(old, new)
        self._changes = changes
        self._before, self._after = before, after
        self._preview = HostPreview()

    @property
    def objects(self) -> list[ObjectChange]:
        """The objects that are different, but for the line that they are written on: in that order, what goes first."""
        different = [(key, change) for key, change in self._changes.items() if not is_the_same(key, change)]
        return [
            ObjectChange(key, change.old and own(key, change.old), change.new and own(key, change.new))
            for key, change in sorted(different, key=lambda item: _order(item[1]))
        ]

    @cached_property
    def reachability(self) -> list[ReachabilityChange]:
        """Which ports reach each other, and which do so no more, by the model alone."""
        return reachability_changes(self._difference)

    @property
    def unseen(self) -> list[str]:
        """The hosts and plain switches of which nothing is known nor will be: their flows cannot be computed."""
        network, told = self._difference.new, self._final
        hosts = [host for host in network.hosts if host not in told.hosts]
        return hosts + [switch for switch in network.switches if switch not in told.switches]

    @property
    def unplugged(self) -> list[str]:
        """The changed ports of which it is unknown where, or when, they will be plugged in."""
        seen: dict[str, set[str]] = {}
        for host, facts in self._final.hosts.items():
            for interface in facts.interfaces:
                seen.setdefault(interface.iface_id, set()).add(host)
        changed = self._difference.changed["ports"]
        return [
            port.name
            for port in self._difference.new.host_ports.values()
            if port.name in changed
            and (port.name not in seen or not seen[port.name].issuperset(filter(None, (port.host, port.moving_to))))
        ]

    @cached_property
    def flows(self) -> dict[str, FlowChange]:
        """What each switch gets and loses at once. Switches without a change are left out."""
        return self._flows(self._difference, self._before, self._made)

    @cached_property
    def later(self) -> LaterChange:
        """What follows, as far as it can be predicted."""
        network = self._difference.aligned
        same, at = NetworkDifference(network, network), self._made
        changes = list[Mapping[str, FlowChange]]()
        for observed in self._forecast.steps:
            before, at = at, at.observing(observed, network)
            changes.append(self._flows(same, before, at))
        return LaterChange(self._forecast.events, merged(changes))

    def _flows(self, difference: NetworkDifference, before: Situation, after: Situation) -> dict[str, FlowChange]:
        """What each switch gets and loses between two times."""
        return {
            **self._preview.change(before.moment(difference.old), after.moment(difference.aligned)),
            **switch_changes(difference, before.switches, after.switches),
        }

    @cached_property
    def _made(self) -> Situation:
        """The moment after the change."""
        return self._after.with_vlans(self._difference.aligned)

    @cached_property
    def _forecast(self) -> Forecast:
        return Forecast(self._difference, Observed(self._after.hosts, self._after.switches))

    @property
    def _final(self) -> Observed:
        """What is observed in the end, as far as it can be predicted."""
        return self._forecast.steps[-1] if self._forecast.steps else self._forecast.now


def plan(dry_run: DryRun, network: Network, status: Status) -> Planned:
    """What it would do to make a network the model of a controller. ``status``: what the controller reports."""
    old = dry_run.stored.network if dry_run.stored else Network()
    before = dry_run.stored.tags if dry_run.stored else Tags({}, {})
    switches = reported_switch_facts(status)
    places = status.ports
    hosts = {
        name: _claimed(facts, name, places)
        for name, known in status.hosts.items()
        if (facts := known.facts(name)) is not None
    }
    return Planned(
        old,
        network,
        dry_run.changes,
        Situation(before, hosts, switches),
        Situation(dry_run.tags, hosts, switches, dry_run.vlans),
    )


def plan_between(old: Network, new: Network) -> Planned:
    """What is different between two networks that run nowhere, if everything declared were plugged in."""
    numbers, difference = tags(old, new), NetworkDifference(old, new)
    before = Situation(numbers, host_facts(old), switch_facts(old))
    after = Situation(numbers, host_facts(new, old), switch_facts(new, old))
    return Planned(old, new, between(_rows(old, difference), _rows(new, difference)), before, after)


def _rows(network: Network, difference: NetworkDifference) -> Rows:
    """The rows of what is different, and of the network itself."""
    rows = rows_of_settings(network)
    for section, names in difference.changed.items():
        for name in names & getattr(network, section).keys():
            rows |= rows_of_object(section, getattr(network, section)[name])
    return rows


def _order(change: RowChange) -> tuple[bool, str, int, int]:
    values = change.new or change.old or {}
    return change.new is not None, values.get("file", ""), values.get("line", 0), values.get("column", 0)


def _claimed(facts: HostFacts, host: str, places: Mapping[str, str]) -> HostFacts:
    """The facts of a host, in which it had before what it has now: who has a port keeps it."""
    mine = (replace(interface, bound=places.get(interface.iface_id) == host) for interface in facts.interfaces)
    return replace(facts, interfaces=frozenset(mine))
