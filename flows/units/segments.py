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
    Half,
    Learning,
    LinkEnd,
    Member,
    RemoteMac,
    RemoteMembers,
    SwitchGroups,
    SwitchingUnit,
    TunnelSegment,
)


@dataclass(frozen=True, slots=True)
class SegmentWard:
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
        self.wards: Mapping[str, SegmentWard] = {
            name: self._ward(network.segments[name], numbers[name], vlans[name])
            for name in here
            if name in numbers and name in vlans
        }
        """By the segment's name: those that have their numbers."""

    def units(
        self, name: str, ports: Iterable[tuple[SegmentPort, Interface]], hosts: Set[str]
    ) -> Iterator[SwitchingUnit]:
        """Those of a segment that has a ward. ``ports``: those that are here; ``hosts``: all that have any."""
        ward = self.wards[name]
        segment, why = ward.segment, _why(ward.segment)
        own = {port.name: port for port, _ in ports}
        ends = [(Named(i.ofport, p.name), _wire(p, segment)) for p, i in sorted(ports, key=lambda end: end[0].name)]
        if ward.uplink is not None:
            ends.append(ward.uplink)
            ofport, wire = ward.uplink
            yield Member(ward.number, ward.vlan, ofport, wire, ward.learning, ofport.name, why)
            yield LinkEnd(ofport, True, why)
        remote: list[RemoteCopy] = []
        if ward.tunnel is not None:
            assert segment.id is not None
            yield TunnelSegment(ward.number, ward.vlan, segment.id, ward.learning, why)
            for host in sorted(hosts - {self._host}):
                tunnel_ip = self._network.hosts[host].tunnel_ip
                yield RemoteMembers(ward.number, ward.vlan, segment.id, host, tunnel_ip, ward.learning, why)
                remote.append(RemoteCopy(host, tunnel_ip, ward.tunnel, segment.id))
        local = tuple(LocalCopy(ofport, wire) for ofport, wire in ends)
        yield SwitchGroups(why)
        yield Flood(ward.vlan, Copies(local, tuple(remote)), why)
        for copy in local:
            port = own.get(str(copy.ofport))
            if port is not None and port.moving_to is not None:
                yield _half(port, ward, copy, local)

    def of_port(self, port: SegmentPort, places: Sequence[str], interface: Interface | None) -> Iterator[SwitchingUnit]:
        """What a port needs. ``places``: its hosts; ``interface``: the one that it has here, if it is here."""
        for segment in self._network.segments_of(port) if places else ():
            ward = self.wards.get(segment.name)
            if ward is None:
                continue
            if interface is not None:
                ofport = Named(interface.ofport, port.name)
                wire = _wire(port, segment)
                yield Member(ward.number, ward.vlan, ofport, wire, ward.learning, port.name, _why(port))
                yield LinkEnd(ofport, False, _why(port))
            if ward.learning is not None and port.mac is not None:
                if len(places) > 1:
                    yield from self._announced(port, port.mac, ward, places, interface)
                else:
                    yield from self._declared(port, port.mac, ward, places[0], interface)

    def _declared(
        self, port: SegmentPort, mac: str, ward: SegmentWard, location: str, interface: Interface | None
    ) -> Iterator[SwitchingUnit]:
        """Where a declared MAC address is. Nothing while its port is not plugged in here, or there is no way there."""
        if interface is not None:
            ofport = Named(interface.ofport, port.name)
            yield DeclaredMac(ward.vlan, mac, ofport, _wire(port, ward.segment), _why(port))
        elif location == self._host:
            return
        elif ward.uplink is not None:
            yield DeclaredMac(ward.vlan, mac, *ward.uplink, _why(port))
        elif ward.tunnel is not None:
            assert ward.segment.id is not None
            tunnel_ip = self._network.hosts[location].tunnel_ip
            yield RemoteMac(ward.vlan, mac, ward.segment.id, location, tunnel_ip, ward.tunnel, _why(port))

    def _announced(
        self, port: SegmentPort, mac: str, ward: SegmentWard, places: Sequence[str], interface: Interface | None
    ) -> Iterator[SwitchingUnit]:
        """Who gets copies for a declared MAC address whose port is announced to move."""
        others = [host for host in places if host != self._host]
        local, remote = list[LocalCopy](), list[RemoteCopy]()
        if interface is not None:
            local.append(LocalCopy(Named(interface.ofport, port.name), _wire(port, ward.segment)))
        if ward.uplink is not None:
            local.append(LocalCopy(*ward.uplink))
        elif ward.tunnel is not None:
            assert ward.segment.id is not None
            for host in others:
                remote.append(RemoteCopy(host, self._network.hosts[host].tunnel_ip, ward.tunnel, ward.segment.id))
        if local or remote:
            yield AnnouncedMac(ward.vlan, mac, Copies(tuple(local), tuple(remote)), _why(port))

    def _ward(self, segment: Segment, number: int, vlan: int) -> SegmentWard:
        words = f"segment {segment.name}"
        learning = None if segment.flood_only else Learning(segment.ageing, segment.max_macs, f"VLAN {vlan}")
        tunnel = self._tunnel if segment.physical is None and segment.id is not None else None
        uplink = self._uplink(segment)
        return SegmentWard(segment, Named(number, words), Named(vlan, words), learning, uplink, tunnel)

    def _uplink(self, segment: Segment) -> tuple[Named, int | None] | None:
        physical = segment.physical
        if physical is None or physical.network not in self._physical:
            return None
        return Named(self._physical[physical.network], f"physical network {physical.network}"), physical.vlan or None


def _half(port: SegmentPort, ward: SegmentWard, own: LocalCopy, local: Iterable[LocalCopy]) -> Half:
    """What a port that is announced to move may not get. ``local``: the copies for all ports of the segment here."""
    uplink = None if ward.uplink is None else ward.uplink[0]
    others = Copies(tuple(copy for copy in local if copy is not own and copy.ofport != uplink))
    ofport = Named(own.ofport, port.name)
    return Half(ward.vlan, port.mac_address, ofport, others, ward.tunnel is not None, uplink, _why(port))


def _wire(port: SegmentPort, segment: Segment) -> int | None:
    """The VLAN under which a port carries a segment on the wire; None: untagged."""
    return None if port.segment is not None else segment.vlan or None


def _why(obj: Segment | SegmentPort) -> Why:
    return Why(str(obj), obj.origin)
