"""ovs-vpc on hosts, driven as its user does: by its commands."""

import os
import re
import socket
import sys
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path

from controller.cli.common.waiting import wait_confirmed
from controller.store import Store
from flows.model import parse
from tests.benchmarks.hosts import Hosts
from tests.benchmarks.networks import BenchNetwork
from tests.benchmarks.processes import Daemon, Ran, run
from tests.benchmarks.watching import Watch, until

_ROOT = Path(__file__).parents[2]
# Where it is installed its modules are compiled once, and not at each start.
_ENVIRONMENT = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
_ENVIRONMENT["PYTHONPATH"] = str(_ROOT)
_COMMAND = [sys.executable, "-m", "controller"]
_SECONDS = 900


class Ours:
    """The controller on some hosts, which are only what a host's owner makes of them."""

    name = "ovs-vpc"

    def __init__(self, hosts: Hosts) -> None:
        self.hosts = hosts
        self.state = hosts.directory / "state"
        self.state.mkdir()
        for switch in hosts.switches.values():
            switch.vsctl("add-br", "br-phy")
        self._metrics = _free_port()
        argv = [*_COMMAND, "controller", "--state", str(self.state), "--listen", f"127.0.0.1:{_free_port()}"]
        argv += ["--ovsdb", f"unix:{hosts.directory}/{{name}}/db.sock", "--metrics", str(self._metrics)]
        self.controller = Daemon(argv, hosts.directory / "controller.log", _ENVIRONMENT)
        self._store = Store(self.state)

    def stop(self) -> None:
        """End the controller, and by that the server of its store: it stays for as long as anybody uses it."""
        self._store.close()
        self.controller.end()

    @property
    def pids(self) -> list[int]:
        """The control plane's processes: the controller and the server of its store."""
        return [self.controller.pid, *self.databases]

    @property
    def databases(self) -> list[int]:
        """The servers of databases among them."""
        return [int((self.state / "ovsdb-server.pid").read_text())]

    def join(self, network: BenchNetwork) -> None:
        """Make the hosts known, and wait until they have their integration bridges."""
        until(lambda: self._told() is not None, "the controller to start")
        self.apply(network.with_ports(0))
        self.hosts.wait_for_bridges()

    def apply(self, network: BenchNetwork) -> Ran:
        """Make this the network; the command ends when all hosts have confirmed it."""
        return self._apply(network.yaml(), wait=_SECONDS)

    def by_program(self, network: BenchNetwork) -> Callable[[], float]:
        """The same by a program that is connected to the store, when it is called: seconds until all confirmed it."""
        model, _ = parse(network.yaml(), "network.yaml")

        def apply() -> float:
            start = time.monotonic()
            generation = self._store.apply(model)
            if not wait_confirmed(self._store, generation, _SECONDS):
                raise TimeoutError("not all hosts have confirmed")
            return time.monotonic() - start

        return apply

    def begin(self, text: str) -> None:
        """Make the network of a text the model, without waiting for any host."""
        self._apply(text, wait=0)

    def _apply(self, text: str, wait: float) -> Ran:
        file = self.hosts.directory / "network.yaml"
        file.write_text(text)
        return run(
            [*_COMMAND, "apply", "--yes", str(file), "--state", str(self.state), "--wait", str(wait)], _ENVIRONMENT
        )

    def load(self, network: BenchNetwork) -> Ran:
        """Give an empty network all its ports at once."""
        return self.apply(network)

    def add(self, network: BenchNetwork) -> Ran:
        """Give the network its last port, after all others."""
        return self.apply(network)

    def are_bound(self, ports: int) -> bool:
        """Whether so many interfaces have the mark that they belong to their port."""
        return self.hosts.marked("ovs-vpc-bound") == ports

    def watch_model(self) -> Watch:
        """Watch the model's generation in the database, which is not among what changed."""
        watch = Watch(["ovsdb-client", "monitor", f"unix:{self.state}/db.sock", "ovs_vpc", "Network", "generation"])
        until(lambda: watch.lines, "the present generation")
        return watch

    def is_confirmed(self) -> bool:
        """Whether the running controller says that every host has confirmed the present generation."""
        text = self._told()
        if text is None:
            return False
        generation = re.search(r"^ovs_vpc_generation (\S+)", text, re.MULTILINE)
        confirmed = re.findall(r"^ovs_vpc_host_confirmed_generation\S+ (\S+)", text, re.MULTILINE)
        return generation is not None and confirmed == [generation.group(1)] * len(self.hosts.switches)

    def known_flows(self, host: str) -> int:
        """How many flows the controller knows that a host's switch holds."""
        found = re.search(rf'^ovs_vpc_host_flows{{host="{host}"}} (\S+)', self._told() or "", re.MULTILINE)
        return int(float(found.group(1))) if found else 0

    def greeted(self, host: str) -> int:
        """How often the controller has said that a host's switch is connected."""
        return (self.hosts.directory / "controller.log").read_text().count(f"{host}: switch: connected")

    def _told(self) -> str | None:
        """What the running controller tells of itself; None while it does not."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self._metrics}/metrics") as answer:
                return str(answer.read().decode())
        except OSError:
            return None

    def restart(self) -> None:
        """Kill the controller, start it again, and wait until all hosts have confirmed to the new one."""
        self.controller.kill()
        self.controller.start()
        # Each look costs the controller a few milliseconds.
        until(self.is_confirmed, "all hosts to confirm", _SECONDS, 0.05)

    @property
    def restarted(self) -> list[int]:
        """The processes that a restart starts."""
        return [self.controller.pid]

    @property
    def restarted_hosts(self) -> int:
        """How many hosts these serve."""
        return len(self.hosts.switches)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
