"""The real controller and real switches, without namespaces: what the control plane does, apart from packets."""

import re
import shutil
import signal
import subprocess
import sys
import tempfile
import urllib.request
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from controller.cli.common.waiting import unconfirmed, wait_confirmed
from controller.inspect.compiled import compiled
from controller.status.status import read_status
from controller.store import Store
from flows.model import parse
from flows.openflow.learn import LEARNED_OWNER
from tests.ports import free_port
from tests.switch import Switch, wait_until


class Network:
    """A controller and some hosts, each a switch with a dummy datapath."""

    def __init__(self, hosts: Iterable[str], program: str = "controller") -> None:
        """``program``: the module that is ``ovs-vpc``."""
        self._program = program
        self.directory = Path(tempfile.mkdtemp(prefix="ctl-", dir="/tmp"))
        self.switches = {host: Switch() for host in hosts}
        for host, switch in self.switches.items():
            (self.directory / host).symlink_to(switch.directory)
            # The host's owner makes br-phy before the controller comes.
            switch.vsctl("add-br", "br-phy")
        self.store = Store(self.directory / "state")
        self.openflow_port, self.metrics_port = free_port(), free_port()
        self._process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", self._program, "controller", "--state", str(self.directory / "state")]
        command += ["--listen", f"127.0.0.1:{self.openflow_port}", "--ovsdb", f"unix:{self.directory}/{{name}}/db.sock"]
        command += ["--metrics", str(self.metrics_port)]
        with (self.directory / "log").open("a") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)

    @property
    def pid(self) -> int:
        """The controller's process."""
        return self._process.pid

    def stop_controller(self) -> None:
        """Kill the controller."""
        self._process.kill()
        self._process.wait()

    def start_controller(self) -> None:
        """Start a controller that was killed."""
        self._process = self._start()

    def restart_controller(self) -> None:
        """Kill the controller and start it again."""
        self.stop_controller()
        self.start_controller()

    def status(self) -> dict[str, Any]:
        """What the controller says of each host."""
        return dict(self.store.read_status()["hosts"])

    def metrics(self) -> dict[str, float]:
        """Each metric of the controller, with its labels."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.metrics_port}/metrics", timeout=5) as answer:
            lines = answer.read().decode().splitlines()
        values = (line.rpartition(" ") for line in lines if not line.startswith("#"))
        return {name: float(value) for name, _, value in values}

    def vlans(self, host: str) -> Mapping[str, int]:
        """The VLANs that a host gives to segments."""
        stored = self.store.load()
        assert stored is not None
        return stored.tags.vlans[host]

    def plug(self, host: str, *ports: str, ofport: int | None = None) -> None:
        """Plug ports in on a host, or one under a port number."""
        for port in ports:
            ids = f"external_ids:iface-id={port}"
            request = [] if ofport is None else [f"ofport_request={ofport}"]
            self.switches[host].vsctl(
                "add-port", "br-int", port, "--", "set", "interface", port, "type=dummy", ids, *request
            )

    def apply(self, text: str) -> int:
        """Make this text the model; whether it is confirmed is not waited for."""
        return self.store.apply(parse(text, "network.yaml")[0])

    def settle(self) -> None:
        """Wait until every host has confirmed the model as it is, and holds what it needs of what is plugged in."""
        stored = self.store.load()
        assert stored is not None
        is_confirmed = wait_confirmed(self.store, stored.generation, 20)
        assert is_confirmed, (unconfirmed(self.store, stored.generation), self.log())
        wait_until(lambda: all(host["settled"] for host in self.status().values()), "the hosts to settle", 20)

    def flows(self, host: str) -> dict[int, str]:
        """The flows that a switch holds, without what it learned: cookie, and the rest without counters."""
        return {cookie: text for cookie, (_, text) in self._dump(host).items() if cookie >> 56 != LEARNED_OWNER}

    def learned(self, host: str) -> set[str]:
        """The flows that a switch learned, without counters."""
        dump = self.switches[host].ofctl("dump-flows", "br-int", f"cookie={LEARNED_OWNER << 56:#x}/{0xFF << 56:#x}")
        counters = r"(duration|n_packets|n_bytes|idle_age|hard_age)=[^,]*, "
        return {re.sub(counters, "", line).strip() for line in dump.splitlines()[1:]}

    def receive(self, host: str, port: str, source: str, target: str = "ff:ff:ff:ff:ff:ff", tag: int = 0) -> None:
        """A frame comes in by a port."""
        vlan = f"81000{tag:03x}" if tag else ""
        frame = f"{target}{source}".replace(":", "") + vlan + "88b6" + "00" * 46
        self.switches[host].appctl("netdev-dummy/receive", port, frame)

    def log(self) -> str:
        """What the controller has logged."""
        return (self.directory / "log").read_text()

    def ages(self, host: str) -> dict[int, float]:
        """Seconds since each flow was added, by cookie."""
        return {cookie: age for cookie, (age, _) in self._dump(host).items()}

    def _dump(self, host: str) -> dict[int, tuple[float, str]]:
        found = {}
        dump = self.switches[host].ofctl("--protocols=OpenFlow14", "dump-flows", "br-int")
        for line in dump.splitlines()[1:]:
            cookie, age, rest = re.findall(r"cookie=(0x\w+), duration=([\d.]+)s, (.*)", line)[0]
            found[int(cookie, 16)] = (float(age), re.sub(r"n_\w+=\d+, ", "", rest))
        return found

    def compare(self) -> None:
        """Fail when a switch holds anything but what a fresh compile says, in full, and what it may learn by that."""
        stored = self.store.load()
        assert stored is not None
        for host in stored.network.hosts:
            switch = self.switches[host]
            desired = compiled(stored, read_status(self.store), host)
            assert desired is not None
            wanted, held = self.directory / "wanted", self.directory / "held"
            lines = (f"cookie={cookie:#x},{flow.text()}\n" for cookie, flow in desired.flows.items())
            wanted.write_text("".join(lines))
            dump = switch.ofctl("--protocols=OpenFlow14", "--no-stats", "dump-flows", "br-int").splitlines(
                keepends=True
            )
            learned = tuple(f"cookie={cookie:#x}," for cookie in desired.learned)
            held.write_text("".join(line for line in dump if not line.strip().startswith(learned)))
            switch.ofctl("diff-flows", str(held), str(wanted))

    def stop(self) -> None:
        """End everything."""
        self.store.close()
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()
        for switch in self.switches.values():
            switch.stop()
        shutil.rmtree(self.directory)
