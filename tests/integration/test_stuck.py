"""A switch or a store that stands still, without being gone, delays nobody else."""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows.model.contract import datapath_id
from flows.pipeline.page import GATEWAY
from tests.integration.deaf_switch import DeafSwitch
from tests.integration.store.support import server_pid
from tests.integration.three_switches import model, running
from tests.properties.controller_process import Network
from tests.switch import wait_until

MANY = 1000
SECONDS = 6.0
"""How long something stands still."""


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    with running() as network:
        yield network


class Repairs:
    """The controller is there for a host: a flow that somebody deletes comes back, again and again."""

    def __init__(self, network: Network, host: str) -> None:
        self._switch = network.switches[host]
        self._table = f"table={GATEWAY.number}"
        self._flows = self._held()
        self.done = 0
        self._has_waited = False

    def _held(self) -> int:
        return len(self._switch.ofctl("dump-flows", "br-int", self._table).splitlines())

    def one(self) -> None:
        self._switch.ofctl("del-flows", "br-int", self._table)
        start = time.monotonic()
        # Others wait once, for 2 seconds, for a host that does not confirm.
        seconds = 2 if self._has_waited else 5
        wait_until(lambda: self._held() == self._flows, "the controller to repair another host", seconds)
        self._has_waited |= time.monotonic() - start > 1
        self.done += 1


def memory(pid: int) -> float:
    """Resident memory of a process in MiB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


@contextmanager
def stopped(pid: int) -> Iterator[None]:
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def test_a_switch_that_reads_nothing(network: Network) -> None:
    network.switches["h3"].kill("ovs-vswitchd")
    deaf = DeafSwitch(network.openflow_port, datapath_id("h3"))
    repairs, sessions = Repairs(network, "h1"), 0
    generation = network.apply(model(MANY))
    try:
        wait_until(lambda: _has_confirmed(network, generation, "h1", "h2"), "the others to confirm", 30)
        before, end = memory(network.pid), time.monotonic() + SECONDS
        while time.monotonic() < end:
            if not network.status()["h3"]["switch"]:
                deaf.connect()
                sessions += 1
                wait_until(lambda: network.status()["h3"]["switch"], "the controller to take it for a switch")
            repairs.one()
        grown = memory(network.pid) - before
    finally:
        deaf.close()
        network.switches["h3"].start_vswitchd()
    print(f"fault: deaf {sessions} times in {SECONDS:g} s, {repairs.done} repairs elsewhere, {grown:.1f} MiB more")
    assert sessions > 1
    assert grown < 64
    network.settle()
    network.compare()


def _has_confirmed(network: Network, generation: int, *hosts: str) -> bool:
    status = network.status()
    return all(status[host]["confirmed"] >= generation for host in hosts)


def test_a_switch_that_hangs_in_the_middle_of_a_change(network: Network) -> None:
    network.apply(model(1))
    network.settle()
    repairs = Repairs(network, "h1")
    network.switches["h3"].freeze("ovs-vswitchd")
    try:
        generation = network.apply(model(MANY))
        wait_until(lambda: _has_confirmed(network, generation, "h1", "h2"), "the others to confirm", 30)
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            repairs.one()
        assert not _has_confirmed(network, generation, "h3")
    finally:
        network.switches["h3"].thaw("ovs-vswitchd")
    print(f"fault: a switch hung, {repairs.done} repairs elsewhere")
    network.settle()
    network.compare()


def test_a_store_that_hangs(network: Network) -> None:
    """The VLAN of a segment that is new on a host must be kept before it is used; all else goes on."""
    network.apply(model(1))
    network.settle()
    repairs, before = Repairs(network, "h1"), network.flows("h2")
    with stopped(server_pid(network.directory / "state")):
        network.plug("h2", "s")
        end = time.monotonic() + SECONDS
        while time.monotonic() < end:
            repairs.one()
        assert network.flows("h2") == before, "flows with a VLAN that the store does not have"
    print(f"fault: the store hung, {repairs.done} repairs")
    wait_until(lambda: network.flows("h2") != before, "the flows of the segment", 20)
    network.settle()
    assert set(network.vlans("h2")) == {"red"}
    network.compare()
