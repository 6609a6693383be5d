"""What would be observed and numbered if everything that is declared were plugged in: for networks that run nowhere.

Where two networks are compared, what has the same name in both gets the same number, so that only what is different
in them differs.
"""

from collections.abc import Iterable, Iterator, Mapping

from flows.facts import HostFacts, Interface, Plug, SwitchFacts
from flows.model import Network
from flows.model.contract import TUNNEL_OFPORT, datapath_id
from flows.model.interfaces import interface_name
from flows.view import Tags

FIRST_PHYSICAL = 60001
"""The OpenFlow port of each host's first physical network."""


def assumed_tags(*networks: Network) -> Tags:
    """Numbers for everything in some networks, as a new store would give them."""
    segments = _numbered(name for network in networks for name in network.segments)
    hosts = _numbered(name for network in networks for name in network.hosts)
    return Tags(
        _numbered(name for network in networks for name in network.vpcs),
        _numbered(name for network in networks for name in network.ends),
        segments,
        {host: _vlans(segments, shift) for host, shift in hosts.items()},
    )


def _vlans(segments: Mapping[str, int], shift: int) -> dict[str, int]:
    """A host's VLANs: no two hosts number the segments alike."""
    return {name: (number + shift - 2) % len(segments) + 1 for name, number in segments.items()}


def assumed_facts(network: Network, *before: Network) -> dict[str, HostFacts]:
    """Facts in which every port is plugged in on its host. ``before``: whose numbers come first."""
    return {host: _facts(host, network, (*before, network)) for host in network.hosts}


def _facts(host: str, network: Network, networks: Iterable[Network]) -> HostFacts:
    numbers, physical = dict[str, int](), dict[str, int]()
    for one in networks:
        for port in one.ports.values():
            if port.host == host:
                numbers.setdefault(port.name, len(numbers) + 1)
        for name in one.hosts[host].physical if host in one.hosts else ():
            physical.setdefault(name, FIRST_PHYSICAL + len(physical))
    interfaces = (Interface(n, n, number, bound=False) for n, number in numbers.items() if _is_on(network, n, host))
    reached = frozenset((name, number) for name, number in physical.items() if name in network.hosts[host].physical)
    return HostFacts(datapath_id(host), "netdev", TUNNEL_OFPORT, frozenset(interfaces), reached)


def _is_on(network: Network, port: str, host: str) -> bool:
    return port in network.ports and network.ports[port].host == host


def assumed_switch_facts(network: Network, *before: Network) -> dict[str, SwitchFacts]:
    """Facts in which everything that is on a plain switch is plugged in there. ``before``: whose numbers come first."""
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
