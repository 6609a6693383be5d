"""Networks for tests, with every declared port plugged in: what a host compiles to, without any switch."""

from pathlib import Path

from flows.compile.declared import host_facts as plugged
from flows.compile.declared import host_node, plugged_in, switch_node, tags
from flows.compile.desired import Desired
from flows.compile.from_scratch import view
from flows.compile.program import compile
from flows.inputs.facts import HostFacts
from flows.inputs.locate import locate
from flows.model import Network, parse
from flows.model.objects.types import NOWHERE
from flows.units.copies import Copies, LocalCopy
from flows.units.said import Named, Why
from flows.units.switching import Flood, FloodOthers, Learning, LinkEnd, Member, PassesMrp, SwitchGroups, TrunkAll
from flows.units.unit import Unit

__all__ = [
    "PLAIN_SWITCH_PORTS",
    "ROOT",
    "SCENARIOS",
    "SHIPPED",
    "compiled",
    "load",
    "plain_switch",
    "plugged",
    "programmed",
    "tags",
]

ROOT = Path(__file__).parent.parent
SHIPPED = ROOT / "mininet_topos" / "networks"
SCENARIOS = Path(__file__).parent / "golden" / "networks"


def load(path: Path) -> Network:
    """A network from a file, named relative to the project so that nothing depends on where that is."""
    return parse(path.read_text(), str(path.relative_to(ROOT)))[0]


def programmed(network: Network) -> dict[str, Desired]:
    """What every switch of a network shall hold, those of hosts and plain ones, by name."""
    desired = plugged_in(network).desired
    return {
        **{host: desired[host_node(host)] for host in network.hosts},
        **{switch: desired[switch_node(switch)] for switch in network.switches},
    }


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
            LinkEnd(access, False, reason),
            *(LinkEnd(port, True, reason) for port in (trunk, every, silent)),
            SwitchGroups(reason),
            PassesMrp(reason),
        }
    )


def compiled(network: Network, host: str, facts: dict[str, HostFacts] | None = None) -> Desired:
    """What one host's switch shall hold."""
    observed = plugged(network) if facts is None else facts
    return compile(view(network, tags(network), locate(network, observed), observed[host], host))
