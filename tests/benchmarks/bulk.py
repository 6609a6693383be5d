"""100,000 flows for one switch, against ovs-ofctl: ``python -m tests.benchmarks.bulk``.

All ports of the network are on one host, so no flow waits for a path to be verified. Each has many addresses, because
ovs-vswitchd is slow with thousands of interfaces, of which no flow is. What the switch holds is written to a file, and
ovs-ofctl adds that to an empty switch, and reads it.
"""

import re
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from controller.openflow import encode
from tests.benchmarks import bare
from tests.benchmarks.bare import Bare
from tests.benchmarks.figures import Figure, run_group
from tests.benchmarks.hosts import Hosts
from tests.benchmarks.networks import BenchNetwork
from tests.benchmarks.ours import Ours
from tests.benchmarks.processes import run
from tests.benchmarks.watching import FlowWatch, settle, until
from tests.openflow import Connection
from tests.switch import Switch

GROUP = "bulk"
_NETWORK = BenchNetwork(ports=164, hosts=1)
_ADDRESSES = 100
"""Of each port."""
_TIMES = 3
_HOST = "h0"
_SECONDS = 300
_PROTOCOL = "--protocols=OpenFlow14"
_XID = 7
_FLOW_COUNT = slice(32, 36)
"""Where it is in the answer (OpenFlow 1.4, 7.3.5.3)."""


def _text(network: BenchNetwork) -> str:
    """The network as a network file, in which each port has many addresses."""
    text = network.yaml()
    for port in network.all_ports():
        row = port.ip.rpartition(".")[2]
        prefix = f"10.{port.subnet}.{row}"
        addresses = ", ".join(f"{prefix}.{number}" for number in range(1, _ADDRESSES + 1))
        text = text.replace(f"ips: [{port.ip}]", f"ips: [{addresses}]")
    return text


class Bulk:
    """A controller and one host."""

    def __init__(self, hosts: Hosts, ours: Ours) -> None:
        self._hosts = hosts
        self._switch = hosts.switches[_HOST]
        self._ours = ours
        self._ours.join(_NETWORK)
        hosts.plug([*_NETWORK.seeds(), *_NETWORK.all_ports()])
        until(lambda: self._ours.are_bound(1), "the seed to be bound")
        self.flows = 0

    def from_model(self) -> float:
        """Give it all ports; seconds from the change in the model's database to the last flow in the switch."""
        model = self._ours.watch_model()
        try:
            began = self._count()
            start = time.monotonic()
            self._ours.begin(_text(_NETWORK))
            # All flows come in one bundle, so the first that are there are all.
            until(lambda: self._count() > began + _NETWORK.ports * _ADDRESSES, "the flows", _SECONDS, 0.05)
            arrived = time.monotonic()
            until(self._ours.is_confirmed, "all hosts to confirm", _SECONDS, 0.1)
            self.flows = self._count()
            return arrived - min(when for when, _ in model.since(start))
        finally:
            model.stop()

    def into_empty(self) -> float:
        """Take its controller from the switch, which empties itself, and then gets it back from the controller.

        Returns seconds from its dialling the controller to the last flow.
        """
        return self._connecting(
            lambda: self._switch.vsctl("del-controller", "br-int"), lambda: self._count() == self.flows
        )

    def _count(self) -> int:
        """How many flows the switch holds. It is asked often, so no program is started for that."""
        connection = Connection(self._switch, "br-int")
        try:
            connection.send(encode.count_flows(_XID))
            (answer,) = connection.barrier()
            return int.from_bytes(answer[_FLOW_COUNT])
        finally:
            connection.close()

    def reconnect(self) -> float:
        """Make the switch dial the controller anew; seconds until the controller knows what it holds.

        The address is written in another way, which means the same to the controller and is new to the switch.
        """
        greeted = self._ours.greeted(_HOST)
        return self._connecting(
            self._respell,
            lambda: self._ours.greeted(_HOST) > greeted and self._ours.known_flows(_HOST) == self.flows,
        )

    def _respell(self) -> None:
        target = self._switch.vsctl("get-controller", "br-int").strip()
        kind, _, rest = target.partition(":")
        address, _, port = rest.rpartition(":")
        other = address.strip("[]") if "[" in address else f"[{address}]"
        self._switch.vsctl("set", "Controller", "br-int", f'target="{kind}:{other}:{port}"')

    def _connecting(self, act: Callable[[], object], is_done: Callable[[], bool]) -> float:
        before = len(self._connections())
        act()
        until(lambda: len(self._connections()) > before, "the switch to dial", 30, 0.02)
        until(is_done, "the controller to be done", _SECONDS, 0.02)
        return time.time() - self._connections()[-1]

    def _connections(self) -> list[float]:
        """When the switch connected to the controller, by its log."""
        found = re.findall(r"^(\S+)Z\|.*rconn\|INFO\|br-int<->tcp.*: connected$", self._switch.log(), re.MULTILINE)
        return [datetime.fromisoformat(f"{when}+00:00").timestamp() for when in found]

    def watched(self, act: Callable[[], list[float]]) -> tuple[list[float], int]:
        """Do something several times; what it gave, and how many flows the switch says were changed meanwhile."""
        watch = FlowWatch(self._switch.directory / "br-int.mgmt")
        try:
            start = time.monotonic()
            result = act()
            settle([watch], time.monotonic())
            return result, len(watch.events(start))
        finally:
            watch.stop()

    def dump(self, file: Path) -> None:
        """Write the switch's flows to a file, as ovs-ofctl reads them."""
        management = f"unix:{self._switch.directory}/br-int.mgmt"
        dumped = run(["ovs-ofctl", _PROTOCOL, "--no-names", "--no-stats", "dump-flows", management]).output
        file.write_text("\n".join(line.strip() for line in dumped.splitlines() if "actions=" in line) + "\n")


def _by_others(file: Path) -> tuple[list[float], list[float], list[Bare]]:
    """What the flows of a file cost ovs-ofctl, which adds them to an empty switch and reads them, and Open vSwitch."""
    added, dumped, by_itself = [], [], []
    with Switch() as switch:
        switch.vsctl("add-br", "br-int", "--", "set", "bridge", "br-int", "protocols=OpenFlow10,OpenFlow14")
        management = f"unix:{switch.directory}/br-int.mgmt"
        for _ in range(_TIMES):
            run(["ovs-ofctl", _PROTOCOL, "del-flows", management])
            added.append(run(["ovs-ofctl", _PROTOCOL, "--bundle", "add-flows", management, str(file)]).seconds)
            dumped.append(run(["ovs-ofctl", _PROTOCOL, "dump-flows", management]).seconds)
            by_itself.append(bare.measure(switch, "br-int"))
    return added, dumped, by_itself


def measure() -> list[Figure]:
    """ovs-vpc first, then ovs-ofctl with the same flows."""
    with Hosts([_HOST]) as hosts:
        ours = Ours(hosts)
        try:
            bulk = Bulk(hosts, ours)
            from_model = bulk.from_model()
            restarts = [bulk.into_empty() for _ in range(_TIMES)]
            reconnects, changes = bulk.watched(lambda: [bulk.reconnect() for _ in range(_TIMES)])
            file = hosts.directory / "flows"
            bulk.dump(file)
        finally:
            ours.stop()
        added, dumped, by_itself = _by_others(file)
    flows, add, dump = f"{bulk.flows:,} flows", "ovs-ofctl --bundle add-flows", "ovs-ofctl dump-flows"
    taken, given = [one.taken for one in by_itself], [one.given for one in by_itself]
    return [
        Figure(GROUP, f"{flows} into a switch that comes empty", "s", restarts, added, add, target=0.5),
        Figure(GROUP, f"{flows} from the model's database", "s", [from_model], added, add, target=1.0),
        Figure(GROUP, f"reconnect with {flows} that are right", "s", reconnects, dumped, dump, target=0.6),
        Figure(GROUP, f"bare: {flows} as bytes that were there before, in one bundle", "s", taken, added, add),
        Figure(GROUP, f"bare: {flows} read, and nobody looks at them", "s", given, dumped, dump),
        Figure(GROUP, "flows changed by these reconnects", "", [changes], target=0),
    ]


if __name__ == "__main__":
    run_group(GROUP, measure)
