"""Packets between instances on two hosts, against flows by hand and OVN: ``python -m tests.benchmarks.traffic``.

The labs run side by side and are measured in turn, so that whatever else the machine does strikes all of them; and in
another order each time, because on a busy machine it matters which one comes first.
"""

import json
import random
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

from tests.benchmarks.figures import Figure, run_group
from tests.benchmarks.labs import BY_HAND, OURS, OVN, BenchLab, bench_lab

GROUP = "traffic"
_TIMES = 25
_FIRST_PACKETS = 20
_STREAM_SECONDS = 1
_PING_SECONDS = 1.0
_SWITCHED, _ROUTED = "b", "c"
"""The port that ``a`` talks to, within its subnet and beyond."""

Values = dict[str, list[float]]
"""The values of every run, by system."""


@contextmanager
def serving(lab: BenchLab, port: str, *argv: str) -> Iterator[None]:
    """A server in an instance while a block runs."""
    with subprocess.Popen(lab.lab.command(port, argv), stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        next(line for line in server.stdout if "listening" in line)
        try:
            yield
        finally:
            server.kill()


def throughput(lab: BenchLab, target: str, source: str = "a") -> float:
    """Gbit/s of one TCP connection."""
    with serving(lab, target, "iperf3", "-s", "-1", "--forceflush"):
        client = ["iperf3", "-c", lab.address(target), "-t", str(_STREAM_SECONDS), "-J"]
        report = json.loads(lab.run(source, *client))
    return float(report["end"]["sum_received"]["bits_per_second"]) / 1e9


def round_trip(lab: BenchLab, target: str, source: str = "a") -> float:
    """Median round trip in microseconds, of 1,000 pings a second."""
    with lab.pinging(source, target) as answers:
        time.sleep(_PING_SECONDS)
    pairs = zip(answers.sent, answers.answered, strict=True)
    return statistics.median((answered - sent) * 1e6 for sent, answered in pairs if answered is not None)


def connections(lab: BenchLab, target: str, source: str = "a") -> float:
    """TCP connections a second, one after the other."""
    program = [sys.executable, "-m", "tests.benchmarks.connections"]
    with serving(lab, target, *program, "serve"):
        return float(lab.run(source, *program, lab.address(target)))


def first_packet(lab: BenchLab, target: str) -> float:
    """Milliseconds of a ping and its answer when no host has a flow of it in its cache."""
    lab.run("a", "ping", "-c1", lab.address(target))  # the instances know their neighbours
    for host in lab.lab.network.hosts:
        lab.run(host, "ovs-appctl", "revalidator/purge")
    output = lab.run("a", "ping", "-c1", lab.address(target))
    found = re.search(r"time=([\d.]+) ms", output)
    assert found, output
    return float(found.group(1))


def _in_turn(labs: list[BenchLab], measure: Callable[[BenchLab, str], float], target: str, times: int) -> Values:
    values: Values = {lab.system: [] for lab in labs}
    for _ in range(times):
        for lab in random.sample(labs, len(labs)):
            values[lab.system].append(measure(lab, target))
    return values


def _figures(what: str, unit: str, switched: Values, routed: Values, is_better_when_less: bool) -> list[Figure]:
    """Within a switch against flows by hand and OVN, and routed against OVN."""
    hand = 1 / 0.97 if is_better_when_less else 0.97

    def row(where: str, values: Values, of: str, target: float) -> Figure:
        at_least = not is_better_when_less
        return Figure(GROUP, f"{what}, {where}", unit, values[OURS], values[of], of, round(target, 2), at_least)

    return [
        row("one subnet", switched, BY_HAND, hand),
        row("one subnet", switched, OVN, 1),
        row("routed", routed, OVN, 1),
    ]


def measure() -> list[Figure]:
    """All three controllers in turn."""
    with ExitStack() as stack:
        every = [stack.enter_context(bench_lab(system)) for system in (OURS, OVN, BY_HAND)]
        routing = every[:2]
        figures = []
        for what, unit, of, is_less in (
            ("TCP throughput", "Gbit/s", throughput, False),
            ("round trip at 1 kHz", "us", round_trip, True),
            ("TCP connections per second", "", connections, False),
        ):
            switched = _in_turn(every, of, _SWITCHED, _TIMES)
            figures += _figures(what, unit, switched, _in_turn(routing, of, _ROUTED, _TIMES), is_less)
        first = _in_turn(routing, first_packet, _ROUTED, _FIRST_PACKETS)
        figures.append(Figure(GROUP, "first packet, caches cold, routed", "ms", first[OURS], first[OVN], target=0.7))
        return figures


if __name__ == "__main__":
    run_group(GROUP, measure)
