"""Physical networks: LANs to which hosts are connected by a further interface, and which carry VLANs between them.

Each is a bridge in the node ``physical``, named like the network.  The bridge's own interface is a machine on that
LAN: a capture there sees every frame with its tags, and what is sent out of it reaches every host.
"""

from collections.abc import Sequence
from typing import Any

from mininet_topos.directory import PHYSICAL_NODE, LabDirectory, host_node
from mininet_topos.inside import namespaces
from mininet_topos.topology.topology import LabHost, Lan, Topology

_IFF_PROMISC = 0x100


def build(topology: Topology, directory: LabDirectory, hosts: Sequence[LabHost]) -> None:
    """Connect hosts, whose namespaces are there already, to the physical networks, and make those that are missing."""
    if not topology.physical:
        return
    hub = directory.namespace(PHYSICAL_NODE)
    if not hub.exists():
        namespaces.create(hub)
    with namespaces.links(hub) as route:
        for lan in topology.physical:
            if not route.link_lookup(ifname=lan.name):
                add_lan(route, lan)
        for host in hosts:
            for number, (interface, lan) in enumerate(host.physical, start=1):
                _connect(route, lan, _cable(host, number), directory, host, interface)


def remove(host: LabHost, topology: Topology, directory: LabDirectory) -> None:
    """Cut a host's cables to physical networks, and take away the networks that a topology no longer has."""
    hub = directory.namespace(PHYSICAL_NODE)
    if not host.physical or not hub.exists():
        return
    names = [_cable(host, number) for number in range(1, len(host.physical) + 1)]
    names += [lan.name for _, lan in host.physical if lan not in topology.physical]
    with namespaces.links(hub) as route:
        for name in names:
            for index in route.link_lookup(ifname=name):
                route.link("del", index=index)


def _cable(host: LabHost, number: int) -> str:
    return f"host.{host.index}.{number}"


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
