"""A packet traced in three ways: through the model, through running switches, and as a real packet. All three agree."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from random import Random

import pytest

from controller.cli.change.migrate import is_also_on
from controller.cli.common.on_host import in_lab
from controller.cli.common.state import Target, controller_state
from controller.cli.diagnose.trace_live import trace_live
from controller.cli.diagnose.trace_running import running
from controller.inspect.compiled import snapshot
from controller.status.status import read_status
from flows.compile.declared import plugged_in
from flows.model import AnyPort, InvalidModel, VpcPort, parse
from flows.pipeline.page import FLOOD, LEARN, UNICAST
from flows.simulate.receivers import Receiver, receiver
from flows.simulate.tracing import Trace, simulated, trace
from flows.simulate.traffic import Traffic
from tests.integration.vpclab import VpcLab
from tests.random_networks import random_text
from tests.scenario import SHIPPED
from tests.switch import wait_until

pytestmark = pytest.mark.lab

TRAFFIC = [Traffic("icmp"), Traffic("tcp", 80), Traffic("udp", 53)]
_LEARNING = {LEARN.name, UNICAST.name, FLOOD.name}
"""Where decisions depend on what the switches have learned, of which the model knows nothing."""


def test_a_random_network() -> None:
    agree(seed=1, pairs=10)


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(2, 12))
def test_random_networks(seed: int) -> None:
    agree(seed, pairs=30)


def test_addresses() -> None:
    """A gateway that answers, what nobody has, here and outside, a peer's port and gateway: all three ways agree."""
    with lab_of((SHIPPED / "peered-vpcs.yaml").read_text()) as lab:
        ends = {
            "10.0.1.1": "answered by the gateway of blue/web on host host86",
            "10.0.1.9": "dropped on host host86 in table route_table",
            "8.8.8.8": "dropped on host host86 in table subnet_route",
            "172.16.0.47": "delivered to green1 on host host87",
            "172.16.0.1": "dropped on host host86 in table route_table",
        }
        source = lab.network.ports["blue1"]
        for address, ending in ends.items():
            target = receiver(lab.network, source, IPv4Address(address))
            for way in told(lab, source, target, Traffic("icmp")):
                assert way.ending.startswith(ending), way
        to_gateway = told(lab, source, receiver(lab.network, source, IPv4Address("10.0.1.1")), Traffic("tcp", 80))
        for way in to_gateway:
            assert way.ending.startswith("dropped on host host86 in table gateway: to 10.0.1.1"), way


def test_a_flow_that_is_missing() -> None:
    """The model lets the packet pass, the switch does not: the controller cannot put it right while it stands still."""
    with lab_of((SHIPPED / "peered-vpcs.yaml").read_text()) as lab:
        controller = lab.lab.controller_pid()
        assert controller is not None
        os.kill(controller, signal.SIGSTOP)
        try:
            lab.run("host87", "ovs-ofctl", "-OOpenFlow14", "del-flows", "br-int", "table=50")
            ports = lab.network.ports
            found = told(lab, ports["blue1"], ports["blue2"], Traffic("icmp"))
            assert found[0].is_delivered
            for way in found[1:]:
                assert not way.is_delivered
                assert [hop.table for hop in way.hops if hop.node == "host host87"][:3] == [
                    *("classify", "from_tunnel", "tunnel_source"),
                ]
            assert found[1].ending == "dropped on host host87 in table neigh_table: no flow matches"
        finally:
            os.kill(controller, signal.SIGCONT)
        wait_until(lambda: "table=50" in lab.run("host87", "ovs-ofctl", "dump-flows", "br-int"), "the flows to return")


def test_hosts_of_no_lab() -> None:
    """A controller on a state directory, and hosts that a command of the user's leads to."""
    with lab_of((SHIPPED / "peered-vpcs.yaml").read_text()) as lab:
        state = ("--state", str(controller_state(lab.lab)))
        enter = shlex.join([*lab.lab.command("host86", []), "env", "ADDRESS={ip}"]).replace("host86", "{name}")
        asked = traced(*state, "blue1", "green1", "--running", "--on-host", enter)
        assert (asked.returncode, asked.stderr) == (0, "")
        assert asked.stdout == traced(*state, "blue1", "green1").stdout
        assert asked.stdout.splitlines()[-1] == "delivered to green1 on host host87"

        flow = "priority=65535,ip,nw_dst=172.16.0.47"
        lab.run("host87", "ovs-ofctl", "-OOpenFlow14", "add-flow", "br-int", f"{flow},actions=drop")
        foreign = traced(*state, "blue1", "green1", "--running", "--on-host", enter)
        assert foreign.returncode == 1
        assert "host host87 holds a flow that it should not hold" in foreign.stderr
        lab.run("host87", "ovs-ofctl", "-OOpenFlow14", "--strict", "del-flows", "br-int", flow)

        for way, told in (
            ((), "outside a lab, say how to run a command on a host, as in --on-host 'ssh root@{ip}'"),
            (("--on-host", "false {ip}"), "the switch of host host86 does not answer: exit code 1"),
            (("--on-host", "no-such-command"), "cannot run no-such-command: No such file or directory"),
        ):
            failed = traced(*state, "blue1", "green1", "--running", *way)
            assert failed.returncode == 1
            assert told in failed.stderr


def traced(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "controller", "trace", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)


def agree(seed: int, pairs: int) -> None:
    random = Random(seed)
    with lab_of(valid_text(random)) as lab:
        ports = list(lab.network.ports.values())
        plug_announced(lab)
        for _ in range(pairs):
            source, target = random.sample(ports, 2)
            compare(lab, source, target, random.choice(TRAFFIC))


def plug_announced(lab: VpcLab) -> None:
    """Plug what is announced to move in on its new host too, where it keeps silent."""
    announced = [(port.name, port.moving_to) for port in lab.network.ports.values() if port.moving_to is not None]
    for port, host in announced:
        lab.lab.join(port, host)
    target = Target(lab.store, lab.lab)
    wait_until(lambda: all(is_also_on(target, port, host) for port, host in announced), "the second cables")


@contextmanager
def lab_of(text: str) -> Iterator[VpcLab]:
    lab = VpcLab(text)
    try:
        yield lab
        lab.examine()
    finally:
        lab.down()


def valid_text(random: Random) -> str:
    """The text of a random network of two or three hosts."""
    while True:
        text = random_text(random, hosts=random.randint(2, 3))
        try:
            parse(text, "random.yaml")
        except InvalidModel:
            continue
        return text


def told(lab: VpcLab, source: AnyPort, target: Receiver, traffic: Traffic) -> tuple[Trace, Trace, Trace]:
    """What becomes of a packet: by the model, by the running switches, and really."""
    stored = lab.store.load()
    assert stored is not None
    seen, declared = snapshot(stored, read_status(lab.store)), plugged_in(lab.network)
    return (
        trace(declared, simulated(declared), source, target, traffic),
        trace(seen, running(seen, in_lab(lab.lab)), source, target, traffic),
        trace_live(lab.lab, seen, source, target, traffic),
    )


def compare(lab: VpcLab, source: AnyPort, target: AnyPort, traffic: Traffic) -> None:
    offline, asked, live = told(lab, source, target, traffic)
    at = f"{source.name} to {target.name}, {traffic}:\n{offline}\n{asked}\n{live}"
    assert offline.is_delivered == asked.is_delivered == live.is_delivered, at
    if isinstance(source, VpcPort):
        assert sentences(offline) == sentences(asked), at
        assert offline.ending == asked.ending, at
    moved = {(hop.node, hop.cookie) for hop in live.hops}
    assert {(hop.node, hop.cookie) for hop in asked.hops if hop.table not in _LEARNING} <= moved, at


def sentences(way: Trace) -> list[tuple[str, str, str]]:
    """Every decision, without numbers that depend on where things are plugged in."""
    return [(hop.node, hop.by, hop.sentence) for hop in way.hops]
