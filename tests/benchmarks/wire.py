"""How fast many flows get into a switch and are found right there: ``python -m tests.benchmarks.wire [PORTS] [RUNS]``.

One VPC whose ports are almost all on other hosts: two flows for each. The references are Open vSwitch's own programs,
measured in turn with ours on the same ovs-vswitchd (dummy datapath).
"""

import os
import queue
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address

from controller.openflow.sessions import Confirmed, FlowsRead, Refused, SwitchDown, SwitchEvent, SwitchUp, listen
from controller.reconcile.nodes.host import Host
from flows.compile.from_scratch import view
from flows.inputs.locate import locate
from flows.model import Network, parse
from flows.model.contract import TUNNEL_OFPORT
from flows.units.unit import Unit
from tests.scenario import compiled, plugged, tags
from tests.switch import Switch

_PORTS, _RUNS = 50_000, 5
_TICK = 0.05
_HOSTS = 100
_PER_LINE = 250
_PORT = 16653
_BRIDGE = ("other_config:datapath-id=0000000000000001", "protocols=OpenFlow10,OpenFlow14")
_TUNNEL = ("type=vxlan", f"ofport_request={TUNNEL_OFPORT}", "options:remote_ip=flow", "options:key=flow")


def network(ports: int) -> Network:
    """One VPC; its first port is on the first host, all others are on other hosts."""
    lines = ["encapsulation: vxlan", "hosts:", *(f"  h{h}: {{tunnel_ip: 192.0.2.{h + 1}}}" for h in range(_HOSTS))]
    lines += ["vpcs: {v: {id: 7, subnets: {web: {cidr: 10.0.0.0/12}}}}", "ports:"]
    for port in range(ports):
        high, low = divmod(port, _PER_LINE)
        address = f"10.{high // _PER_LINE}.{high % _PER_LINE}.{low + 2}"
        lines.append(f"  p{port}: {{vpc: v, ips: [{address}], host: h{port % (_HOSTS - 1) + 1 if port else 0}}}")
    return parse("\n".join(lines), "many.yaml")[0]


class Controller:
    """What the controller does for one host: os-ken's sessions, the host's bookkeeping, one loop."""

    def __init__(self, switch: Switch) -> None:
        self._switch = switch
        self._events: queue.SimpleQueue[SwitchEvent] = queue.SimpleQueue()
        self.host = Host("h0", 1)
        self.changes = 0
        self.longest = 0.0
        """Seconds of the longest step of the loop since :meth:`connect`."""
        listen("127.0.0.1", _PORT, self._events.put)

    def connect(self) -> None:
        """Make a switch without controller connect."""
        self._switch.vsctl("set-controller", "br-int", f"tcp:127.0.0.1:{_PORT}")
        self._wait()

    def reconnect(self) -> None:
        """End the session and wait for the next one."""
        assert self.host.session is not None
        self.host.session.close()
        self._wait()

    def _wait(self) -> None:
        self.changes, self.longest = 0, 0.0
        while not isinstance(event := self._events.get(), SwitchUp):
            pass
        self.host.connected(event.session, time.monotonic())

    def disconnect(self) -> None:
        """Take its controller from the switch, which then empties itself."""
        self._switch.vsctl("del-controller", "br-int")
        self.host.disconnected()

    def run_until(self, condition: Callable[[], bool]) -> None:
        """The loop of the controller."""
        while not condition():
            start = time.perf_counter()
            before = self.host._transactions.current
            self.host.pump(time.monotonic(), may_send=True, may_remove=True, knows_all=True)
            after = self.host._transactions.current
            if after is not None and after is not before:
                self.changes += len(after.plan.add) + len(after.plan.delete)
            self.longest = max(self.longest, time.perf_counter() - start)
            try:
                event = self._events.get(timeout=_TICK)
            except queue.Empty:
                continue
            start = time.perf_counter()
            self._take(event)
            self.longest = max(self.longest, time.perf_counter() - start)

    def _take(self, event: SwitchEvent) -> None:
        match event:
            case FlowsRead(session, which, flows, is_last) if session is self.host.session:
                self.host.read(which, flows, is_last=is_last)
            case Confirmed(session, xid) if session is self.host.session:
                self.host.confirmed(xid, time.monotonic())
            case Refused(_, _, reason, _):
                raise AssertionError(reason)
            case SwitchDown(session) if session is self.host.session:
                raise AssertionError("the session ended")

    def probe_paths(self) -> None:
        """Let flows to all other hosts go out: here is no host that could receive a frame."""
        self.host.probe(time.monotonic())
        for number in range(1, _HOSTS):
            self.host.prober.verified(IPv4Address(f"192.0.2.{number + 1}"))


class Bench:
    """A switch, its flows, and what was measured."""

    def __init__(self, switch: Switch, model: Network) -> None:
        self._switch = switch
        self._facts = plugged(model)
        self._model = model
        flows = compiled(model, "h0").flows
        self.number = len(flows)
        self._file = switch.directory / "flows.txt"
        self._file.write_text("".join(f"cookie={flow.cookie:#x},{flow.text()}\n" for flow in flows.values()))
        self._controller = Controller(switch)
        self.seconds: dict[str, list[float]] = {}

    def run(self) -> None:
        """Measure everything once."""
        with self._timed("ovs-ofctl --bundle add-flows"):
            self._switch.ofctl("--bundle", "-O", "OpenFlow14", "add-flows", "br-int", str(self._file))
        with self._timed("ovs-ofctl dump-flows"):
            self._dump()
        self._load("from flows", self._view())
        self._reconnect()
        self._load("from the model", None)

    def _view(self) -> frozenset[Unit]:
        model, facts = self._model, self._facts
        return view(model, tags(model), locate(model, facts), facts["h0"], "h0")

    def _load(self, what: str, units: frozenset[Unit] | None) -> None:
        """Into an empty switch, until it has confirmed all."""
        self._switch.ofctl("del-flows", "br-int")
        controller = self._controller
        controller.host = host = Host("h0", 1)
        host.facts = self._facts["h0"]
        controller.connect()
        controller.run_until(lambda: host.flows == 0 and host._asked_at is None)
        if units is not None:
            host.want(units, 1)
            controller.probe_paths()
        with self._timed(what):
            if units is None:
                host.want(self._view(), 1)
                controller.probe_paths()
            controller.longest = 0.0
            controller.run_until(lambda: host.is_settled)
        assert host.flows == self.number == controller.changes
        self._note(f"{what}: longest step of the loop", controller.longest)
        if units is None:
            controller.disconnect()

    def _reconnect(self) -> None:
        """With a switch that holds everything."""
        controller = self._controller
        controller.reconnect()
        with self._timed("reconnect"):
            controller.run_until(lambda: controller.host.is_settled)
        assert controller.changes == 0
        self._note("reconnect: longest step of the loop", controller.longest)
        controller.disconnect()

    def _dump(self) -> None:
        bridge = f"unix:{self._switch.directory}/br-int.mgmt"
        subprocess.run(["ovs-ofctl", "-O", "OpenFlow14", "dump-flows", bridge], stdout=subprocess.DEVNULL, check=True)

    @contextmanager
    def _timed(self, what: str) -> Iterator[None]:
        start = time.perf_counter()
        yield
        self._note(what, time.perf_counter() - start)

    def _note(self, what: str, seconds: float) -> None:
        self.seconds.setdefault(what, []).append(seconds)


_COMPARED = (
    ("from flows", "ovs-ofctl --bundle add-flows", 0.5),
    ("from the model", "ovs-ofctl --bundle add-flows", 1.0),
    ("reconnect", "ovs-ofctl dump-flows", 0.6),
)


def main(ports: int = _PORTS, runs: int = _RUNS) -> None:
    """Print the medians, and the ratios to the references."""
    with Switch() as switch:
        switch.vsctl("add-br", "br-int", "--", "set", "bridge", "br-int", "fail_mode=secure", *_BRIDGE)
        switch.vsctl("add-port", "br-int", "tun", "--", "set", "interface", "tun", *_TUNNEL)
        bench = Bench(switch, network(ports))
        for _ in range(runs):
            bench.run()
    medians = {what: statistics.median(seconds) for what, seconds in bench.seconds.items()}
    print(f"{bench.number} flows; medians of {runs} runs, and the fastest and slowest")
    for what, seconds in bench.seconds.items():
        print(f"{what:42} {medians[what]:7.3f} s ({min(seconds):.3f} to {max(seconds):.3f})")
    for what, reference, goal in _COMPARED:
        print(f"{what} / {reference}: {medians[what] / medians[reference]:.2f} (goal: at most {goal})")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
    sys.stdout.flush()
    os._exit(0)  # os-ken's threads do not end by themselves
