"""A network just as its file says: every port plugged in where it is declared, every link working.

What the store would allocate and what the controller would observe are made up here, so that flows can be compiled
from a file alone.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import partial

from flows.compile.desired import Desired
from flows.compile.from_scratch import view
from flows.compile.on_demand import OnDemand
from flows.compile.program import compile
from flows.inputs.facts import HostFacts, Interface, Plug, SwitchFacts
from flows.inputs.locate import locate, places
from flows.inputs.tags import Tags
from flows.inputs.tree import tree, working
from flows.model import Network
from flows.model.contract import TUNNEL_OFPORT, datapath_id
from flows.model.interfaces import interface_name
from flows.units.plain_switch import locate_machines, view_switch

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
    """A network, what was observed of it, and what every node of it must hold."""

    network: Network
    hosts: Mapping[str, HostFacts]
    switches: Mapping[str, SwitchFacts]
    locations: Mapping[str, str]
    """The host of each port that is on one."""
    desired: Mapping[str, Desired]
    """By node (:func:`host_node`, :func:`switch_node`); each is compiled when it is first asked for."""

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

    def of_host(host: str) -> Desired:
        return compile(view(network, numbers, locations, hosts[host], host))

    def of_switch(switch: str) -> Desired:
        return compile(view_switch(network, switch, switches[switch], open_links, machines))

    desired = {host_node(host): partial(of_host, host) for host in network.hosts}
    desired |= {switch_node(switch): partial(of_switch, switch) for switch in network.switches}
    return Snapshot(network, hosts, switches, locations.hosts, OnDemand(desired))


def tags(*networks: Network) -> Tags:
    """Tags for all of some networks, as a new store would allocate them, and VLANs that no two hosts number alike."""
    segments = _numbered(name for network in networks for name in network.segments)
    hosts = _numbered(name for network in networks for name in network.hosts)
    return Tags(
        _numbered(name for network in networks for name in network.vpcs),
        _numbered(name for network in networks for name in network.ends),
        segments,
        {host: _vlans(segments, shift) for host, shift in hosts.items()},
        _numbered(name for network in networks for name in network.security_groups),
    )


def _vlans(segments: Mapping[str, int], shift: int) -> dict[str, int]:
    return {name: (number + shift - 2) % len(segments) + 1 for name, number in segments.items()}


def host_facts(network: Network, *before: Network) -> dict[str, HostFacts]:
    """Facts in which every port is plugged in on its host, and on the one that it is announced to move to.

    They are numbered from 1 in the order of the file. ``before``: networks whose ports are numbered before these, so
    that what they have too has the same number.
    """
    return {host: _facts(host, network, (*before, network)) for host in network.hosts}


def _facts(host: str, network: Network, networks: Iterable[Network]) -> HostFacts:
    numbers, physical = dict[str, int](), dict[str, int]()
    for one in networks:
        for port in one.ports.values():
            if host in (port.host, port.moving_to):
                numbers.setdefault(port.name, len(numbers) + 1)
        for name in one.hosts[host].physical if host in one.hosts else ():
            physical.setdefault(name, FIRST_PHYSICAL + len(physical))
    interfaces = (Interface(n, n, number, bound=False) for n, number in numbers.items() if _is_on(network, n, host))
    reached = frozenset((name, number) for name, number in physical.items() if name in network.hosts[host].physical)
    return HostFacts(datapath_id(host), "netdev", TUNNEL_OFPORT, frozenset(interfaces), reached)


def _is_on(network: Network, port: str, host: str) -> bool:
    return port in network.ports and host in (network.ports[port].host, network.ports[port].moving_to)


def switch_facts(network: Network, *before: Network) -> dict[str, SwitchFacts]:
    """Facts in which everything is plugged in and up. ``before``: networks that are numbered before it."""
    found = {}
    for switch in network.switches:
        numbers = _numbered(name for one in (*before, network) for name in _plugs(one, switch))
        there = set(_plugs(network, switch))
        found[switch] = SwitchFacts(frozenset(Plug(n, number, True) for n, number in numbers.items() if n in there))
    return found


def _plugs(network: Network, switch: str) -> Iterator[str]:
    """The interfaces on a plain switch: of machines, links and routers."""
    yield from (interface_name(port.name) for port in network.switch_ports.values() if port.switch == switch)
    yield from (link.end(switch) for link in network.links.values() if switch in link.between)
    for router in network.routers.values():
        yield from (router.leg(name) for name, leg in router.interfaces.items() if leg.switch == switch)


def _numbered(names: Iterable[str]) -> dict[str, int]:
    """Each name once, numbered from 1."""
    return {name: number for number, name in enumerate(dict.fromkeys(names), start=1)}
