"""Compares a network in Mininet with the model: the test and the command ``pingmodel``."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mininet import cli
from mininet.log import output

from flows.model import InvalidModel, Network, parse
from flows.model.problem import did_you_mean
from mininet_topos.directory import port_node
from mininet_topos.errors import LabError
from mininet_topos.mininet.nodes import namespace
from mininet_topos.probes.comparing import Pair, compare, summary
from mininet_topos.probes.neighbours import Neighbours, kernel_table
from mininet_topos.probes.probe import Probe, answered

_SHIPPED = Path(__file__).parents[1] / "networks"

_LAST_ANSWERS = 1.0
"""Seconds to wait for the last answers."""


def read(network: str) -> Network:
    """A network file, or the one that is shipped under a name."""
    path = Path(network) if network.endswith((".yaml", ".yml")) else _SHIPPED / f"{network}.yaml"
    if not path.is_file():
        known = sorted(shipped.stem for shipped in _SHIPPED.glob("*.yaml"))
        raise LabError(f"there is no network file {path}{did_you_mean(network, known)}")
    return parse(path.read_text(), str(path))[0]


def pinged(net: Any, model: Network) -> list[Any]:
    """The instances in Mininet that have an address in the model and are plugged in somewhere."""
    return [host for host in net.hosts if host.intfs and host.name in model.ports and model.ports[host.name].address]


def ping_all(network: Network, instances: Sequence[Any]) -> list[Pair]:
    """Ping from each instance to each other one."""
    ports = [network.ports[instance.name] for instance in instances]
    namespaces = {instance.name: namespace(instance) for instance in instances}
    tables = {port_node(name): path for name, path in namespaces.items()}

    def probe(probes: Sequence[Probe]) -> list[bool]:
        neighbours = Neighbours(tables, kernel_table().room)
        return answered(namespaces, probes, _LAST_ANSWERS, neighbours).answered

    return compare(network, ports, ports, probe)


def complaints(pairs: Sequence[Pair]) -> str:
    """What went otherwise than the model says, a line for each."""
    return "".join(f"{pair.demand}: {pair.expected.reason}\n" for pair in pairs if not pair.is_right)


def ping_model(net: Any, network: str = "") -> bool:
    """Ping between all instances, and say what is not as the model says. Whether all is.

    The model is that of another network file, if one is named, else that of the topology.
    """
    output("*** Ping: as the model says?\n")
    model = read(network) if network else net.topo.network
    instances = pinged(net, model)
    pairs = ping_all(model, instances)
    for instance in instances:
        row = [pair for pair in pairs if pair.source == instance.name]
        output(f"{instance.name} -> {' '.join(map(_cell, row))}\n")
    output(complaints(pairs))
    output(f"*** Results: {summary(pairs)}\n")
    return all(pair.is_right for pair in pairs)


def _cell(pair: Pair) -> str:
    return (pair.target if pair.answered else "X") + ("" if pair.is_right else "!")


def model_test(net: Any, network: object = "") -> None:
    """``--test pingmodel``: mn ends with exit code 1 when something is not as the model says."""
    if not ping_model(net, str(network)):
        net.stop()
        sys.exit(1)


class CLI(cli.CLI):  # type: ignore[misc]
    """Mininet's command line, with ``pingmodel``, and with dashes in the names of nodes."""

    identchars = cli.CLI.identchars + "-"

    def do_pingmodel(self, line: str) -> None:
        """Ping between all instances and compare with what the model says.
        Usage: pingmodel [network file, if another one was applied]"""
        try:
            ping_model(self.mn, line.strip())
        except (LabError, InvalidModel) as error:
            output(f"*** {error}\n")
