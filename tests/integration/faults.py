"""Faults of the control plane in a lab, each of which is seen to have taken place."""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from mininet_topos.directory import CONTROLLER_NODE
from tests.commands import commands
from tests.integration.vpclab import VpcLab
from tests.switch import wait_until

LOST_CONTROLLER = "connection failed|timed out|connection dropped|no response to inactivity probe|Connection refused"
"""What a switch rightly says of a controller that went away, as a pattern."""


def connected(lab: VpcLab, host: str) -> bool:
    """Whether the controller says that a host's switch is connected."""
    return bool(lab.store.read_status()["hosts"][host]["switch"])


def has_session(lab: VpcLab, host: str) -> bool:
    """Whether the switch says so, of a moment ago."""
    return "true" in lab.run(host, "ovs-vsctl", "get", "Controller", "br-int", "is_connected")


def kill_controller(lab: VpcLab) -> None:
    """Kill the controller, and wait until the next one has all switches."""
    lab.allow(LOST_CONTROLLER)
    first = lab.lab.controller_pid()
    assert first is not None
    os.kill(first, signal.SIGKILL)
    wait_until(lambda: lab.lab.controller_pid() not in (None, first), "the controller to come back")
    wait_for_switches(lab)


def wait_for_switches(lab: VpcLab) -> None:
    """Wait until the controller that runs now has the switch of every host.

    Its metrics tell: a dead one answers no question. The status in the store outlives it, and what the switches say of
    their sessions (``is_connected``) is up to five seconds old.
    """
    read = r"exec 3<>/dev/tcp/127.0.0.1/9476 && printf 'GET /metrics HTTP/1.0\r\n\r\n' >&3 && cat <&3"
    names = [f'ovs_vpc_host_switch_connected{{host="{host}"}} 1.0' for host in lab.network.hosts]

    def are_back() -> bool:
        told = lab.run(CONTROLLER_NODE, "bash", "-c", read, check=False)
        return all(name in told for name in names)

    wait_until(are_back, "the switches to come back", 20)


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
