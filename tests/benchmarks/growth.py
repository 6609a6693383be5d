"""How the cost of a change grows with the network: ``python -m tests.benchmarks.growth``.

First more ports on the same ten hosts, which all hold flows of all ports. Then ten times as many hosts and ports, in
ten VPCs that share nothing: a new port concerns the same number of hosts as before.
"""

import time
from dataclasses import dataclass
from statistics import median

from tests.benchmarks import planes
from tests.benchmarks.figures import Figure, run_group
from tests.benchmarks.networks import BenchNetwork
from tests.benchmarks.ours import Ours
from tests.benchmarks.planes import Change

GROUP = "growth"
_SMALL, _LARGE = BenchNetwork(ports=1000), BenchNetwork(ports=5000)
_ONE_GROUP, _TEN_GROUPS = BenchNetwork(ports=2000), BenchNetwork(ports=20_000, groups=10)
_ADDS = 3
_PROGRAM_ADDS = 15
_SHORT = 0.5
"""Seconds in which a port is added by a program, and what follows at leisure."""


def _cost(network: BenchNetwork) -> tuple[float, list[Change]]:
    """Seconds to give the network all its ports, and what some more cost."""
    with planes.plane(Ours, network, extra=_ADDS) as plane:
        seconds, _ = planes.load(plane, network)
        return seconds, planes.add(plane, network, _ADDS)


def more_ports() -> list[Figure]:
    """5,000 ports on ten hosts against 1,000."""
    (load, adds), (small_load, small_adds) = _cost(_LARGE), _cost(_SMALL)
    commands, small_commands = ([change.command * 1e3 for change in found] for found in (adds, small_adds))
    switches, small_switches = ([change.switches * 1e3 for change in found] for found in (adds, small_adds))
    of = "1,000 ports"
    return [
        Figure(GROUP, "5,000 ports, one more: to the last flow", "ms", switches, small_switches, of, 1.5),
        Figure(GROUP, "5,000 ports, one more: the command", "ms", commands, small_commands, of, 1.5),
        Figure(GROUP, "5,000 ports: until confirmed and bound", "s", [load], [small_load], of, 6),
    ]


@dataclass(frozen=True)
class _Program:
    """What one more port costs when a program adds it: milliseconds of processor time of the control plane."""

    cpu: list[float]
    command: Change
    """One that a command added."""


def _by_program(network: BenchNetwork) -> _Program:
    """Look at short times in which a port is added or nothing is done, in turn.

    The control plane of many hosts is never idle, and what it does now and then is not to be mixed up with the change.
    """
    with planes.plane(Ours, network, extra=_PROGRAM_ADDS + 2) as plane:
        assert isinstance(plane, Ours)
        planes.load(plane, network)
        (command,) = planes.add(plane, network, 1)
        plane.by_program(network.with_ports(network.ports + 2))()  # the program gets to know the network
        idle, busy = list[float](), list[float]()
        for number in range(3, _PROGRAM_ADDS + 3):
            apply = plane.by_program(network.with_ports(network.ports + number))
            time.sleep(_SHORT)
            for found, act in ((idle, None), (busy, apply)):
                before, start = planes.cpu(plane.pids), time.monotonic()
                if act is not None:
                    act()
                time.sleep(start + _SHORT - time.monotonic())
                found.append((planes.cpu(plane.pids) - before) * 1e3)
        return _Program([each - median(idle) for each in busy], command)


def more_hosts() -> list[Figure]:
    """100 hosts with 20,000 ports against 10 with 2,000."""
    large, small = _by_program(_TEN_GROUPS), _by_program(_ONE_GROUP)
    what = "100 hosts, 20,000 ports, one more"
    of = "10 hosts, 2,000 ports"
    flows, few = ([float(found.command.flows)] for found in (large, small))
    # The hosts that must change are as many, so the work is the same.
    goal = 1.2 * median(flows) / median(few)
    sent, sent_few = ([found.command.databases * 1e3] for found in (large, small))
    return [
        Figure(GROUP, f"{what}: CPU of the control plane", "ms", large.cpu, small.cpu, of, round(goal, 1)),
        Figure(GROUP, f"{what} by a command: CPU of the store's server", "ms", sent, sent_few, of),
        Figure(GROUP, f"{what}: flows changed", "", flows, few, of),
    ]


def measure() -> list[Figure]:
    """Ports first, then hosts."""
    return more_ports() + more_hosts()


if __name__ == "__main__":
    run_group(GROUP, measure)
