"""A lab with real packets, three hosts in namespaces and userspace datapaths, under one of several controllers."""

import os
import sys
import tempfile
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import Any

from flows.model import VpcPort, parse
from mininet_topos.client.lab import Lab
from mininet_topos.inside import namespaces
from tests.benchmarks.ovsdb import HostDatabase
from tests.benchmarks.pinger import Answers, pinging
from tests.benchmarks.processes import run
from tests.benchmarks.watching import until
from tests.commands import commands

ROOT = Path(__file__).parents[2]

NETWORK = """\
encapsulation: geneve
hosts:
  h1: {tunnel_ip: 192.168.50.1}
  h2: {tunnel_ip: 192.168.50.2}
  h3: {tunnel_ip: 192.168.50.3}
vpcs:
  v:
    id: 100
    subnets:
      s0: {cidr: 10.1.0.0/24}
      s1: {cidr: 10.2.0.0/24}
ports:
  a: {vpc: v, ips: [10.1.0.11], host: h1}
  b: {vpc: v, ips: [10.1.0.12], host: h2}
  c: {vpc: v, ips: [10.2.0.13], host: h2}
  roamer: {vpc: v, ips: [10.2.0.14]}
"""
"""``a`` and ``b`` are in one subnet, ``a`` and ``c`` are routed; nobody says where ``roamer`` is."""

OURS, OVN, BY_HAND = "ovs-vpc", "OVN", "by hand"

_SHORT = {OURS: "ours", OVN: "ovn", BY_HAND: "hand"}
_MODULES = {OVN: "tests.benchmarks.ovn_in_lab", BY_HAND: "tests.benchmarks.by_hand"}


class BenchLab:
    """A running lab under one controller."""

    def __init__(self, system: str, lab: Lab) -> None:
        self.system = system
        self.lab = lab

    def address(self, port: str) -> str:
        found = self.lab.network.ports[port]
        assert isinstance(found, VpcPort)
        return str(found.address)

    def gateway(self, port: str) -> str:
        """The gateway of a port's subnet."""
        return str(self.lab.topology.ports[port].gateway)

    def run(self, node: str, *argv: str, check: bool = True) -> str:
        """Run a command in a node; its output."""
        return run(self.lab.command(node, argv), check=check).output

    def pinging(self, source: str, target: str) -> AbstractContextManager[Answers]:
        """Ping a port 1,000 times a second while a block runs."""
        return pinging(self.lab, source, self.address(target))

    def reaches(self, source: str, target: str) -> bool:
        """Whether a ping is answered at present."""
        return "1 received" in self.run(source, "ping", "-c1", "-W1", self.address(target), check=False)

    def database(self, host: str) -> HostDatabase:
        """A connection to the database of a host."""
        return HostDatabase(self.lab.path / "hosts" / host / "db.sock")

    def links(self, node: str) -> Any:
        """The links of a node, as pyroute2's ``IPRoute``."""
        return namespaces.links(self.namespace(node))

    def namespace(self, node: str) -> Path:
        """The namespace of a node, as a file that can be opened here."""
        return Path(f"/proc/{self.lab.pid}/root{self.lab.directory.namespace(node)}")

    def controllers(self, host: str) -> list[int]:
        """The process that programs a host, as seen here; empty while there is none."""
        if self.system == OURS:
            pid = self.lab.controller_pid()
            return [] if pid is None else [pid]
        words = ["ovn-controller", f"unix:{self.lab.path}/hosts/{host}/db.sock"]
        return [pid for pid, argv in commands() if argv[: len(words)] == words]


@contextmanager
def bench_lab(system: str, text: str = NETWORK, mark: str = "") -> Iterator[BenchLab]:
    """A lab in which packets flow between all ports that are somewhere. ``mark`` tells two labs of a system apart."""
    name = f"bench{os.getpid()}-{_SHORT[system]}{mark}"
    lab = _ours(name, text) if system == OURS else _other(name, system, text)
    try:
        made = BenchLab(system, lab)
        lab.announce_hosts()
        # By hand nothing is routed.
        pairs = [("a", "b")] if system == BY_HAND else [("a", "b"), ("b", "a"), ("a", "c"), ("c", "a")]
        for source, target in pairs:
            until(lambda: made.reaches(source, target), f"{source} to reach {target}", 30)  # noqa: B023
        yield made
    finally:
        lab.down()


def _ours(name: str, text: str) -> Lab:
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "network.yaml"
        file.write_text(text)
        environment = {**os.environ, "PYTHONPATH": str(ROOT)}
        run([sys.executable, "-m", "controller", "lab", "up", str(file), "--lab", name], environment)
    return Lab.find(name)


def _other(name: str, system: str, text: str) -> Lab:
    controller = [sys.executable, "-m", _MODULES[system], "{lab}"]
    network, _ = parse(text, "network.yaml")
    return Lab.up(network, text, name=name, controller=controller)
