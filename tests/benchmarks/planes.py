"""One control plane on its hosts, and what it does when asked: the same measurements for ovs-vpc and for OVN."""

import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from tests.benchmarks.hosts import Hosts
from tests.benchmarks.networks import BenchNetwork
from tests.benchmarks.ours import Ours
from tests.benchmarks.ovn import Ovn
from tests.benchmarks.processes import cpu_seconds, resident_megabytes
from tests.benchmarks.watching import FlowWatch, settle, until

Plane = Ours | Ovn


_IDLE = 10.0
"""Seconds for which a control plane is watched that has nothing to do: as long as the longest of its periods."""


@dataclass(frozen=True)
class Change:
    """What one change cost: seconds.

    ``command``: until the command ended. ``switches``: from the change in the model's database to the last flow in the
    last switch. ``cpu``: of the control plane's processes until the switches were quiet, beyond what they need in the
    same time with nothing to do; ``databases``: that part of it. ``client``: CPU of the command. ``flows``: how many
    flows were added, changed and deleted in all switches.
    """

    command: float
    switches: float
    cpu: float
    databases: float
    client: float
    flows: int


@dataclass(frozen=True)
class Restart:
    """``cpu``: per host; ``missing``: the most flows that one switch was without; ``changes``: of flows, in all."""

    seconds: float
    cpu: float
    missing: int
    changes: int


@contextmanager
def plane(make: Callable[[Hosts], Plane], network: BenchNetwork, *, extra: int) -> Iterator[Plane]:
    """A control plane whose hosts have joined, and have the interfaces of all ports and of ``extra`` more."""
    with Hosts(network.host_names) as hosts:
        made = make(hosts)
        try:
            made.join(network)
            hosts.plug(network.seeds())
            until(lambda: made.are_bound(len(hosts.switches)), "the seeds to be bound")
            hosts.plug(network.with_ports(network.ports + extra).all_ports())
            yield made
        finally:
            made.stop()


def load(plane: Plane, network: BenchNetwork) -> tuple[float, float]:
    """Give the network all its ports; seconds until hosts have confirmed and all ports are bound, and CPU seconds."""
    before, start = cpu(plane.pids), time.monotonic()
    plane.load(network)
    until(lambda: plane.are_bound(network.ports + len(plane.hosts.switches)), "all ports to be bound", 600, 0.05)
    return time.monotonic() - start, cpu(plane.pids) - before


def add(plane: Plane, network: BenchNetwork, times: int) -> list[Change]:
    """Give the network one port after the other."""
    watches = plane.hosts.watch()
    model = plane.watch_model()
    try:
        changes = []
        for number in range(1, times + 1):
            settle(watches.values(), time.monotonic())
            # Right before each change: what else the machine does is another thing from minute to minute.
            idle = idle_share(plane)
            before, start = _cpus(plane), time.monotonic()
            ran = plane.add(network.with_ports(network.ports + number))
            settle(watches.values(), time.monotonic())
            events = _events(watches.values(), start)
            known = min(when for when, _ in model.since(start))
            last = max(when for when, _ in events)
            seconds = time.monotonic() - start
            used, databases = (
                now - then - each * seconds for now, then, each in zip(_cpus(plane), before, idle, strict=True)
            )
            changes.append(Change(ran.seconds, last - known, used, databases, ran.cpu, len(events)))
        return changes
    finally:
        for watch in (model, *watches.values()):
            watch.stop()


def idle_share(plane: Plane) -> tuple[float, float]:
    """CPU seconds that the control plane, and of it the databases, need in a second with nothing to do."""
    before = _cpus(plane)
    time.sleep(_IDLE)
    used, databases = (now - then for now, then in zip(_cpus(plane), before, strict=True))
    return used / _IDLE, databases / _IDLE


def _cpus(plane: Plane) -> tuple[float, float]:
    """CPU seconds of the control plane, and of its databases."""
    return cpu(plane.pids), cpu(plane.databases)


def restart(plane: Plane) -> Restart:
    """Kill the controller (of OVN: of one host) and start it again."""
    watches = plane.hosts.watch()
    try:
        start = time.monotonic()
        plane.restart()
        seconds, used = time.monotonic() - start, cpu(plane.restarted) / plane.restarted_hosts
        settle(watches.values(), time.monotonic())
        missing = max(_missing(watch.events(start)) for watch in watches.values())
        return Restart(seconds, used, missing, len(_events(watches.values(), start)))
    finally:
        for watch in watches.values():
            watch.stop()


def memory(plane: Plane) -> float:
    """Resident memory of the control plane's processes, in 10^6 bytes."""
    return sum(map(resident_megabytes, plane.pids))


def cpu(pids: Iterable[int]) -> float:
    """CPU seconds that processes have used."""
    return sum(map(cpu_seconds, pids))


def _events(watches: Iterable[FlowWatch], since: float) -> list[tuple[float, str]]:
    return [event for watch in watches for event in watch.events(since)]


def _missing(events: Sequence[tuple[float, str]]) -> int:
    now = most = 0
    for _, kind in events:
        now += {"DELETED": 1, "ADDED": -1}.get(kind, 0)
        most = max(most, now)
    return most
