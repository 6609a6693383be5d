"""What instances notice of the control plane, against OVN: ``python -m tests.benchmarks.path``.

A ping 1,000 times a second from another host, through the router, while a port comes, moves, or a controller dies.
"""

import os
import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager

from tests.benchmarks.announcing import Announcer
from tests.benchmarks.figures import Figure, run_group
from tests.benchmarks.labs import OURS, OVN, BenchLab, bench_lab
from tests.benchmarks.ovsdb import HostDatabase
from tests.benchmarks.pinger import Answers
from tests.benchmarks.roamer import PORT, Roamer
from tests.benchmarks.watching import until

GROUP = "path"
_TIMES = 10
_KILLS = 5
_BEFORE, _AFTER = 0.5, 2.0
"""Seconds that pings go on before and after something is done."""
_BOTH = 1.0
"""Seconds until the instance uses its new host: by then both hosts get what is sent to it."""
_REVIVAL = 6.0
"""The same after a controller was killed; it is back after half a second and has its hosts some time later."""


@contextmanager
def _pinged(lab: BenchLab, target: str, after: float = _AFTER) -> Iterator[Answers]:
    """A ping around a block, with time before and after it; then waits until pings are answered."""
    with lab.pinging("a", target) as answers:
        time.sleep(_BEFORE)
        yield answers
        time.sleep(after)
    until(lambda: lab.reaches("a", target), f"{lab.system}: a to reach {target} again")


def new_port(lab: BenchLab, roamer: Roamer, database: HostDatabase) -> float:
    """Milliseconds from when a host's database is told of an interface to the first ping that is answered."""
    with lab.pinging("a", PORT) as pings:
        time.sleep(_BEFORE)
        there = database.plug({roamer.interface("h2"): PORT})
        time.sleep(_AFTER)
    roamer.unplug("h2")
    return (pings.first - there) * 1e3


def move(lab: BenchLab, roamer: Roamer, databases: dict[str, HostDatabase], old: str, new: str) -> int:
    """How many pings are lost when a port goes from one host to another.

    Both hosts have an interface for it all the time. In one moment the old one loses its link and the name of the port,
    and the new one gets the name: nothing of that waits for the rest. The model says nothing of the host.
    """
    with roamer.leaving(old) as leave, _pinged(lab, PORT) as pings:
        told = databases[old].begin_to_identify(roamer.interface(old), None)
        told_too = databases[new].begin_to_identify(roamer.interface(new), PORT)
        leave()
        told()
        told_too()
    roamer.enter(old)
    return pings.lost


def announced_move(
    lab: BenchLab, roamer: Roamer, databases: dict[str, HostDatabase], announcer: Announcer, old: str, new: str
) -> int:
    """The same when the controller was told before, and sends to both hosts what is for the port while it moves."""
    with roamer.leaving(old) as leave, _pinged(lab, PORT) as pings:
        announcer.begin(old, new)
        databases[new].identify(roamer.interface(new), PORT)
        time.sleep(_BOTH)
        leave()
        announcer.end(new)
        databases[old].identify(roamer.interface(old), None)
    roamer.enter(old)
    return pings.lost


def kill(lab: BenchLab) -> int:
    """How many pings are lost when the controller of the sender's host is killed and comes back."""
    (old,) = lab.controllers("h1")
    with _pinged(lab, "c", _REVIVAL) as pings:
        os.kill(old, signal.SIGKILL)
        until(lambda: lab.controllers("h1") not in ([], [old]), "the controller to be started again", interval=0.1)
    return pings.lost


def one_system(system: str) -> tuple[list[float], ...]:
    """All figures of one controller: new ports, moves, announced moves, kills."""
    with bench_lab(system) as lab, lab.database("h2") as h2, lab.database("h3") as h3:
        roamer = Roamer(lab)
        databases = {"h2": h2, "h3": h3}
        new = [new_port(lab, roamer, h2) for _ in range(_TIMES)]
        h2.plug({roamer.interface("h2"): PORT})
        h3.plug({roamer.interface("h3"): "nobody"})
        until(lambda: lab.reaches("a", PORT), f"a to reach {PORT}")
        ways = [("h2", "h3"), ("h3", "h2")] * (_TIMES // 2)
        moved = [float(move(lab, roamer, databases, *way)) for way in ways]
        announcer = Announcer(lab)
        announced = [float(announced_move(lab, roamer, databases, announcer, *way)) for way in ways]
        announcer.close()
        return new, moved, announced, [float(kill(lab)) for _ in range(_KILLS)]


def measure() -> list[Figure]:
    """Both controllers, one after the other."""
    ours, ovn = one_system(OURS), one_system(OVN)
    return [
        Figure(
            GROUP,
            "new port: first answer after its interface goes into the database",
            "ms",
            ours[0],
            ovn[0],
            target=0.5,
        ),
        Figure(GROUP, "a port moves: pings lost (ms)", "", ours[1], ovn[1], target=5, is_absolute=True),
        Figure(GROUP, "an announced move: pings lost (ms)", "", ours[2], ovn[2], target=0, is_absolute=True),
        Figure(GROUP, "controller killed and back: pings lost (ms)", "", ours[3], ovn[3], target=0, is_absolute=True),
    ]


if __name__ == "__main__":
    run_group(GROUP, measure)
