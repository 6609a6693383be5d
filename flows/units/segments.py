"""Segments: what a host needs of those that have a port on it, of their ports, and of the hosts that have others."""

from collections.abc import Iterator, Set

from flows.inputs.facts import Interface
from flows.model import Segment, SegmentPort
from flows.units.context import HostContext, SegmentPresence
from flows.units.copies import Copies, LocalCopy, RemoteCopy
from flows.units.said import Named, why
from flows.units.subject import LocalPorts, Places, Plugged, Subject
from flows.units.switching import (
    DeclaredMac,
    Flood,
    LinkEnd,
    Member,
    RemoteMac,
    RemoteMembers,
    SwitchGroups,
    TunnelSegment,
)
from flows.units.unit import Unit


def _of_segment(here: HostContext, presence: SegmentPresence, ports: LocalPorts, hosts: Set[str]) -> Iterator[Unit]:
    segment, number, vlan, learning = presence.segment, presence.number, presence.vlan, presence.learning
    reason = why(segment)
    if presence.uplink is not None:
        ofport, wire = presence.uplink
        yield Member(number, vlan, ofport, wire, learning, ofport.name, reason)
        yield LinkEnd(ofport, True, reason)
    remote: list[RemoteCopy] = []
    if presence.tunnel is not None:
        assert segment.id is not None
        yield TunnelSegment(number, vlan, segment.id, learning, reason)
        for host in sorted(hosts - {here.host}):
            tunnel_ip = here.network.hosts[host].tunnel_ip
            yield RemoteMembers(number, vlan, segment.id, host, tunnel_ip, learning, reason)
            remote.append(RemoteCopy(host, tunnel_ip, presence.tunnel, segment.id))
    yield SwitchGroups(reason)
    yield Flood(vlan, Copies(local_copies(presence, ports), tuple(remote)), reason)


def _of_segment_port(here: HostContext, port: SegmentPort, places: Places, interface: Plugged) -> Iterator[Unit]:
    """A port that is announced to move has its MAC address at two places: see :mod:`flows.units.moves`."""
    for segment in here.network.segments_of(port) if places else ():
        presence = here.segments.get(segment.name)
        if presence is None:
            continue
        if interface is not None:
            ofport, wire = Named(interface.ofport, port.name), _wire(port, segment)
            yield Member(presence.number, presence.vlan, ofport, wire, presence.learning, port.name, why(port))
            yield LinkEnd(ofport, False, why(port))
        if presence.learning is not None and port.mac is not None and len(places) == 1:
            yield from _declared(here, port, port.mac, presence, places[0], interface)


def _declared(
    here: HostContext,
    port: SegmentPort,
    mac: str,
    presence: SegmentPresence,
    location: str,
    interface: Plugged,
) -> Iterator[Unit]:
    """Where a declared MAC address is. Nothing while its port is not plugged in here, or there is no way there."""
    if interface is not None:
        ofport = Named(interface.ofport, port.name)
        yield DeclaredMac(presence.vlan, mac, ofport, _wire(port, presence.segment), why(port))
    elif location == here.host:
        return
    elif presence.uplink is not None:
        yield DeclaredMac(presence.vlan, mac, *presence.uplink, why(port))
    elif presence.tunnel is not None:
        assert presence.segment.id is not None
        tunnel_ip = here.network.hosts[location].tunnel_ip
        yield RemoteMac(presence.vlan, mac, presence.segment.id, location, tunnel_ip, presence.tunnel, why(port))


def local_copies(presence: SegmentPresence, ports: LocalPorts) -> tuple[LocalCopy, ...]:
    """The copies for everybody in a segment on a host: its ports by their names, then the physical network."""
    copies = [copy_to(port, i, presence.segment) for port, i in sorted(ports, key=lambda end: end[0].name)]
    if presence.uplink is not None:
        copies.append(LocalCopy(*presence.uplink))
    return tuple(copies)


def copy_to(port: SegmentPort, interface: Interface, segment: Segment) -> LocalCopy:
    """The copy for a port that is plugged in on a host."""
    return LocalCopy(Named(interface.ofport, port.name), _wire(port, segment))


def _wire(port: SegmentPort, segment: Segment) -> int | None:
    """The VLAN under which a port carries a segment on the wire; None: untagged."""
    return None if port.segment is not None else segment.vlan or None


SEGMENTS = Subject(
    units=(Member, TunnelSegment, RemoteMembers, DeclaredMac, RemoteMac, LinkEnd, SwitchGroups, Flood),
    sections={"segments", "hosts"},
    of_segment=_of_segment,
    of_segment_port=_of_segment_port,
)
