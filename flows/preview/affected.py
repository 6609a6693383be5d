"""The part of two networks that a change can touch: what compiles to the same flows in both is left out.

Of a VPC that a change touches by single ports only those are looked at, and one more: it says that the VPC is on the
host. For no two ports of a VPC want the same flow, and what the others want is the same before and after. A VPC is left
out when the change touches neither it nor its peers. One port of it is looked at where a VPC comes or goes: all VPCs of
a host share some flows. Segments that it touches are looked at whole, of the others one port, for segments share some
flows too.

For each host the ports that it has are told from those that are far away: :mod:`flows.preview.remote_ports`.
"""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property

from flows.inputs.facts import HostFacts, Interface
from flows.inputs.locate import Locations, places
from flows.inputs.tags import Tags
from flows.model import Network
from flows.model.difference import NetworkDifference

Pair = tuple[Network, Network]
"""The old network and the new one, with some of their ports."""


@dataclass(frozen=True, slots=True)
class LocatedNetwork:
    """A network with its numbers, what is observed on its hosts, and so where its ports are."""

    network: Network
    tags: Tags
    facts: Mapping[str, HostFacts]
    locations: Locations

    def has(self, host: str) -> bool:
        """Whether the network has a host, and something is known of it."""
        return host in self.network.hosts and host in self.facts

    def here(self) -> Iterator[tuple[str, str, str]]:
        """Each VPC that is on a host, the host, and the port by which it is."""
        for host, name in self._plugged():
            if name in self.network.vpc_ports:
                yield self.network.vpc_ports[name].vpc, host, name

    def segments_here(self) -> Iterator[tuple[str, str, str]]:
        """Each segment that is on a host, the host, and the port by which it is."""
        for host, name in self._plugged():
            if name in self.network.segment_ports:
                for segment in self.network.segments_of(self.network.segment_ports[name]):
                    yield segment.name, host, name

    def _plugged(self) -> Iterator[tuple[str, str]]:
        """The ports that are plugged in where they belong."""
        for host, seen in self.facts.items():
            for interface in seen.interfaces:
                port = self.network.host_ports.get(interface.iface_id)
                if port is not None and host in places(port, self.locations.hosts.get(port.name)):
                    yield host, port.name


class Affected:
    """What a change can touch on each host."""

    def __init__(self, difference: NetworkDifference, old: LocatedNetwork, new: LocatedNetwork) -> None:
        """``old`` and ``new`` have the networks of the difference."""
        self._difference = difference
        self._old, self._new = difference.old, difference.aligned
        self._sides = old, new
        self._before, self._after = old.locations.hosts, new.locations.hosts

    def near(self, host: str) -> Pair:
        """The networks with the ports of a host, and of segments, that may be the reason for a different flow there."""
        ports = self._different(host) & self._at.get(host, frozenset()) | self._segment_ports
        return _with_ports(self._old, ports), _with_ports(self._new, ports)

    def remote(self, host: str) -> frozenset[str]:
        """The ports of VPCs that may be the reason for a different flow on a host and are not there."""
        return self._different(host) - self._at.get(host, frozenset()) - self._segment_ports

    def shared(self, host: str) -> Pair:
        """The networks with few ports, by which all is there that flows of several objects are there for."""
        ports = self._kept(host) & self._at.get(host, frozenset())
        return _with_ports(self._old, ports), _with_ports(self._new, ports)

    def _different(self, host: str) -> frozenset[str]:
        """Every port that may be the reason for a flow that is different on a host."""
        if self._is_everywhere:
            return frozenset(self._old.ports.keys() | self._new.ports.keys())
        before, after = (here.get(host, set()) for here in self.here)
        whole = self._related & (before ^ after)
        whole |= self._peers(whole) | self._whole
        return self._ports_of(whole) | self._kept(host)

    def _kept(self, host: str) -> frozenset[str]:
        """The ports that changed, and those that stand in for the others on a host."""
        return self._touched - self._segment_ports | self._stand_ins.get(host, frozenset())

    @cached_property
    def _at(self) -> Mapping[str, frozenset[str]]:
        """The ports that each host has, or gets what is sent to them, before or after."""
        found: dict[str, set[str]] = {}
        for side in self._sides:
            for name, port in side.network.host_ports.items():
                for host in places(port, side.locations.hosts.get(name)):
                    found.setdefault(host, set()).add(name)
        return {host: frozenset(names) for host, names in found.items()}

    @cached_property
    def _is_everywhere(self) -> bool:
        """Whether something changed that every flow may depend on."""
        hosts = self._difference.changed["hosts"]
        return (
            self._difference.settings_differ
            or bool(hosts & self._old.hosts.keys())
            or any(_ways_out(before) != _ways_out(after) for before, after in self._facts if before and after)
        )

    @property
    def _facts(self) -> Iterator[tuple[HostFacts | None, HostFacts | None]]:
        """Before and after, of each host that is not observed the same; None where nothing is known of it."""
        before, after = (side.facts for side in self._sides)
        for host in before.keys() | after.keys():
            if before.get(host) is not after.get(host):
                yield before.get(host), after.get(host)

    @cached_property
    def _touched(self) -> frozenset[str]:
        """The ports that are different, are somewhere else, or are plugged in otherwise."""
        moved = (name for name, host in self._after.items() if self._before.get(name) != host)
        gone = (name for name in self._before if name not in self._after)
        plugged = (one.iface_id for before, after in self._facts for one in _interfaces(before) ^ _interfaces(after))
        return self._difference.changed["ports"].union(moved, gone, plugged)

    @cached_property
    def _whole(self) -> frozenset[str]:
        """The VPCs of which every port matters: something that all of them share changed."""
        changed = {end.partition("/")[0] for end in self._difference.changed_ends} | self._difference.changed["vpcs"]
        return frozenset(changed | self._peers(changed))

    @cached_property
    def _related(self) -> frozenset[str]:
        """The VPCs of which some port matters: those touched, their peers, and who shares flows with them as a peer."""
        if self._is_everywhere:
            return frozenset(self._old.vpcs.keys() | self._new.vpcs.keys())
        touched = {
            network.vpc_ports[name].vpc
            for network in (self._old, self._new)
            for name in self._touched & network.vpc_ports.keys()
        }
        touched |= self._whole
        peers = touched | self._peers(touched)
        return frozenset(peers | self._peers(peers))

    def _peers(self, vpcs: Iterable[str]) -> set[str]:
        return {peer for vpc in vpcs for peer in self._peers_of.get(vpc, ())}

    @cached_property
    def _peers_of(self) -> Mapping[str, set[str]]:
        found: dict[str, set[str]] = {}
        for network in (self._old, self._new):
            for peering in network.peerings.values():
                one, other = (end.partition("/")[0] for end in peering.between)
                found.setdefault(one, set()).add(other)
                found.setdefault(other, set()).add(one)
        return found

    @cached_property
    def here(self) -> tuple[Mapping[str, Set[str]], Mapping[str, Set[str]]]:
        """The VPCs that have a port plugged in on each host, before and after."""
        found: tuple[dict[str, set[str]], dict[str, set[str]]] = ({}, {})
        for side, of_hosts in zip(self._sides, found, strict=True):
            for vpc, host, _ in side.here():
                of_hosts.setdefault(host, set()).add(vpc)
        return found

    def _ports_of(self, vpcs: frozenset[str]) -> frozenset[str]:
        """Every port of some VPCs."""
        if vpcs not in self._known_ports:
            networks = (self._old, self._new)
            ports = (port for network in networks for port in network.vpc_ports.values() if port.vpc in vpcs)
            self._known_ports[vpcs] = frozenset(port.name for port in ports)
        return self._known_ports[vpcs]

    @cached_property
    def _known_ports(self) -> dict[frozenset[str], frozenset[str]]:
        return {}

    @cached_property
    def _stand_ins(self) -> Mapping[str, frozenset[str]]:
        """Of each host, one port that did not change of each VPC that matters, and of each segment that does not. Also
        one of all other VPCs, where a VPC comes or goes."""
        first: dict[tuple[str, str, str], str] = {}
        before, after = self.here
        for vpc, host, name in self._sides[0].here() if self._related else ():
            matters = vpc in self._related
            if name not in self._touched and (matters or before.get(host) != after.get(host)):
                one = (host, "vpc", vpc if matters else "any other")
                first[one] = min(name, first.get(one, name))
        for segment, host, name in self._sides[0].segments_here() if self._segment_ports else ():
            if name not in self._segment_ports:
                first[host, "segment", segment] = min(name, first.get((host, "segment", segment), name))
        found: dict[str, set[str]] = {}
        for (host, _, _), name in first.items():
            found.setdefault(host, set()).add(name)
        return {host: frozenset(names) for host, names in found.items()}

    @cached_property
    def _segment_ports(self) -> frozenset[str]:
        """Every port of the segments that are different, or of which a port is."""
        networks = (self._old, self._new)
        if self._is_everywhere:
            return frozenset(name for network in networks for name in network.segment_ports)
        segments = self._difference.changed["segments"].union(
            segment.name
            for network in networks
            for name in self._touched & network.segment_ports.keys()
            for segment in network.segments_of(network.segment_ports[name])
        )
        return frozenset(
            port.name
            for network in networks
            for port in network.segment_ports.values()
            if any(segment.name in segments for segment in network.segments_of(port))
        )


def _interfaces(facts: HostFacts | None) -> frozenset[Interface]:
    return facts.interfaces if facts else frozenset()


def _ways_out(facts: HostFacts) -> tuple[object, ...]:
    """What of a host's facts matters to more than single ports."""
    return facts.datapath_type, facts.tunnel_ofport, facts.physical


def _with_ports(network: Network, names: Iterable[str]) -> Network:
    return network.with_ports({name: network.ports[name] for name in names if name in network.ports})
