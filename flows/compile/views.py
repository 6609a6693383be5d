"""The views of all hosts, kept up to date: a change costs what it changes.

A view (:func:`flows.compile.from_scratch.view`) is the union of what its *sources* give: each port, each segment, each
other host, and the host itself. :class:`flows.units.subject.Subject` says what each source depends on. What a port
gives on a host depends on three things: the port, its location, and the *presence* of its VPC or segment on that host,
a small value. So a change of a port touches that port on the hosts that have such a presence. A change of a presence
touches its ports on that host.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from itertools import product

from flows.compile.incremental import Source
from flows.compile.sources import (
    VPC_PORTS_SHARE,
    matters_everywhere,
    units_of_host,
    units_of_other_host,
    units_of_port,
    units_of_segment,
)
from flows.inputs.facts import HostFacts, Interface
from flows.inputs.locate import Locations, Locator, places
from flows.inputs.tags import Tags
from flows.model import Host, Network, SecurityGroup, SegmentPort, SwitchPort, VpcPort
from flows.units.context import HostContext, SegmentPresence, VpcPresence
from flows.units.group_presence import GroupPresence
from flows.units.unit import Unit

_HOST: Source = ""
"""The source of everything that is neither of a port nor of a segment, nor of another host."""
_OTHER = "host "
"""Before the name of another host: its source."""
_SEGMENT = "segment "
"""Before the name of a segment: its source. Names of ports, which are the ports' sources, have no blanks."""

_STRUCTURE = tuple(name for name in Network.model_fields if name != "ports")

HostPort = VpcPort | SegmentPort
Group = tuple[type[HostPort] | type[SecurityGroup], str]
"""A VPC, a segment or a security group: the kind of its ports, or of itself, and its name."""

_Elsewhere = dict[tuple[int, int | None, tuple[GroupPresence, ...]], dict[Source, tuple[Unit, ...]]]
"""The units of ports that are elsewhere, made once for all hosts on which their VPC has the same presence.

By that presence (the id of the object), by the tunnel port of the host, and by the presences of security groups.
"""


def _differs(old: object, new: object) -> bool:
    return old is not new and old != new


def _of_segments(groups: Iterable[Group]) -> set[Source]:
    """The sources of the segments among some groups."""
    return {_SEGMENT + name for kind, name in groups if kind is SegmentPort}


def _choosers(network: Network) -> dict[str, tuple[str, Mapping[str, str]]]:
    """The security groups that choose members by labels: the VPC and the labels of each."""
    groups = network.security_groups.values()
    return {group.name: (group.vpc, group.members) for group in groups if group.members}


def _are_alike(one: HostPort | None, other: HostPort | None) -> bool:
    """Whether two ports of a VPC are the same but for their security groups, so that other hosts send to it alike."""
    if not isinstance(one, VpcPort) or not isinstance(other, VpcPort):
        return False
    return all(getattr(one, name) == getattr(other, name) for name in _APART_FROM_GROUPS)


_APART_FROM_GROUPS = tuple(name for name in VpcPort.model_fields if name not in ("groups", "labels"))


@dataclass(slots=True)
class _Host:
    """One host: what was observed, and what follows from that."""

    facts: HostFacts
    plugged: dict[str, Interface] = field(default_factory=dict)
    present: dict[str, tuple[Group, ...]] = field(default_factory=dict)
    """The ports that are plugged in here and not another host's, each with its groups. Those that are announced to move
    here are among them."""
    here: dict[Group, dict[str, None]] = field(default_factory=dict)
    """The same by group."""
    context: HostContext | None = None
    presences: dict[Group, VpcPresence | SegmentPresence | GroupPresence] = field(default_factory=dict)
    """What each group is to it."""
    is_stale: bool = True
    """Whether its presences may be others now."""
    is_new: bool = True
    """Whether everything is to be found anew."""
    dirty: set[Source] = field(default_factory=set)


class Views:
    """What every host needs. Tell it what changed, then :meth:`take` what is different by that."""

    def __init__(self) -> None:
        self._network = self._structure = Network()
        """The structure is the network without its ports."""
        self._tags = Tags({}, {})
        self._ports: dict[str, HostPort] = {}
        self._groups: dict[str, tuple[Group, ...]] = {}
        self._locator = Locator()
        self._at = self._locator.locations.hosts
        """The host that each port is on. It changes with them."""
        self._hosts: dict[str, _Host] = {}
        self._members: dict[Group, dict[str, None]] = {}
        """The ports of each group."""
        self._by_presence: dict[Group, set[str]] = {}
        """The hosts that have a presence of it."""
        self._located: dict[Group, Counter[str]] = {}
        """How many ports of it each host has."""
        self._on_host: dict[str, dict[str, None]] = {}
        """The ports that each host has, plugged in or not."""
        self._others: dict[Source, Host] = {}
        """The hosts of the model, each by the source that it is to the others."""
        self._known_others: dict[tuple[Source, int | None], tuple[Unit, ...]] = {}
        self._same: dict[VpcPresence, VpcPresence] = {}
        """The presences of VPCs: one object for all hosts on which it is the same."""
        self._moved: set[str] = set()
        self._segments_moved = True
        self._has_detours = True
        self._left: set[tuple[str, str]] = set()
        """Ports that are not on a host any more, by what was heard last. They may still be plugged in there."""
        self._joined: set[Group] = set()
        """Those that came to another host, or that matter on another."""

    @property
    def locations(self) -> Locations:
        """Where the ports are. It changes with them."""
        return self._locator.locations

    def take_refused(self) -> Set[tuple[str, str]]:
        """The claims, (port, host), that were refused since the last call, and still are."""
        return self._locator.take_refused()

    @property
    def arrived(self) -> Set[str]:
        """The ports that are where they were announced to move to."""
        return self._locator.arrived

    def located(self, host: str) -> list[str]:
        """The ports that are on a host, plugged in or not."""
        return sorted(self._on_host.get(host, ()))

    def bound(self, host: str) -> frozenset[str]:
        """The ports that are on a host and plugged in there."""
        if host not in self._hosts:
            return frozenset()
        return frozenset(self._hosts[host].present.keys() & self._on_host.get(host, {}).keys())

    def take_moved(self) -> set[str]:
        """The hosts of which one of these is another than at the last call."""
        moved, self._moved = self._moved, set()
        return moved

    def take_segments_moved(self) -> bool:
        """Whether hosts or segments, or which host has ports of which segment, may be others than at the last call."""
        moved, self._segments_moved = self._segments_moved, False
        return moved

    @property
    def has_detours(self) -> bool:
        """Whether packets may still come by an old way, and be lost when others are sent another way too early.

        They do not, when nothing happened since :meth:`settle` but that ports of VPCs were declared, and that ports
        came, went, or moved from where they are no more.
        """
        return self._has_detours or any(
            host in self._hosts and port in self._hosts[host].plugged for port, host in self._left
        )

    def settle(self) -> None:
        """Switches hold what they shall: no packet comes by an old way."""
        self._has_detours = False
        self._left.clear()

    def unsettle(self) -> None:
        """A switch may hold something else than it shall."""
        self._has_detours = True

    def set_model(self, network: Network, tags: Tags, changed: Set[str] | None = None) -> None:
        """The model is this now. Objects that are the very same as before are not looked at.

        ``changed``: of the ports, these at most are not; None: it is not known which.
        """
        before, self._network = self._network, network
        changed_sections = [name for name in _STRUCTURE if _differs(getattr(before, name), getattr(network, name))]
        if changed_sections:
            self._set_structure(network, is_everything_new=matters_everywhere(changed_sections))
        self.set_tags(tags)
        names = [*network.ports, *before.ports.keys() - network.ports.keys()] if changed is None else sorted(changed)
        for name in names:
            port = network.ports.get(name)
            if port is not before.ports.get(name):
                self._has_detours = self._has_detours or name in before.ports or not isinstance(port, VpcPort)
                self._set_port(name, None if isinstance(port, SwitchPort) else port)

    def set_tags(self, tags: Tags) -> None:
        """The numbers are these now."""
        for name, host in self._hosts.items():
            if tags.vlans.get(name) != self._tags.vlans.get(name):
                host.is_stale = self._has_detours = True
        self._tags = tags

    def _set_port(self, name: str, port: HostPort | None) -> None:
        """A port is this one now; None: it is gone."""
        before, places_before = self._groups.get(name, ()), self._places(name)
        is_other = not _are_alike(self._ports.get(name), port)
        if port is None:
            self._ports.pop(name, None)
            self._groups.pop(name, None)
        else:
            self._ports[name] = port
            self._groups[name] = self._groups_of(port)
        for group in before:
            self._members[group].pop(name)
        for group in self._groups.get(name, ()):
            self._members.setdefault(group, {})[name] = None
        self._locator.declare(name, port)
        self._placed(name, before, places_before, is_other=is_other)

    def _places(self, name: str) -> tuple[str, ...]:
        """The hosts that get what is sent to a port."""
        port = self._ports.get(name)
        return () if port is None else places(port, self._at.get(name))

    def set_facts(self, name: str, facts: HostFacts) -> None:
        """A host of the model was observed."""
        host = self._hosts.get(name)
        is_new = host is None
        if host is None:
            host = self._hosts[name] = _Host(replace(facts, interfaces=frozenset()))
        before, host.facts = host.facts, facts
        host.is_new = host.is_new or before.tunnel_ofport != facts.tunnel_ofport
        if replace(before, interfaces=facts.interfaces) != facts:
            host.is_stale = self._has_detours = True
        self._plug(name, host, before.interfaces, facts.interfaces)
        if is_new:
            self._has_detours = True
            self._follow_announced(lambda: self._locator.observe(name))

    def _follow_announced(self, change: Callable[[], None]) -> None:
        """A host is observed for the first time, or no more. What is announced to move away from it is there or not."""
        before = {port: self._places(port) for port in self._locator.announced}
        change()
        for port, places_before in before.items():
            if self._places(port) != places_before:
                self._placed(port, self._groups.get(port, ()), places_before)

    def take_meetings(self) -> Mapping[str, Set[str]]:
        """The hosts that may send to others than at the last call, each with all that it may send to by that."""
        self._refresh()
        joined, self._joined = self._joined, set()
        meetings: dict[str, set[str]] = {}
        for group in joined:
            for name in self._by_presence.get(group, ()):
                meetings.setdefault(name, set()).update(self._located.get(group, ()))
        return meetings

    def take(self) -> Iterator[tuple[str, Mapping[Source, tuple[Unit, ...]]]]:
        """For each host that something changed for: the sources that may give other units now, with these."""
        self._refresh()
        elsewhere: _Elsewhere = {}
        for name, host in self._hosts.items():
            if host.dirty:
                sources = self._make(host, host.dirty, elsewhere)
                host.dirty = set()
                yield name, sources

    def take_changed(self) -> dict[str, set[Source]]:
        """As :meth:`take`, but only which sources these are."""
        self._refresh()
        changed = {name: host.dirty for name, host in self._hosts.items() if host.dirty}
        for name in changed:
            self._hosts[name].dirty = set()
        return changed

    def units(self, sources: Mapping[str, Iterable[Source]]) -> dict[str, dict[Source, tuple[Unit, ...]]]:
        """What some sources give now, each by host; a host that is not there has none."""
        self._refresh()
        elsewhere: _Elsewhere = {}
        return {
            name: self._make(self._hosts[name], of_host, elsewhere)
            for name, of_host in sources.items()
            if name in self._hosts
        }

    def sharing(self, name: str) -> list[Source]:
        """The sources of a host that may want the same flows as others of it."""
        host = self._hosts[name]
        of_ports = (
            self._members.get(group, ()) for group in host.presences if VPC_PORTS_SHARE or group[0] is SegmentPort
        )
        return [_HOST, *_of_segments(host.presences), *dict.fromkeys(port for ports in of_ports for port in ports)]

    def _set_structure(self, network: Network, *, is_everything_new: bool) -> None:
        """Everything but the ports is this now."""
        self._has_detours = True
        addresses = {name: host.tunnel_ip for name, host in self._structure.hosts.items()}
        has_moved = any(addresses.get(name, host.tunnel_ip) != host.tunnel_ip for name, host in network.hosts.items())
        chosen = _choosers(self._structure) != _choosers(network)
        self._structure = network.with_ports({})
        self._segments_moved = True
        for name in self._hosts.keys() - network.hosts.keys():
            self.forget(name)
        if has_moved:
            self._joined.update(self._by_presence)
        before, self._others = self._others, {_OTHER + name: host for name, host in network.hosts.items()}
        self._known_others.clear()
        self._same.clear()
        others = [
            other for other in before.keys() | self._others.keys() if before.get(other) != self._others.get(other)
        ]
        for host in self._hosts.values():
            host.is_stale = True
            host.is_new = host.is_new or has_moved or is_everything_new
            host.dirty.update(others)
        for port in list(self._ports.values()):
            is_trunk_of_all = isinstance(port, SegmentPort) and port.trunk == ()
            if is_trunk_of_all or (chosen and isinstance(port, VpcPort) and port.labels):
                self._set_port(port.name, port)

    def _groups_of(self, port: HostPort) -> tuple[Group, ...]:
        if isinstance(port, VpcPort):
            return (VpcPort, port.vpc), *((SecurityGroup, name) for name in self._structure.groups_of(port))
        return tuple((SegmentPort, segment.name) for segment in self._structure.segments_of(port))

    def forget(self, name: str) -> None:
        """Nothing is known of a host any more, or it left the model."""
        host = self._hosts[name]
        self._plug(name, host, host.facts.interfaces, frozenset())
        for hosts in self._by_presence.values():
            hosts.discard(name)
        self._follow_announced(lambda: self._locator.forget(name))
        del self._hosts[name]

    def _plug(self, name: str, host: _Host, before: Set[Interface], now: Set[Interface]) -> None:
        """A host has other interfaces."""
        changed = {interface.iface_id: interface for interface in now - before}
        for port in sorted({interface.iface_id for interface in before - now} | changed.keys()):
            places_before = self._places(port)
            if port in changed:
                host.plugged[port] = changed[port]
            else:
                del host.plugged[port]
            if self._locator.claim(port, name, changed.get(port)):
                self._has_detours = self._has_detours or not self._hosts.keys() >= set(places_before)
                self._left.update((port, place) for place in places_before)
                self._placed(port, self._groups.get(port, ()), places_before)
            else:
                self._attend(name, port)
            if port in host.present:
                host.dirty |= {port, *_of_segments(host.present[port])}

    def _placed(
        self, name: str, groups: tuple[Group, ...], places_before: tuple[str, ...], *, is_other: bool = True
    ) -> None:
        """A port is another one, or somewhere else, than in these groups at these places.

        ``is_other``: not only its security groups are other ones.
        """
        now, places_now = self._groups.get(name, ()), self._places(name)
        affected = {*places_before, *places_now}
        if places_before != places_now:
            for host in places_before[:1]:
                del self._on_host[host][name]
            for host in places_now[:1]:
                self._on_host.setdefault(host, {})[name] = None
            self._moved |= affected
        if (groups, places_before) != (now, places_now):
            self._count(groups, places_before, -1)
            self._count(now, places_now, 1)
        for host in affected:
            self._attend(host, name)
            if host in self._hosts and name in self._hosts[host].present:
                self._hosts[host].dirty |= {name, *_of_segments(self._hosts[host].present[name])}
        for group in {*groups, *now} if is_other else {*groups} ^ {*now}:
            for host in self._by_presence.get(group, ()):
                presence = self._hosts[host].presences.get(group)
                # Who is in a group matters where a rule names the group, and where the port itself is.
                if is_other or not isinstance(presence, GroupPresence) or presence.named:
                    self._hosts[host].dirty.add(name)

    def _count(self, groups: Iterable[Group], places: Iterable[str], by: int) -> None:
        """Count a port of these groups. Which hosts have any matters to all the others."""
        for group, place in product(groups, places):
            hosts = self._located.setdefault(group, Counter())
            hosts[place] += by
            if hosts[place] == (by > 0):
                self._joined.add(group)
                self._segments_moved = self._segments_moved or group[0] is SegmentPort
                for host in self._by_presence.get(group, ()):
                    self._hosts[host].dirty.update(_of_segments([group]))
            if not hosts[place]:
                del hosts[place]

    def _attend(self, name: str, port: str) -> None:
        """Find out whether a port is plugged in on a host, and not another's."""
        host = self._hosts.get(name)
        if host is None:
            return
        is_here = port in host.plugged and name in self._places(port)
        before, now = host.present.get(port, ()), self._groups.get(port, ()) if is_here else ()
        if now == before:
            return
        self._moved.add(name)
        for group in before:
            host.here[group].pop(port)
            if not host.here[group]:
                del host.here[group]
                host.is_stale = True
        for group in now:
            host.is_stale = host.is_stale or group not in host.here
            host.here.setdefault(group, {})[port] = None
        host.dirty |= {port, *_of_segments(before)}
        if now:
            host.present[port] = now
        else:
            del host.present[port]

    def _refresh(self) -> None:
        for name, host in self._hosts.items():
            if host.is_stale:
                self._find_context(name, host)

    def _find_context(self, name: str, host: _Host) -> None:
        """Find out the presences of VPCs and segments on a host. The ports of those that are others follow."""
        host.is_stale = False
        vpcs = {vpc for kind, vpc in host.here if kind is VpcPort}
        groups = {group for kind, group in host.here if kind is SecurityGroup}
        segments = sorted(segment for kind, segment in host.here if kind is SegmentPort)
        context = host.context = HostContext(self._structure, self._tags, host.facts, name, vpcs, segments, groups)
        before = host.presences
        host.presences = {
            (VpcPort, vpc): self._same.setdefault(presence, presence) for vpc, presence in context.vpcs.items()
        }
        host.presences.update(((SegmentPort, segment), presence) for segment, presence in context.segments.items())
        host.presences.update(((SecurityGroup, group), presence) for group, presence in context.groups.items())
        host.dirty.add(_HOST)
        if host.is_new:
            host.dirty.update(self._others)
        for group in before.keys() - host.presences.keys():
            self._by_presence[group].discard(name)
        for group in before.keys() | host.presences.keys():
            if host.is_new or before.get(group) != host.presences.get(group):
                if group in host.presences:
                    self._by_presence.setdefault(group, set()).add(name)
                    self._joined.add(group)
                host.dirty.update(_of_segments([group]), self._members.get(group, ()))
        host.is_new = False

    def _make(self, host: _Host, sources: Iterable[Source], elsewhere: _Elsewhere) -> dict[Source, tuple[Unit, ...]]:
        """The units of some sources. What is in ``elsewhere`` is taken from there, and the others like it are added."""
        here, tunnel = host.context, host.facts.tunnel_ofport
        assert here is not None
        groups = tuple(here.groups.values())
        of_vpcs = {
            vpc: elsewhere.setdefault((id(host.presences[VpcPort, vpc]), tunnel, groups), {}) for vpc in here.vpcs
        }
        found: dict[Source, tuple[Unit, ...]] = {}
        for source in sources:
            port = self._ports.get(source)
            if not isinstance(port, VpcPort) or here.host in (self._at.get(source), port.moving_to):
                found[source] = self._units(host, source)
                continue
            of_vpc = of_vpcs.get(port.vpc)
            if of_vpc is None:
                found[source] = ()
                continue
            units = of_vpc.get(source)
            if units is None:
                units = of_vpc[source] = units_of_port(here, port, self._places(source), None)
            found[source] = units
        return found

    def _units(self, host: _Host, source: Source) -> tuple[Unit, ...]:
        here = host.context
        assert here is not None
        if source == _HOST:
            return units_of_host(here)
        if source.startswith(_OTHER):
            return self._units_of_other(here, source, host.facts.tunnel_ofport)
        if source.startswith(_SEGMENT):
            return self._units_of_segment(host, here, source.removeprefix(_SEGMENT))
        port = self._ports.get(source)
        if port is None:
            return ()
        interface = host.plugged[source] if source in host.present else None
        return units_of_port(here, port, self._places(source), interface)

    def _units_of_other(self, here: HostContext, source: Source, tunnel_ofport: int | None) -> tuple[Unit, ...]:
        """What another host is to a host: made once for all that have the same number for their tunnel port."""
        other = self._others.get(source)
        if other is None or other.name == here.host:
            return ()
        key = source, tunnel_ofport
        if key not in self._known_others:
            self._known_others[key] = units_of_other_host(here, other)
        return self._known_others[key]

    def _units_of_segment(self, host: _Host, here: HostContext, name: str) -> tuple[Unit, ...]:
        presence = here.segments.get(name)
        if presence is None:
            return ()
        group: Group = (SegmentPort, name)
        ports = ((self._ports[port], host.plugged[port]) for port in host.here[group])
        own = [(port, interface) for port, interface in ports if isinstance(port, SegmentPort)]
        return units_of_segment(here, presence, own, self._located[group].keys())
