"""The units of a host's segments: see :mod:`flows.units.host` for those of its VPCs."""

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass

from flows.inputs.facts import HostFacts, Interface
from flows.model import Network, Segment, SegmentPort
from flows.units.copies import Copies, LocalCopy, RemoteCopy
from flows.units.said import Named, Why
from flows.units.switching import (
    AnnouncedMac,
    DeclaredMac,
    Flood,
    Learning,
    LinkEnd,
    Member,
    MovingPort,
    RemoteMac,
    RemoteMembers,
    SwitchGroups,
    SwitchingUnit,
    TunnelSegment,
)


@dataclass(frozen=True, slots=True)
class SegmentPresence:
    """A segment that has a port on a host: what its units there depend on, but for its ports."""

    segment: Segment
    number: Named
    vlan: Named
    learning: Learning | None
    uplink: tuple[Named, int | None] | None
    """The port to the physical network that carries the segment, and its VLAN there."""
    tunnel: Named | None
    """The port by which it reaches other hosts."""


class HostSegments:
    """What one host needs of the segments that have a port on it."""

    def __init__(
        self,
        network: Network,
        numbers: Mapping[str, int],
        vlans: Mapping[str, int],
        facts: HostFacts,
        host: str,
        here: Iterable[str],
    ) -> None:
        """``numbers``: each segment's own, by name; ``vlans``: the VLAN that this host gives it.

        ``here``: the segments that have a port here. Of the network's ports nothing is asked.
        """
        self._network = network
        self._host = host
        self._physical = dict(facts.physical)
        self._tunnel = None if facts.tunnel_ofport is None else Named(facts.tunnel_ofport, "the tunnel port")
        self.presences: Mapping[str, SegmentPresence] = {
            name: self._presence(network.segments[name], numbers[name], vlans[name])
            for name in here
            if name in numbers and name in vlans
        }
        """By the segment's name: those that have their numbers."""

    def units(
        self, name: str, ports: Iterable[tuple[SegmentPort, Interface]], hosts: Set[str]
    ) -> Iterator[SwitchingUnit]:
        """Those of a segment that is present. ``ports``: those that are here; ``hosts``: all that have any."""
        presence = self.presences[name]
        segment, why = presence.segment, _why(presence.segment)
        own = {port.name: port for port, _ in ports}
        ends = [(Named(i.ofport, p.name), _wire(p, segment)) for p, i in sorted(ports, key=lambda end: end[0].name)]
        if presence.uplink is not None:
            ends.append(presence.uplink)
            ofport, wire = presence.uplink
            yield Member(presence.number, presence.vlan, ofport, wire, presence.learning, ofport.name, why)
            yield LinkEnd(ofport, True, why)
        remote: list[RemoteCopy] = []
        if presence.tunnel is not None:
            assert segment.id is not None
            yield TunnelSegment(presence.number, presence.vlan, segment.id, presence.learning, why)
            for host in sorted(hosts - {self._host}):
                tunnel_ip = self._network.hosts[host].tunnel_ip
                yield RemoteMembers(presence.number, presence.vlan, segment.id, host, tunnel_ip, presence.learning, why)
                remote.append(RemoteCopy(host, tunnel_ip, presence.tunnel, segment.id))
        local = tuple(LocalCopy(ofport, wire) for ofport, wire in ends)
        yield SwitchGroups(why)
        yield Flood(presence.vlan, Copies(local, tuple(remote)), why)
        for copy in local:
            port = own.get(str(copy.ofport))
            if port is not None and port.moving_to is not None:
                yield _half(port, presence, copy, local)

    def of_port(self, port: SegmentPort, places: Sequence[str], interface: Interface | None) -> Iterator[SwitchingUnit]:
        """What a port needs. ``places``: its hosts; ``interface``: the one that it has here, if it is here."""
        for segment in self._network.segments_of(port) if places else ():
            presence = self.presences.get(segment.name)
            if presence is None:
                continue
            if interface is not None:
                ofport = Named(interface.ofport, port.name)
                wire = _wire(port, segment)
                yield Member(presence.number, presence.vlan, ofport, wire, presence.learning, port.name, _why(port))
                yield LinkEnd(ofport, False, _why(port))
            if presence.learning is not None and port.mac is not None:
                if len(places) > 1:
                    yield from self._announced(port, port.mac, presence, places, interface)
                else:
                    yield from self._declared(port, port.mac, presence, places[0], interface)

    def _declared(
        self, port: SegmentPort, mac: str, presence: SegmentPresence, location: str, interface: Interface | None
    ) -> Iterator[SwitchingUnit]:
        """Where a declared MAC address is. Nothing while its port is not plugged in here, or there is no way there."""
        if interface is not None:
            ofport = Named(interface.ofport, port.name)
            yield DeclaredMac(presence.vlan, mac, ofport, _wire(port, presence.segment), _why(port))
        elif location == self._host:
            return
        elif presence.uplink is not None:
            yield DeclaredMac(presence.vlan, mac, *presence.uplink, _why(port))
        elif presence.tunnel is not None:
            assert presence.segment.id is not None
            tunnel_ip = self._network.hosts[location].tunnel_ip
            yield RemoteMac(presence.vlan, mac, presence.segment.id, location, tunnel_ip, presence.tunnel, _why(port))

    def _announced(
        self, port: SegmentPort, mac: str, presence: SegmentPresence, places: Sequence[str], interface: Interface | None
    ) -> Iterator[SwitchingUnit]:
        """Who gets copies for a declared MAC address whose port is announced to move."""
        others = [host for host in places if host != self._host]
        local, remote = list[LocalCopy](), list[RemoteCopy]()
        if interface is not None:
            local.append(LocalCopy(Named(interface.ofport, port.name), _wire(port, presence.segment)))
        if presence.uplink is not None:
            local.append(LocalCopy(*presence.uplink))
        elif presence.tunnel is not None:
            assert presence.segment.id is not None
            for host in others:
                remote.append(
                    RemoteCopy(host, self._network.hosts[host].tunnel_ip, presence.tunnel, presence.segment.id)
                )
        if local or remote:
            yield AnnouncedMac(presence.vlan, mac, Copies(tuple(local), tuple(remote)), _why(port))

    def _presence(self, segment: Segment, number: int, vlan: int) -> SegmentPresence:
        words = f"segment {segment.name}"
        learning = None if segment.flood_only else Learning(segment.ageing, segment.max_macs, f"VLAN {vlan}")
        tunnel = self._tunnel if segment.physical is None and segment.id is not None else None
        uplink = self._uplink(segment)
        return SegmentPresence(segment, Named(number, words), Named(vlan, words), learning, uplink, tunnel)

    def _uplink(self, segment: Segment) -> tuple[Named, int | None] | None:
        physical = segment.physical
        if physical is None or physical.network not in self._physical:
            return None
        return Named(self._physical[physical.network], f"physical network {physical.network}"), physical.vlan or None


def _half(port: SegmentPort, presence: SegmentPresence, own: LocalCopy, local: Iterable[LocalCopy]) -> MovingPort:
    """What a port that is announced to move may not get. ``local``: the copies for all ports of the segment here."""
    uplink = None if presence.uplink is None else presence.uplink[0]
    others = Copies(tuple(copy for copy in local if copy is not own and copy.ofport != uplink))
    ofport = Named(own.ofport, port.name)
    return MovingPort(presence.vlan, port.mac_address, ofport, others, presence.tunnel is not None, uplink, _why(port))


def _wire(port: SegmentPort, segment: Segment) -> int | None:
    """The VLAN under which a port carries a segment on the wire; None: untagged."""
    return None if port.segment is not None else segment.vlan or None


def _why(obj: Segment | SegmentPort) -> Why:
    return Why(str(obj), obj.origin)
