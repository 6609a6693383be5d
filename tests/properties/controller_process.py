"""The real controller and real switches, without namespaces: what the control plane does, apart from packets."""

import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from controller.cli.waiting import unconfirmed, wait_confirmed
from controller.compiled import compiled
from controller.store import Store
from flows.model import parse
from tests.switch import Switch


class Network:
    """A controller and some hosts, each a switch with a dummy datapath."""

    def __init__(self, hosts: Iterable[str]) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="ctl-", dir="/tmp"))
        self.switches = {host: Switch() for host in hosts}
        for host, switch in self.switches.items():
            (self.directory / host).symlink_to(switch.directory)
            # The host's owner makes br-phy before the controller comes.
            switch.vsctl("add-br", "br-phy")
        self.store = Store(self.directory / "state")
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._listen = f"127.0.0.1:{free.getsockname()[1]}"
        self._process = self._start()

    def _start(self) -> "subprocess.Popen[bytes]":
        command = [sys.executable, "-m", "controller", "controller", "--state", str(self.directory / "state")]
        command += ["--listen", self._listen, "--ovsdb", f"unix:{self.directory}/{{name}}/db.sock"]
        with (self.directory / "log").open("a") as log:
            return subprocess.Popen(command, stdout=log, stderr=log)

    def restart_controller(self) -> None:
        """Kill the controller and start it again."""
        self._process.kill()
        self._process.wait()
        self._process = self._start()

    def plug(self, host: str, *ports: str) -> None:
        """Plug ports in on a host."""
        for port in ports:
            ids = f"external_ids:iface-id={port}"
            self.switches[host].vsctl("add-port", "br-int", port, "--", "set", "interface", port, "type=dummy", ids)

    def apply(self, text: str) -> int:
        """Make this text the model; whether it is confirmed is not waited for."""
        return self.store.apply(parse(text, "network.yaml")[0])

    def settle(self) -> None:
        """Wait until every host has confirmed the model as it is."""
        stored = self.store.load()
        assert stored is not None
        log = self.directory / "log"
        assert wait_confirmed(self.store, stored.generation, 20), (
            unconfirmed(self.store, stored.generation),
            log.read_text(),
        )

    def flows(self, host: str) -> dict[int, str]:
        """The flows that a switch holds: cookie, and the rest without counters."""
        return {cookie: text for cookie, (_, text) in self._dump(host).items()}

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
        """Fail when a switch holds anything but what a fresh compile says, in full."""
        stored = self.store.load()
        assert stored is not None
        for host, switch in self.switches.items():
            desired = compiled(stored, self.store.read_status(), host)
            assert desired is not None
            wanted = self.directory / "wanted"
            lines = (f"cookie={cookie:#x},{flow.text()}\n" for cookie, flow in desired.flows.items())
            wanted.write_text("".join(lines))
            switch.ofctl("--protocols=OpenFlow14", "diff-flows", "br-int", str(wanted))

    def stop(self) -> None:
        """End everything."""
        self.store.close()
        self._process.send_signal(signal.SIGTERM)
        self._process.wait()
        for switch in self.switches.values():
            switch.stop()
        shutil.rmtree(self.directory)
