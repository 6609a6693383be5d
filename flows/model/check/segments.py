"""Segments: how each is carried between hosts, and which ports carry it."""

from collections.abc import Generator, Iterator
from ipaddress import IPv4Address

from flows.model.check.checker import Checker, special_in_subnet, unfit_address
from flows.model.file.source import Path
from flows.model.objects.port import SegmentPort
from flows.model.objects.segment import Segment
from flows.model.problem import Problem, shown


def segments(c: Checker) -> Iterator[Problem]:
    carried: dict[tuple[str, int], str] = {}
    for name, segment in c.network.segments.items():
        path = ("segments", name)
        if segment.physical is None:
            if segment.id is None and not c.is_broken((*path, "id")) and c.is_complete((*path, "physical")):
                message = "needs the key 'id', the tunnel key under which hosts exchange its frames; or 'physical'"
                yield c.error(path, f"'{name}' {message}", at_key=True)
            continue
        if segment.id is not None:
            message = (
                f"the physical network '{segment.physical.network}' carries this segment, so it needs no tunnel key"
            )
            yield c.error((*path, "id"), f"{message}; leave out 'id' or 'physical'", at_key=True)
        known = {network for host in c.network.hosts.values() for network in host.physical}
        if segment.physical.network not in known and c.is_complete(("hosts",)):
            message = f"no host is connected to a physical network {shown(segment.physical.network)}"
            yield c.error((*path, "physical", "network"), f"{message}{c.hint(segment.physical.network, known)}")
        wire = (segment.physical.network, segment.physical.vlan)
        first = carried.setdefault(wire, name)
        if first != name:
            message = f"segment '{first}' has VLAN {wire[1]} of '{wire[0]}' too; each segment needs its own"
            yield c.error((*path, "physical", "vlan"), message)


def segment_ports(c: Checker) -> Iterator[Problem]:
    macs: dict[tuple[str, str], str] = {}
    addresses: dict[tuple[str, IPv4Address], str] = {}
    for name, port in c.network.segment_ports.items():
        path = ("ports", name)
        if port.segment is not None and port.trunk is not None:
            yield c.error((*path, "trunk"), "a port has 'segment' or 'trunk', not both", at_key=True)
            continue
        if port.trunk is not None and port.ip is not None:
            message = (
                "a trunk port cannot have 'ip': its instance has an address in each segment, under that segment's tag"
            )
            yield c.error((*path, "ip"), message, at_key=True)
        yield from _addresses(c, path, port)
        known = yield from _known(c, path, port)
        if not known:
            continue
        if port.segment is not None and port.ip is not None:
            owner = addresses.setdefault((port.segment, port.ip.ip), name)
            if owner != name:
                message = f"port '{owner}' of segment '{port.segment}' has the address {port.ip.ip} too"
                yield c.error((*path, "ip"), f"{message}; each port needs its own")
        carried = c.network.segments_of(port)
        yield from _tags(c, path, port, carried)
        for segment in carried:
            yield from _physical(c, path, port, segment)
            if port.mac is None:
                continue
            owner = macs.setdefault((segment.name, port.mac), name)
            if owner != name:
                message = f"port '{owner}' of segment '{segment.name}' has the MAC address {port.mac} too"
                yield c.error((*path, "mac"), f"{message}; each port needs its own")
                break


def _addresses(c: Checker, path: Path, port: SegmentPort) -> Iterator[Problem]:
    if port.ip is not None:
        if reason := special_in_subnet(port.ip.ip, port.ip.network):
            yield c.error((*path, "ip"), f"{port.ip.ip} is {reason}; no port can have it")
        elif reason := unfit_address(port.ip):
            yield c.error((*path, "ip"), f"no port can have {port.ip.ip}: {reason}")
    if port.gateway is None or c.is_broken((*path, "ip")):
        return
    if port.ip is None or port.gateway not in port.ip.network:
        network = f"{port.gateway} is not in {port.ip.network}" if port.ip else "'gateway' needs 'ip'"
        yield c.error((*path, "gateway"), f"{network}: a default gateway is in the instance's own network")
    elif port.gateway == port.ip.ip:
        yield c.error((*path, "gateway"), f"{port.gateway} is the port's own address; name that of another instance")
    elif reason := special_in_subnet(port.gateway, port.ip.network):
        yield c.error((*path, "gateway"), f"{port.gateway} is {reason}, which no instance can have")


def _known(c: Checker, path: Path, port: SegmentPort) -> Generator[Problem, None, bool]:
    """Whether every segment that the port names is there, after a problem for each that is named twice."""
    known = c.network.segments
    if port.segment is not None:
        return port.segment in known
    seen: set[str] = set()
    for index, name in enumerate(port.trunk or ()):
        if name in seen:
            yield c.error((*path, "trunk", index), f"{shown(name)} is here twice; once is enough")
        seen.add(name)
    return port.trunk is not None and all(name in known for name in port.trunk)


def _tags(c: Checker, path: Path, port: SegmentPort, carried: tuple[Segment, ...]) -> Iterator[Problem]:
    """A trunk port tells segments apart by their VLAN tags."""
    if port.trunk is None:
        return
    seen: dict[int, str] = {}
    for index, segment in enumerate(carried):
        place = (*path, "trunk", index) if port.trunk else (*path, "trunk")
        if segment.vlan is None:
            if not c.is_broken(("segments", segment.name, "vlan")):
                message = f"segment '{segment.name}' has no 'vlan', the tag under which a trunk port would carry it"
                yield c.error(place, message)
        elif seen.setdefault(segment.vlan, segment.name) != segment.name:
            message = f"segments '{seen[segment.vlan]}' and '{segment.name}' both have the VLAN tag {segment.vlan}"
            yield c.error(place, f"{message}; this port could not tell them apart")


def _physical(c: Checker, path: Path, port: SegmentPort, segment: Segment) -> Iterator[Problem]:
    """The port's host must be connected to what carries the segment."""
    for key, host in (("host", port.host), ("moving_to", port.moving_to)):
        if segment.physical is None or host is None or host not in c.network.hosts:
            continue
        is_connected = segment.physical.network in c.network.hosts[host].physical
        if not is_connected and c.is_complete(("hosts", host, "physical")):
            message = f"host '{host}' is not connected to the physical network '{segment.physical.network}'"
            carries = f"which carries segment '{segment.name}'"
            yield c.error((*path, key), f"{message}, {carries}; declare it under 'physical'")


def idle_segments(c: Checker) -> Iterator[Problem]:
    """Declarations of segments and their ports that have no effect."""
    for name, port in c.network.segment_ports.items():
        if port.trunk == () and not c.network.segments_of(port):
            message = (
                "this trunk carries nothing: no segment declares a 'vlan', the tag under which it would be carried"
            )
            yield c.warning(("ports", name, "trunk"), message, at_key=True)
    yield from _unknown_gateways(c)


def _unknown_gateways(c: Checker) -> Iterator[Problem]:
    """Gateways that no port has, in segments of which every address is known: packets out get no further."""
    known: dict[str, set[IPv4Address] | None] = {
        name: None if segment.physical else set() for name, segment in c.network.segments.items()
    }
    for port in c.network.segment_ports.values():
        for segment in c.network.segments_of(port):
            addresses = known[segment.name]
            if port.ip is None:
                known[segment.name] = None
            elif addresses is not None:
                addresses.add(port.ip.ip)
    for name, port in c.network.segment_ports.items():
        addresses = known[port.segment] if port.segment is not None else None
        if port.gateway is not None and addresses is not None and port.gateway not in addresses:
            message = f"no port of segment '{port.segment}' has the address {port.gateway}"
            yield c.warning(("ports", name, "gateway"), f"{message}: packets to other networks get no further")
