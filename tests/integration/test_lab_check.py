"""``ovs-vpc lab check`` against reality: it finds no difference where there is none, and each one where there is."""

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from random import Random

import pytest

from flows.model import parse
from mininet_topos.probes.checking import check, declared
from mininet_topos.waiting import patience
from tests.integration.vpclab import VpcLab
from tests.scenario import ROOT, SHIPPED

pytestmark = pytest.mark.lab

NETWORK = (SHIPPED / "shop.yaml").read_text()


@pytest.fixture
def net(labs: Callable[[str], VpcLab]) -> VpcLab:
    return labs(NETWORK)


def run(net: VpcLab, *words: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "controller", "lab", "check", "--lab", net.lab.name, *words]
    environment = os.environ | {"OVS_VPC_LABS": str(net.lab.path.parent)}
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


@contextmanager
def listening(net: VpcLab, port: str, number: int) -> Iterator[None]:
    """Something in an instance listens, and does nothing else."""
    code = f"import socket, sys; s = socket.create_server(('', {number})); print('ready', flush=True); sys.stdin.read()"
    with net.start(port, sys.executable, "-c", code, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline().strip() == "ready"
        yield
        process.communicate()


def test_everything_is_as_the_model_says(net: VpcLab) -> None:
    done = run(net, "--json")
    told = json.loads(done.stdout)
    assert done.returncode == 0, done.stdout
    assert told["in_all"] == len(told["connections"]) > 80
    outcomes = {one["outcome"] for one in told["connections"]}
    assert outcomes == {"answered", "silent"}
    assert all(one["is_right"] for one in told["connections"])


def test_some_are_chosen(net: VpcLab) -> None:
    """The same ones with the same number."""
    first, again = (json.loads(run(net, "--json", "--most", "7", "--seed", "3").stdout) for _ in range(2))
    assert len(first["connections"]) == 7
    chosen = [
        [(one["source"], one["target"], one["service"]) for one in told["connections"]] for told in (first, again)
    ]
    assert chosen[0] == chosen[1]


def test_what_is_not_as_the_model_says_is_found(net: VpcLab) -> None:
    """Held against another model than the one that runs, just what the two say differently is wrong."""
    closed = parse(NETWORK.replace("{tcp: [80, 443]}", "{tcp: [80]}"), "n.yaml")[0]
    opened = parse(NETWORK.replace("batch], tcp: 5432}", "batch], tcp: 5432-5433}"), "n.yaml")[0]
    ports = [*net.network.ports]
    for network, service, pairs in ((closed, "tcp 443", 4), (opened, "tcp 5433", 6)):
        attempts = declared(net.network, ports, 1000, Random(0))[0] + declared(network, ports, 1000, Random(0))[0]
        found = check(network, attempts, lambda some: net.lab.connect(some, patience(1.0)))
        wrong = [one for one in found if not one.is_right]
        assert {one.service for one in wrong} == {service}
        assert len({one.attempt for one in wrong}) == pairs


def test_a_port_that_is_in_use_is_left_out(net: VpcLab) -> None:
    with listening(net, "web1", 80):
        told = json.loads(run(net, "--json").stdout)
    outcomes = {(one["target"], one["service"], one["outcome"]) for one in told["connections"]}
    assert ("web1", "tcp 80", "busy") in outcomes
    assert all(one["is_right"] for one in told["connections"])
