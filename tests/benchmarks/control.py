"""The control plane against OVN, on 10 hosts with 1,000 ports: ``python -m tests.benchmarks.control``.

Hosts are ovs-vswitchd with dummy datapaths, so that nothing but the control planes costs time.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

from tests.benchmarks import planes
from tests.benchmarks.figures import Figure, run_group
from tests.benchmarks.hosts import Hosts
from tests.benchmarks.networks import BenchNetwork
from tests.benchmarks.ours import Ours
from tests.benchmarks.ovn import Ovn
from tests.benchmarks.planes import Change, Plane, Restart
from tests.benchmarks.watching import until

GROUP = "control"
NETWORK = BenchNetwork(ports=1000)
_ADDS = 3
_RUNS = 3


@dataclass(frozen=True)
class Program:
    """Seconds that one more port takes each time, and all ports in one apply."""

    adds: list[float]
    load: float


@dataclass(frozen=True)
class Run:
    """What was measured of one control plane from its start."""

    load: tuple[float, float]
    adds: list[Change]
    memory: float
    restart: Restart
    program: Program | None


def one_run(make: Callable[[Hosts], Plane], network: BenchNetwork) -> Run:
    """Load a network, add ports, look at the memory, restart; then what a program of ours does."""
    with planes.plane(make, network, extra=2 * _ADDS) as plane:
        loaded = planes.load(plane, network)
        adds = planes.add(plane, network, _ADDS)
        memory, restarted = planes.memory(plane), planes.restart(plane)
        program = _by_program(plane, network) if isinstance(plane, Ours) else None
        return Run(loaded, adds, memory, restarted, program)


def _by_program(plane: Ours, network: BenchNetwork) -> Program:
    """Add some more ports, one after the other; then take all ports away, and give them back."""
    # The first only makes the program know the network.
    more = range(network.ports + _ADDS, network.ports + 2 * _ADDS + 1)
    _, *adds = [plane.by_program(network.with_ports(number))() for number in more]
    seeds = len(plane.hosts.switches)
    plane.by_program(network.with_ports(0))()
    until(lambda: plane.are_bound(seeds), "all ports to be gone", 600, 0.05)
    confirmed, start = plane.by_program(network)(), time.monotonic()
    until(lambda: plane.are_bound(network.ports + seeds), "all ports to be bound", 600, 0.05)
    return Program(adds, confirmed + time.monotonic() - start)


def measure() -> list[Figure]:
    """Both control planes in turn, several times."""
    pairs = [(one_run(Ours, NETWORK), one_run(Ovn, NETWORK)) for _ in range(_RUNS)]
    ours, ovn = [one for one, _ in pairs], [other for _, other in pairs]
    programs = [run.program for run in ours if run.program is not None]

    def add(what: str, unit: str, value: Callable[[Change], float], target: float | None = None) -> Figure:
        one, other = ([value(change) for run in runs for change in run.adds] for runs in (ours, ovn))
        return Figure(GROUP, f"one more port: {what}", unit, one, other, target=target)

    def row(what: str, unit: str, value: Callable[[Run], float], target: float | None = None) -> Figure:
        one, other = ([value(run) for run in runs] for runs in (ours, ovn))
        return Figure(GROUP, what, unit, one, other, target=target, is_absolute=target == 0)

    return [
        add("the command, until all hosts confirmed", "ms", lambda change: change.command * 1e3, 0.1),
        Figure(
            GROUP,
            "one more port: by a program, until all hosts confirmed",
            "ms",
            [seconds * 1e3 for program in programs for seconds in program.adds],
            [change.command * 1e3 for run in ovn for change in run.adds],
            target=0.1,
        ),
        add("from the model's database to the last flow", "ms", lambda change: change.switches * 1e3, 0.1),
        add("CPU of the control plane", "ms", lambda change: change.cpu * 1e3, 0.1),
        add("CPU of the command", "ms", lambda change: change.client * 1e3),
        add("flows added, changed, deleted in all", "", lambda change: change.flows),
        row("1,000 ports: until confirmed and bound", "s", lambda run: run.load[0], 0.1),
        Figure(
            GROUP,
            "1,000 ports: by a program, until confirmed and bound",
            "s",
            [program.load for program in programs],
            [run.load[0] for run in ovn],
            target=0.1,
        ),
        row("1,000 ports: CPU of the control plane", "s", lambda run: run.load[1]),
        row("memory of the control plane", "MB", lambda run: run.memory, 0.5),
        row("restart: flows that a switch is without", "", lambda run: run.restart.missing, 0),
        row("restart: changes of flows", "", lambda run: run.restart.changes, 0),
        row("restart: until confirmed (of OVN: its one host)", "s", lambda run: run.restart.seconds, 0.5),
        row("restart: CPU per host", "s", lambda run: run.restart.cpu, 0.5),
    ]


if __name__ == "__main__":
    run_group(GROUP, measure)
