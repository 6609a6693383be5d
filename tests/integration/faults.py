"""Faults of the control plane in a lab, each of which is seen to have taken place."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.commands import commands
from tests.integration.vpclab import VpcLab
from tests.switch import wait_until

LOST_CONTROLLER = "connection failed|timed out|connection dropped|no response to inactivity probe|Connection refused"
"""What a switch rightly says of a controller that went away, as a pattern."""


def connected(lab: VpcLab, host: str) -> bool:
    """Whether the controller says that a host's switch is connected."""
    return bool(lab.store.read_status()["hosts"][host]["switch"])


def has_session(lab: VpcLab, host: str) -> bool:
    """Whether the switch says so."""
    return "true" in lab.run(host, "ovs-vsctl", "get", "Controller", "br-int", "is_connected")


def kill_controller(lab: VpcLab) -> None:
    """Kill the controller, and wait until the next one has all switches."""
    lab.allow(LOST_CONTROLLER)
    first = lab.lab.controller_pid()
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: lab.lab.controller_pid() not in (None, first), "the controller to come back")
    # The status is still that of the dead controller: only the switches know better.
    wait_until(lambda: all(has_session(lab, host) for host in lab.network.hosts), "the switches to come back", 20)


def store_server(lab: VpcLab) -> int | None:
    """The process of the store's ovsdb-server, as seen from here."""
    return _process("ovsdb-server", str(lab.lab.path / "controller" / "model.db"))


def vswitchd(lab: VpcLab, host: str) -> int | None:
    """The process of a host's ovs-vswitchd, as seen from here."""
    return _process("ovs-vswitchd", f"unix:{lab.lab.path}/hosts/{host}/db.sock")


def _process(program: str, argument: str) -> int | None:
    return next((pid for pid, words in commands() if Path(words[0]).name == program and argument in words), None)


def kill_store(lab: VpcLab) -> None:
    """Kill the store's server, and wait until there is another one."""
    first = store_server(lab)
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: store_server(lab) not in (None, first), "the store to come back")


def replace_store(lab: VpcLab, content: bytes) -> None:
    """Kill the store's server; the next one finds another file."""
    file = lab.lab.path / "controller" / "model.db"
    file.unlink()
    file.write_bytes(content)
    kill_store(lab)


@contextmanager
def stopped(process: int | None) -> Iterator[None]:
    """A process stands still while a block runs."""
    assert process is not None, "it does not run"
    os.kill(process, signal.SIGSTOP)
    try:
        stat = Path(f"/proc/{process}/stat")
        wait_until(lambda: stat.read_text().rpartition(")")[2].split()[0] == "T", "the process to stop")
        yield
    finally:
        os.kill(process, signal.SIGCONT)


@contextmanager
def cut_off(lab: VpcLab, host: str) -> Iterator[None]:
    """No packet goes between a host and the controller while a block runs; nobody is told."""
    lab.run(host, "ip", "link", "set", "mgmt0", "down")
    try:
        yield
    finally:
        lab.run(host, "ip", "link", "set", "mgmt0", "up")
