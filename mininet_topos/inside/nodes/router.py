"""The router between racks: a namespace with a leg in each of them, the only way from one to another."""

from pathlib import Path

from mininet_topos.directory import ROUTER_NODE, UNDERLAY_NODE, LabDirectory
from mininet_topos.inside import namespaces
from mininet_topos.topology.topology import Topology

_FORWARDING = Path("/proc/sys/net/ipv4/ip_forward")


def build(topology: Topology, directory: LabDirectory) -> None:
    """Make the router and its legs, each named like its rack, whose bridges are there already."""
    node = directory.namespace(ROUTER_NODE)
    namespaces.create(node)
    with namespaces.inside(node):
        _FORWARDING.write_text("1")
    for number, (lan, leg) in enumerate(topology.legs, start=1):
        with namespaces.links(directory.namespace(UNDERLAY_NODE)) as route:
            end = {"ifname": lan.name, "address": leg.mac}
            namespaces.connect(route, lan.name, f"router.{number}", node, end, lan.mtu)
        with namespaces.links(node) as route:
            index = namespaces.index_of(route, lan.name)
            route.addr("add", index=index, address=str(leg.address.ip), prefixlen=leg.address.network.prefixlen)
