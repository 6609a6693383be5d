"""Networks for tests, with every declared port plugged in: what a host compiles to, without any switch."""

from pathlib import Path

from flows.compile import compile
from flows.copies import Copies, LocalCopy
from flows.facts import HostFacts, Interface, Plug, SwitchFacts
from flows.locate import locate
from flows.model import Network, parse
from flows.model.contract import TUNNEL_OFPORT, datapath_id
from flows.model.interfaces import interface_name
from flows.model.types import NOWHERE
from flows.plan import Desired
from flows.rules import Why
from flows.switching import Flood, FloodOthers, Learning, Member, TrunkAll
from flows.templates import Named
from flows.tree import tree, working
from flows.view import Tags, Unit, view
from flows.view_switch import locate_machines, view_switch

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "mininet_topos" / "networks"
FIRST_PHYSICAL = 60001
"""The OpenFlow port of each host's first physical network."""
SCENARIOS = Path(__file__).parent / "golden" / "networks"


def load(path: Path) -> Network:
    """A network from a file, named relative to the project so that nothing depends on where that is."""
    return parse(path.read_text(), str(path.relative_to(ROOT)))[0]


def tags(network: Network) -> Tags:
    """Tags as a new store would allocate them."""
    return Tags(
        {name: number for number, name in enumerate(network.vpcs, 1)},
        {name: number for number, name in enumerate(network.ends, 1)},
        {name: number for number, name in enumerate(network.segments, 1)},
        {host: _vlans(network, shift) for shift, host in enumerate(network.hosts)},
    )


def _vlans(network: Network, shift: int) -> dict[str, int]:
    """A host's VLANs: no two hosts of a scenario number the segments alike."""
    names = list(network.segments)
    return {name: (number + shift) % len(names) + 1 for number, name in enumerate(names)}


def plugged(network: Network) -> dict[str, HostFacts]:
    """Facts in which every port is plugged in on its host, numbered from 1 in the order of the file."""
    interfaces: dict[str, list[Interface]] = {name: [] for name in network.hosts}
    for port in network.ports.values():
        if port.host is not None:
            on_host = interfaces[port.host]
            on_host.append(Interface(port.name, port.name, len(on_host) + 1, bound=False))
    return {
        name: HostFacts(datapath_id(name), "netdev", TUNNEL_OFPORT, frozenset(on_host), _physical(network, name))
        for name, on_host in interfaces.items()
    }


def _physical(network: Network, host: str) -> frozenset[tuple[str, int]]:
    return frozenset((name, FIRST_PHYSICAL + index) for index, name in enumerate(network.hosts[host].physical))


def programmed(network: Network) -> dict[str, Desired]:
    """What every switch of a network shall hold, those of hosts and plain ones, by name."""
    return {
        **{host: compiled(network, host) for host in network.hosts},
        **{switch: compiled_switch(network, switch) for switch in network.switches},
    }


def compiled_switch(network: Network, switch: str) -> Desired:
    """What a plain switch shall hold when everything is plugged in and every link works."""
    facts = {name: SwitchFacts(_plugs(network, name)) for name in network.switches}
    links = network.links.values()
    located = locate_machines(network, facts)
    return compile(view_switch(network, switch, facts[switch], tree(links, working(links, facts)), located))


def _plugs(network: Network, switch: str) -> frozenset[Plug]:
    """Everything that is on a plain switch, numbered from 1: machines, links, routers."""
    names = [interface_name(port.name) for port in network.switch_ports.values() if port.switch == switch]
    names += [link.end(switch) for link in network.links.values() if switch in link.between]
    legs = ((router, name) for router in network.routers.values() for name in router.interfaces)
    names += [router.leg(name) for router, name in legs if router.interfaces[name].switch == switch]
    return frozenset(Plug(name, number, True) for number, name in enumerate(names, start=1))


PLAIN_SWITCH_PORTS = (1, 2, 3, 4)


def plain_switch() -> frozenset[Unit]:
    """What a plain switch needs: an access port, a trunk port, trunk ports for whatever comes, a VLAN that floods."""
    number, learning = Named(1, "the switch"), Learning(300, 4)
    reason = Why("a switch of the tests", NOWHERE)
    zero, ten, twenty = (Named(vlan, f"VLAN {vlan}") for vlan in (0, 10, 20))
    access, trunk, every, silent = (Named(port, f"port {port}") for port in (1, 2, 3, 4))
    return frozenset(
        {
            Member(number, ten, access, None, learning, "access", reason),
            Member(number, ten, trunk, 10, learning, "trunk", reason),
            Member(number, twenty, trunk, 20, None, "trunk", reason),
            Member(number, zero, every, None, learning, "every", reason),
            Member(number, zero, silent, None, None, "silent", reason),
            TrunkAll(number, every, learning, "every", reason),
            TrunkAll(number, silent, None, "silent", reason),
            Flood(zero, Copies((LocalCopy(every, None), LocalCopy(silent, None))), reason),
            Flood(ten, Copies((LocalCopy(access, None), *(LocalCopy(p, 10) for p in (trunk, every, silent)))), reason),
            Flood(twenty, Copies(tuple(LocalCopy(p, 20) for p in (trunk, every, silent))), reason),
            FloodOthers((every, silent), reason),
        }
    )


def compiled(network: Network, host: str, facts: dict[str, HostFacts] | None = None) -> Desired:
    """What one host's switch shall hold."""
    observed = plugged(network) if facts is None else facts
    return compile(view(network, tags(network), locate(network, observed), observed[host], host))
