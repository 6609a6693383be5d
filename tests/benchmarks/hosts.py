"""Hosts without a network: each has its own Open vSwitch with a dummy datapath, and ports plugged in."""

import json
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType

from tests.benchmarks.networks import BenchPort
from tests.benchmarks.processes import run
from tests.benchmarks.watching import FlowWatch, until
from tests.switch import Switch

_PER_COMMAND = 500


class Hosts:
    """Some hosts; ``with`` stops them and removes everything of theirs."""

    def __init__(self, names: Sequence[str]) -> None:
        self.directory = Path(tempfile.mkdtemp(prefix="bench-", dir="/tmp"))
        self.switches: dict[str, Switch] = {}
        for name in names:
            self.switches[name] = Switch()
            (self.directory / name).symlink_to(self.switches[name].directory)

    def __enter__(self) -> "Hosts":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        for switch in self.switches.values():
            switch.stop()
        shutil.rmtree(self.directory)

    def wait_for_bridges(self) -> None:
        """Wait until somebody has made the integration bridge on every host."""
        for switch in self.switches.values():
            switch.vsctl("wait-until", "Bridge", "br-int")
            until((switch.directory / "br-int.mgmt").is_socket, "the bridge's socket")

    def plug(self, ports: Iterable[BenchPort]) -> None:
        """Put interfaces of ports on the integration bridges of their hosts."""
        of_host: dict[str, list[str]] = {}
        for port in ports:
            add = ["--", "add-port", "br-int", port.name]
            identity = f"external_ids:iface-id={port.name}"
            set_it = ["--", "set", "Interface", port.name, "type=dummy", identity]
            of_host.setdefault(port.host, []).append("\0".join(add + set_it))
        for host, commands in of_host.items():
            for start in range(0, len(commands), _PER_COMMAND):
                words = [word for command in commands[start : start + _PER_COMMAND] for word in command.split("\0")]
                self.switches[host].vsctl(*words[1:])

    def marked(self, mark: str) -> int:
        """How many interfaces have a key of ``external_ids``, by the hosts' databases."""
        return sum(self._marked(switch, mark) for switch in self.switches.values())

    @staticmethod
    def _marked(switch: Switch, mark: str) -> int:
        select = ["Open_vSwitch", {"op": "select", "table": "Interface", "where": [], "columns": ["external_ids"]}]
        answer = json.loads(run(["ovsdb-client", "transact", switch.db_target, json.dumps(select)]).output)
        return sum(mark in dict(row["external_ids"][1]) for row in answer[0]["rows"])

    def watch(self) -> dict[str, FlowWatch]:
        """Start watching the flows of every host."""
        return {name: FlowWatch(switch.directory / "br-int.mgmt") for name, switch in self.switches.items()}

    def flows(self, host: str) -> int:
        """How many flows the integration bridge of a host holds."""
        answer = run(["ovs-ofctl", "dump-aggregate", f"unix:{self.switches[host].directory}/br-int.mgmt"]).output
        return int(answer.split("flow_count=")[1].split()[0])
