"""Hosts without a network: each has its own Open vSwitch with a dummy datapath, and ports plugged in."""

import json
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from tests.benchmarks.networks import BenchPort
from tests.benchmarks.ovsdb import HostDatabase
from tests.benchmarks.processes import run
from tests.benchmarks.watching import FlowWatch, until
from tests.switch import Switch


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
        """Put interfaces of ports on the integration bridges of their hosts, and wait until the switches have them."""
        of_host: dict[str, dict[str, str]] = {}
        for port in ports:
            of_host.setdefault(port.host, {})[port.name] = port.name
        for host, names in of_host.items():
            with HostDatabase(self.switches[host].directory / "db.sock") as database:
                database.plug(names, "dummy")
        for host in of_host:
            until(lambda: self._is_numbered(self.switches[host]), "all interfaces to be made", 300, 0.1)  # noqa: B023

    @staticmethod
    def _is_numbered(switch: Switch) -> bool:
        """Whether every interface has its port number."""
        return all(row["ofport"] != ["set", []] for row in _interfaces(switch, "ofport"))

    def marked(self, mark: str) -> int:
        """How many interfaces have a key of ``external_ids``, by the hosts' databases."""
        found = (row for switch in self.switches.values() for row in _interfaces(switch, "external_ids"))
        return sum(mark in dict(row["external_ids"][1]) for row in found)

    def watch(self) -> dict[str, FlowWatch]:
        """Start watching the flows of every host."""
        return {name: FlowWatch(switch.directory / "br-int.mgmt") for name, switch in self.switches.items()}

    def flows(self, host: str) -> int:
        """How many flows the integration bridge of a host holds."""
        answer = run(["ovs-ofctl", "dump-aggregate", f"unix:{self.switches[host].directory}/br-int.mgmt"]).output
        return int(answer.split("flow_count=")[1].split()[0])


def _interfaces(switch: Switch, column: str) -> list[dict[str, Any]]:
    """A column of all interfaces of a host."""
    select = ["Open_vSwitch", {"op": "select", "table": "Interface", "where": [], "columns": [column]}]
    answer = json.loads(run(["ovsdb-client", "transact", switch.db_target, json.dumps(select)]).output)
    return list(answer[0]["rows"])
