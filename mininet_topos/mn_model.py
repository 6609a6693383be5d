"""What the model says of a network in Mininet: the test and the command ``pingmodel``."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from mininet import cli
from mininet.log import output

from flows.model import Network
from mininet_topos.comparing import Pair, compare, summary
from mininet_topos.probe import answered

_LAST_ANSWERS = 1.0
"""Seconds to wait for the last answers."""


def namespace(node: Any) -> Path:
    """The network namespace of a node."""
    return Path(f"/proc/{node.pid}/ns/net")


def ping_all(network: Network, instances: Sequence[Any]) -> list[Pair]:
    """Ping from each instance to each other one."""
    ports = [network.ports[instance.name] for instance in instances]
    namespaces = {instance.name: namespace(instance) for instance in instances}
    return compare(network, ports, ports, lambda probes: answered(namespaces, probes, _LAST_ANSWERS))


def complaints(pairs: Sequence[Pair]) -> str:
    """What went otherwise than the model says, a line for each."""
    return "".join(f"{pair.demand}: {pair.expected.reason}\n" for pair in pairs if not pair.is_right)


def ping_model(net: Any) -> bool:
    """Ping between all instances, and say what is not as the model says. Whether all is."""
    output("*** Ping: as the model says?\n")
    instances = [host for host in net.hosts if host.intfs]
    pairs = ping_all(net.topo.network, instances)
    for instance in instances:
        row = [pair for pair in pairs if pair.source == instance.name]
        output(f"{instance.name} -> {' '.join(map(_cell, row))}\n")
    output(complaints(pairs))
    output(f"*** Results: {summary(pairs)}\n")
    return all(pair.is_right for pair in pairs)


def _cell(pair: Pair) -> str:
    return (pair.target if pair.answered else "X") + ("" if pair.is_right else "!")


def model_test(net: Any) -> None:
    """``--test pingmodel``: mn ends with exit code 1 when something is not as the model says."""
    if not ping_model(net):
        net.stop()
        sys.exit(1)


class CLI(cli.CLI):  # type: ignore[misc]
    """Mininet's command line, with ``pingmodel``, and with dashes in the names of nodes."""

    identchars = cli.CLI.identchars + "-"

    def do_pingmodel(self, _line: str) -> None:
        """Ping between all instances and compare with what the model says."""
        ping_model(self.mn)
