"""Connections between instances of a lab, tried for real, and what the model says of them."""

import json
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import product
from typing import NamedTuple

from flows.model import Network
from flows.model.intervals import Intervals
from flows.model.reach.reachability import reached_services
from flows.model.services import ICMP, of_icmp, of_ports
from mininet_topos.directory import CONTROLLER_NODE, port_node
from tests.integration.vpclab import VpcLab


class Attempt(NamedTuple):
    """Somebody tries to get an answer from somebody else."""

    source: str
    target: str
    protocol: int
    port: int
    """Of ICMP: the type."""
    size: int = 8
    """Bytes that are sent, and that the answer has."""

    @property
    def service(self) -> Intervals:
        """What it is for."""
        return of_icmp(self.port, 0) if self.protocol == ICMP else of_ports(self.protocol, self.port, self.port)


class Services:
    """Servers and clients in all instances of a lab. Made by :func:`serving`."""

    def __init__(self, lab: VpcLab, agent: "subprocess.Popen[str]", ports: Iterable[int]) -> None:
        self._agent = agent
        self._addresses = {name: str(port.address) for name, port in lab.network.vpc_ports.items()}
        self._ask({port_node(name): sorted(ports) for name in self._addresses})

    def answered(self, attempts: Iterable[Attempt]) -> set[Attempt]:
        """Those of some attempts that are answered."""
        tried = list(attempts)
        asked = [(port_node(one.source), self._addresses[one.target], *one[2:]) for one in tried]
        answers = json.loads(self._ask(asked))
        return {one for one, is_answered in zip(tried, answers, strict=True) if is_answered}

    def is_answered(self, *attempt: object) -> bool:
        """Whether one attempt is."""
        return bool(self.answered([Attempt(*attempt)]))  # type: ignore[arg-type]

    def _ask(self, question: object) -> str:
        assert self._agent.stdin is not None
        assert self._agent.stdout is not None
        self._agent.stdin.write(json.dumps(question) + "\n")
        self._agent.stdin.flush()
        return self._agent.stdout.readline()


@contextmanager
def serving(lab: VpcLab, ports: Iterable[int]) -> Iterator[Services]:
    """Have every instance of a lab serve some TCP and UDP ports."""
    command = [sys.executable, "-m", "tests.integration.services_agent", str(lab.lab.path)]
    pipe = subprocess.PIPE
    agent = lab.start(CONTROLLER_NODE, *command, stdin=pipe, stdout=pipe)
    try:
        yield Services(lab, agent, ports)
    finally:
        assert agent.stdin is not None
        agent.stdin.close()
        agent.wait(30)


def matrix(network: Network, services: Iterable[tuple[int, int]]) -> list[Attempt]:
    """Every port of a VPC tries every other one for each of some services."""
    ports = network.vpc_ports
    held = {(port.vpc, ip) for port in ports.values() for ip in port.ips}
    pairs = [
        (one, other)
        for one, other in product(ports, ports)
        # Where the sender's own VPC has the address, it is not the other one that is reached.
        if one != other and (ports[one].vpc == ports[other].vpc or (ports[one].vpc, ports[other].ips[0]) not in held)
    ]
    return [Attempt(one, other, *service) for service, (one, other) in product(services, pairs)]


def expected(network: Network, attempts: Iterable[Attempt]) -> set[Attempt]:
    """Those of some attempts that the model lets come about."""
    ports = network.ports
    return {one for one in attempts if one.service <= reached_services(network, ports[one.source], ports[one.target])}
