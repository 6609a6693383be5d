"""The part of two networks that a change can touch: what compiles to the same flows in both is left out.

Of a VPC that a change touches by single ports only those are compiled, and on each host one more: it says that the VPC
is there. For no two ports of a VPC want the same flow, and what the others want is the same before and after. Of VPCs
that it does not touch, and whose peers it does not, no port is compiled. Segments that it touches are compiled whole,
the others by one port on each host, for segments share some flows.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property

from flows.facts import HostFacts
from flows.locate import Locations
from flows.model import Network
from flows.model.difference import Difference
from flows.model.network import AnyPort

Pair = tuple[Network, Network]
"""The old network and the new one."""


@dataclass(frozen=True, slots=True)
class Placed:
    """A network, what is observed on its hosts, and so where its ports are."""

    network: Network
    facts: Mapping[str, HostFacts]
    locations: Locations

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
                if self.locations.hosts.get(interface.iface_id) == host:
                    yield host, interface.iface_id


class Concerned:
    """What a change can touch on each host."""

    def __init__(self, difference: Difference, old: Placed, new: Placed) -> None:
        """``old`` and ``new`` have the networks of the difference."""
        self._difference = difference
        self._old, self._new = difference.old, difference.aligned
        self._sides = old, new
        self._before, self._after = old.locations.hosts, new.locations.hosts

    def networks(self, host: str) -> Pair:
        """The two networks, with the ports that matter for what is different on a host."""
        if self._is_everywhere:
            return self._old, self._new
        before, after = self._presence
        whole = {vpc for vpc in self._related if ((vpc, host) in before) != ((vpc, host) in after)}
        if not whole:
            return self._reduced
        return self._reduce(self._whole | whole | self._peers(whole))

    @cached_property
    def _is_everywhere(self) -> bool:
        """Whether something changed that every flow may depend on."""
        hosts = self._difference.changed["hosts"]
        return self._difference.settings_differ or bool(hosts & self._old.hosts.keys())

    @cached_property
    def _touched(self) -> frozenset[str]:
        """The ports that are different, or are somewhere else."""
        moved = (name for name, host in self._after.items() if self._before.get(name) != host)
        gone = (name for name in self._before if name not in self._after)
        return self._difference.changed["ports"].union(moved, gone)

    @cached_property
    def _whole(self) -> frozenset[str]:
        """The VPCs of which every port matters: something that all of them share changed."""
        changed = {end.partition("/")[0] for end in self._difference.changed_ends} | self._difference.changed["vpcs"]
        return frozenset(changed | self._peers(changed))

    @cached_property
    def _related(self) -> frozenset[str]:
        """The VPCs of which some port matters: those touched, their peers, and who shares flows with them as a peer."""
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
    def _presence(self) -> tuple[frozenset[tuple[str, str]], ...]:
        """Which VPC has a port that is plugged in on which host, before and after."""
        return tuple(frozenset((vpc, host) for vpc, host, _ in side.here()) for side in self._sides)

    @cached_property
    def _reduced(self) -> Pair:
        return self._reduce(self._whole)

    def _reduce(self, whole: Iterable[str]) -> Pair:
        """The networks with all ports of some VPCs, and of the others those that matter."""
        everyone, segments = frozenset(whole), self._segments
        kept = self._touched | self._stand_ins

        def matters(network: Network, port: AnyPort) -> bool:
            if port.name in network.vpc_ports:
                return port.name in kept or network.vpc_ports[port.name].vpc in everyone
            if port.name in network.segment_ports:
                carried = network.segments_of(network.segment_ports[port.name])
                return bool(segments) and (port.name in kept or any(one.name in segments for one in carried))
            return False

        old, new = (
            network.with_ports({name: port for name, port in network.ports.items() if matters(network, port)})
            for network in (self._old, self._new)
        )
        return old, new

    @cached_property
    def _stand_ins(self) -> frozenset[str]:
        """Of each VPC that matters, and of each segment, on each host that it is on, one port that did not change."""
        first: dict[tuple[str, str, str], str] = {}
        for vpc, host, name in self._sides[0].here():
            if vpc in self._related and name not in self._touched:
                first["vpc", vpc, host] = min(name, first.get(("vpc", vpc, host), name))
        for segment, host, name in self._sides[0].segments_here():
            if name not in self._touched:
                first["segment", segment, host] = min(name, first.get(("segment", segment, host), name))
        return frozenset(first.values())

    @cached_property
    def _segments(self) -> frozenset[str]:
        """The segments that are different, or of which a port is."""
        return self._difference.changed["segments"].union(
            segment.name
            for network in (self._old, self._new)
            for name in self._touched & network.segment_ports.keys()
            for segment in network.segments_of(network.segment_ports[name])
        )
