"""Physical networks: LANs of their own that hosts hang on by a further interface, and that carry VLANs between them.

Each is a bridge in the node ``physical``, named like the network.  The bridge's own interface is a machine on that
LAN: a capture there sees every frame with its tags, and what is sent out of it reaches every host.
"""

from typing import Any

from mininet_topos.directory import PHYSICAL_NODE, LabDirectory, host_node
from mininet_topos.inside import namespaces
from mininet_topos.topology.topology import LabHost, Lan, Topology

_IFF_PROMISC = 0x100


def build(topology: Topology, directory: LabDirectory) -> None:
    """Make the physical networks and connect the hosts to them, whose namespaces are there already."""
    if not topology.physical:
        return
    namespaces.create(directory.namespace(PHYSICAL_NODE))
    with namespaces.links(directory.namespace(PHYSICAL_NODE)) as route:
        for number, lan in enumerate(topology.physical, start=1):
            add_lan(route, lan)
            for host in topology.hosts.values():
                for interface in (name for name, network in host.physical if network == lan):
                    _connect(route, lan, f"host.{host.index}.{number}", directory, host, interface)


def add_lan(route: Any, lan: Lan) -> None:
    """Make the bridge of a physical network in the namespace that ``route`` is for."""
    # A Linux bridge that knows no VLANs remembers one place for a MAC address, whatever the VLAN, but two tenants may
    # use the same one. So it remembers none (ageing_time 0), and every frame goes everywhere.
    forgetful = {"br_ageing_time": 0, "br_mcast_snooping": 0}
    route.link("add", ifname=lan.name, kind="bridge", mtu=lan.mtu, state="up", **forgetful)
    index = namespaces.index_of(route, lan.name)
    route.link("set", index=index, flags=_IFF_PROMISC, change=_IFF_PROMISC)


def _connect(route: Any, lan: Lan, cable: str, directory: LabDirectory, host: LabHost, interface: str) -> None:
    node = directory.namespace(host_node(host.name))
    namespaces.connect(route, lan.name, cable, node, {"ifname": interface}, lan.mtu)
