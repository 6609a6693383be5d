"""All units of one host, found from scratch. :mod:`flows.compile.views` keeps the same up to date."""

from flows.compile.sources import units_of_host, units_of_other_host, units_of_port, units_of_segment
from flows.inputs.facts import HostFacts, Interface
from flows.inputs.locate import Locations, places
from flows.inputs.tags import Tags
from flows.model import Network, SegmentPort, VpcPort
from flows.units.context import HostContext
from flows.units.unit import Unit


def view(network: Network, tags: Tags, locations: Locations, facts: HostFacts, host: str) -> frozenset[Unit]:
    """The units of one host."""
    at = {name: places(port, locations.hosts.get(name)) for name, port in network.host_ports.items()}
    plugged = {i.iface_id: i for i in facts.interfaces if host in at.get(i.iface_id, ())}
    vpcs: set[str] = set()
    groups: set[str] = set()
    local: dict[str, list[tuple[SegmentPort, Interface]]] = {}
    hosts: dict[str, set[str]] = {}
    for port in (network.host_ports[name] for name in locations.hosts):
        if isinstance(port, VpcPort):
            vpcs |= {port.vpc} if port.name in plugged else set()
            groups.update(network.groups_of(port) if port.name in plugged else ())
            continue
        for segment in network.segments_of(port):
            hosts.setdefault(segment.name, set()).update(at[port.name])
            if port.name in plugged:
                local.setdefault(segment.name, []).append((port, plugged[port.name]))
    here = HostContext(network, tags, facts, host, vpcs, local, groups)
    units = [*units_of_host(here)]
    for other in network.hosts.values():
        units += units_of_other_host(here, other)
    for name, presence in here.segments.items():
        units += units_of_segment(here, presence, local[name], hosts[name])
    for port in network.host_ports.values():
        units += units_of_port(here, port, at[port.name], plugged.get(port.name))
    return frozenset(units)
