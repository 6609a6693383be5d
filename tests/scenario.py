"""Networks for tests, with every declared port plugged in: what a host compiles to, without any switch."""

from pathlib import Path

from flows.compile import compile
from flows.facts import HostFacts, Interface
from flows.locate import locate
from flows.model import Network, parse
from flows.model.contract import TUNNEL_OFPORT, datapath_id
from flows.plan import Desired
from flows.view import Tags, view

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "mininet_topos" / "networks"
SCENARIOS = Path(__file__).parent / "golden" / "networks"


def load(path: Path) -> Network:
    """A network from a file, named relative to the project so that nothing depends on where that is."""
    return parse(path.read_text(), str(path.relative_to(ROOT)))[0]


def tags(network: Network) -> Tags:
    """Tags as a new store would allocate them."""
    return Tags(
        {name: number for number, name in enumerate(network.vpcs, 1)},
        {name: number for number, name in enumerate(network.ends, 1)},
    )


def plugged(network: Network) -> dict[str, HostFacts]:
    """Facts in which every port is plugged in on its host, numbered from 1 in the order of the file."""
    interfaces: dict[str, list[Interface]] = {name: [] for name in network.hosts}
    for port in network.ports.values():
        if port.host is not None:
            on_host = interfaces[port.host]
            on_host.append(Interface(port.name, port.name, len(on_host) + 1, bound=False))
    return {
        name: HostFacts(datapath_id(name), "netdev", TUNNEL_OFPORT, frozenset(on_host))
        for name, on_host in interfaces.items()
    }


def compiled(network: Network, host: str, facts: dict[str, HostFacts] | None = None) -> Desired:
    """What one host's switch shall hold."""
    observed = plugged(network) if facts is None else facts
    return compile(view(network, tags(network), locate(network, observed), observed[host], host))
