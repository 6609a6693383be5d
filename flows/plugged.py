"""A network as its file says it shall be: every port plugged in where it is declared, every link working.

What the store would allocate and what the controller would observe are made up here, so that flows can be compiled
from a file alone.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from flows.compile import compile
from flows.facts import HostFacts, Interface, Plug, SwitchFacts
from flows.locate import locate, places
from flows.model import Network
from flows.model.contract import TUNNEL_OFPORT, datapath_id
from flows.model.interfaces import interface_name
from flows.plan import Desired
from flows.tree import tree, working
from flows.view import Tags, view
from flows.view_switch import locate_machines, view_switch

FIRST_PHYSICAL = 60001
"""The OpenFlow port of each host's first physical network."""


def host_node(host: str) -> str:
    """A host among all nodes of a network; a plain switch may have the same name."""
    return f"host {host}"


def switch_node(switch: str) -> str:
    """A plain switch among all nodes of a network."""
    return f"switch {switch}"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A network, what was observed of it, and what every node of it shall hold."""

    network: Network
    hosts: Mapping[str, HostFacts]
    switches: Mapping[str, SwitchFacts]
    locations: Mapping[str, str]
    """The host of each port that is on one."""
    desired: Mapping[str, Desired]
    """By node (:func:`host_node`, :func:`switch_node`)."""

    def places(self, port: str) -> tuple[str, ...]:
        """The hosts that get what is sent to a port."""
        found = self.network.host_ports.get(port)
        return () if found is None else places(found, self.locations.get(port))


def plugged_in(network: Network) -> Snapshot:
    """The snapshot of a network in which everything is as declared."""
    hosts, switches, numbers = host_facts(network), switch_facts(network), tags(network)
    locations = locate(network, hosts)
    open_links = tree(network.links.values(), working(network.links.values(), switches))
    machines = locate_machines(network, switches)
    desired = {host_node(host): compile(view(network, numbers, locations, hosts[host], host)) for host in network.hosts}
    desired |= {
        switch_node(switch): compile(view_switch(network, switch, switches[switch], open_links, machines))
        for switch in network.switches
    }
    return Snapshot(network, hosts, switches, locations.hosts, desired)


def tags(network: Network) -> Tags:
    """Tags as a new store would allocate them, and VLANs that no two hosts number alike."""
    return Tags(
        {name: number for number, name in enumerate(network.vpcs, 1)},
        {name: number for number, name in enumerate(network.ends, 1)},
        {name: number for number, name in enumerate(network.segments, 1)},
        {host: _vlans(network, shift) for shift, host in enumerate(network.hosts)},
    )


def _vlans(network: Network, shift: int) -> dict[str, int]:
    names = list(network.segments)
    return {name: (number + shift) % len(names) + 1 for number, name in enumerate(names)}


def host_facts(network: Network) -> dict[str, HostFacts]:
    """Facts in which every port is plugged in on its host, and on the one that it is announced to move to.

    They are numbered from 1 in the order of the file.
    """
    interfaces: dict[str, list[Interface]] = {name: [] for name in network.hosts}
    for port in network.ports.values():
        for host in filter(None, (port.host, port.moving_to)):
            on_host = interfaces[host]
            on_host.append(Interface(port.name, port.name, len(on_host) + 1, bound=False))
    return {
        name: HostFacts(datapath_id(name), "netdev", TUNNEL_OFPORT, frozenset(on_host), _physical(network, name))
        for name, on_host in interfaces.items()
    }


def _physical(network: Network, host: str) -> frozenset[tuple[str, int]]:
    return frozenset((name, FIRST_PHYSICAL + index) for index, name in enumerate(network.hosts[host].physical))


def switch_facts(network: Network) -> dict[str, SwitchFacts]:
    """Facts in which everything is plugged in and up."""
    return {switch: SwitchFacts(_plugs(network, switch)) for switch in network.switches}


def _plugs(network: Network, switch: str) -> frozenset[Plug]:
    """Everything that is on a plain switch, numbered from 1: machines, links, routers."""
    names = [interface_name(port.name) for port in network.switch_ports.values() if port.switch == switch]
    names += [link.end(switch) for link in network.links.values() if switch in link.between]
    legs = ((router, name) for router in network.routers.values() for name in router.interfaces)
    names += [router.leg(name) for router, name in legs if router.interfaces[name].switch == switch]
    return frozenset(Plug(name, number, True) for number, name in enumerate(names, start=1))
