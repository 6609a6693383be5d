"""The units of a host's segments: see :mod:`flows.view` for those of its VPCs."""

from collections.abc import Iterator, Mapping
from functools import cached_property

from flows.copies import Copies, LocalCopy, RemoteCopy
from flows.facts import HostFacts, Interface
from flows.locate import Locations
from flows.model import Network, Segment, SegmentPort
from flows.rules import Why
from flows.switching import (
    DeclaredMac,
    Flood,
    Learning,
    Member,
    RemoteMac,
    RemoteMembers,
    SwitchingUnit,
    TunnelSegment,
)
from flows.templates import Named


class HostSegments:
    """What one host needs of the segments that have a port on it."""

    def __init__(
        self,
        network: Network,
        numbers: Mapping[str, int],
        vlans: Mapping[str, int],
        locations: Locations,
        facts: HostFacts,
        host: str,
    ) -> None:
        """``numbers``: each segment's own, by name; ``vlans``: the VLAN that this host gives it."""
        self._network = network
        self._numbers = numbers
        self._vlans = vlans
        self._locations = locations
        self._host = host
        self._plugged: dict[str, Interface] = {i.iface_id: i for i in facts.interfaces}
        self._physical = dict(facts.physical)
        number = facts.tunnel_ofport
        self._tunnel = Named(number, "the tunnel port") if number is not None else None

    def units(self) -> Iterator[SwitchingUnit]:
        """The units, for every segment that has a port here and its numbers."""
        for name, ports in self._ports.items():
            here = [port for port in ports if self._is_here(port)]
            if here and name in self._numbers and name in self._vlans:
                yield from self._segment(self._network.segments[name], here, ports)

    @cached_property
    def _ports(self) -> Mapping[str, list[SegmentPort]]:
        """The ports of each segment that are anywhere."""
        found: dict[str, list[SegmentPort]] = {}
        for port in self._network.segment_ports.values():
            if port.name in self._locations.hosts:
                for segment in self._network.segments_of(port):
                    found.setdefault(segment.name, []).append(port)
        return found

    def _is_here(self, port: SegmentPort) -> bool:
        return port.name in self._plugged and self._locations.hosts[port.name] == self._host

    def _segment(self, segment: Segment, here: list[SegmentPort], ports: list[SegmentPort]) -> Iterator[SwitchingUnit]:
        number = Named(self._numbers[segment.name], f"segment {segment.name}")
        vlan = Named(self._vlans[segment.name], f"segment {segment.name}")
        learning = None if segment.flood_only else Learning(segment.ageing, segment.max_macs, f"VLAN {int(vlan)}")
        ends = [(self._port(port), _wire(port, segment), port.name, _why(port)) for port in here]
        uplink = self._uplink(segment)
        if uplink is not None:
            ends.append((*uplink, uplink[0].name, _why(segment)))
        for ofport, wire, origin, why in ends:
            yield Member(number, vlan, ofport, wire, learning, origin, why)
        hosts: list[str] = []
        if segment.physical is None and segment.id is not None and self._tunnel is not None:
            yield TunnelSegment(number, vlan, segment.id, learning, _why(segment))
            hosts = sorted({self._locations.hosts[port.name] for port in ports} - {self._host})
            for host in hosts:
                tunnel_ip = self._network.hosts[host].tunnel_ip
                yield RemoteMembers(number, vlan, segment.id, host, tunnel_ip, learning, _why(segment))
        local = tuple(LocalCopy(ofport, wire) for ofport, wire, _, _ in ends)
        yield Flood(vlan, Copies(local, tuple(self._remote_copies(segment, hosts))), _why(segment))
        if learning is not None:
            for port in ports:
                yield from self._declared(port, segment, vlan, uplink)

    def _remote_copies(self, segment: Segment, hosts: list[str]) -> Iterator[RemoteCopy]:
        for host in hosts:
            assert self._tunnel is not None
            assert segment.id is not None
            yield RemoteCopy(host, self._network.hosts[host].tunnel_ip, self._tunnel, segment.id)

    def _declared(
        self, port: SegmentPort, segment: Segment, vlan: Named, uplink: tuple[Named, int | None] | None
    ) -> Iterator[SwitchingUnit]:
        """Where a declared MAC address is. Nothing while its port is not plugged in here, or there is no way there."""
        if port.mac is None:
            return
        host = self._locations.hosts[port.name]
        if self._is_here(port):
            yield DeclaredMac(vlan, port.mac, self._port(port), _wire(port, segment), _why(port))
        elif host != self._host and uplink is not None:
            yield DeclaredMac(vlan, port.mac, *uplink, _why(port))
        elif host != self._host and segment.physical is None and segment.id is not None and self._tunnel is not None:
            tunnel_ip = self._network.hosts[host].tunnel_ip
            yield RemoteMac(vlan, port.mac, segment.id, host, tunnel_ip, self._tunnel, _why(port))

    def _port(self, port: SegmentPort) -> Named:
        return Named(self._plugged[port.name].ofport, port.name)

    def _uplink(self, segment: Segment) -> tuple[Named, int | None] | None:
        """The port to the physical network that carries the segment, and its VLAN there."""
        physical = segment.physical
        if physical is None or physical.network not in self._physical:
            return None
        return Named(self._physical[physical.network], f"physical network {physical.network}"), physical.vlan or None


def _wire(port: SegmentPort, segment: Segment) -> int | None:
    """The VLAN under which a port carries a segment on the wire; None: untagged."""
    return None if port.segment is not None else segment.vlan or None


def _why(obj: Segment | SegmentPort) -> Why:
    return Why(str(obj), obj.origin)
