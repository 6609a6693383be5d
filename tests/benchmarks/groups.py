"""Security groups, against OVN with ACLs on port groups and address sets: ``python -m tests.benchmarks.groups``.

Packets of ports that have groups, and of ports without any beside them; what a scan leaves in the caches; 10,000
connections at once; and what it costs to change who is in a group.
"""

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, suppress

from tests.benchmarks import crowd, membership, scan, traffic
from tests.benchmarks.connections import PORT
from tests.benchmarks.figures import Figure, run_group
from tests.benchmarks.labs import NETWORK, OURS, OVN, BenchLab, bench_lab
from tests.benchmarks.membership import Membership
from tests.benchmarks.ours import Ours
from tests.benchmarks.ovn import Ovn
from tests.benchmarks.processes import cpu_seconds
from tests.benchmarks.watching import until
from tests.commands import commands

GROUP = "groups"
_TIMES = 9
_TRIES = 5
_SCANS = 2
_CROWDS, _CROWD = 2, 10_000
"""The client's kernel gives 28,232 ports, and keeps each for a minute after its connection: more runs would run out."""
_RUNS = 1
_IPERF = 5201
_WITH, _WITHOUT = ("a", "c"), ("a2", "c2")
"""Who talks to whom, routed, from one host to another: ports with groups, and such without in the same VPC."""
_SCANNED, _REFUSED = "10.3.1", "10.3.2"
"""The first three numbers of addresses that ``clients`` may send UDP to, and may not."""
_OPEN = 10050
"""One of the ports that are scanned, which rules name."""

_GROUPS = f"""\
security_groups:
  clients:
    vpc: v
    in:
      - {{icmp: ping}}
    out:
      - {{to: servers, tcp: [{_IPERF}, {PORT}, {crowd.PORT}]}}
      - {{to: {_SCANNED}.0/24, protocol: udp}}
      - {{to: {_REFUSED}.0/24, udp: {_OPEN}}}
      - {{icmp: ping}}
  servers:
    vpc: v
    in:
      - {{from: clients, tcp: [{_IPERF}, {PORT}, {crowd.PORT}]}}
      - {{from: clients, udp: {_OPEN}}}
      - {{icmp: ping}}
"""
_BESIDE = """\
  a2: {vpc: v, ips: [10.1.0.21], host: h1}
  c2: {vpc: v, ips: [10.2.0.23], host: h2}
"""


def _grouped(text: str) -> str:
    """A network with security groups: ``a`` is a client, and everybody else who is named a server."""
    for name in ("a", "b", "c", *(f"t{number}" for number in range(1, scan.ADDRESSES + 1))):
        group = "clients" if name == "a" else "servers"
        text = text.replace(f"  {name}: {{vpc: v,", f"  {name}: {{vpc: v, groups: [{group}],", 1)
    return text.replace("ports:\n", f"{_GROUPS}ports:\n", 1)


class _Series:
    """A measurement of several pairs of instances in turn: its values, and CPU of Open vSwitch on all hosts."""

    def __init__(self, labs: Sequence[tuple[BenchLab, tuple[str, str]]]) -> None:
        self._labs = labs
        self.values: list[list[float]] = [[] for _ in labs]
        self.cpu: list[list[float]] = [[] for _ in labs]
        self.aborted = [0.0 for _ in labs]
        """How often ovs-vswitchd of a host ended meanwhile. Such a measurement is repeated, and counts for nothing."""

    def run(self, measure: Callable[[BenchLab, str, str], float], times: int) -> None:
        """``cpu``: microseconds for each unit of what is measured, of a measurement of one second."""
        for _ in range(times):
            for number in random.sample(range(len(self._labs)), len(self._labs)):
                value, used = self._one(number, measure)
                self.values[number].append(value)
                self.cpu[number].append(used * 1e6 / value)

    def _one(self, number: int, measure: Callable[[BenchLab, str, str], float]) -> tuple[float, float]:
        """The value of one measurement, and the CPU seconds of it."""
        lab, (source, target) = self._labs[number]
        for _ in range(_TRIES):
            before, value = _switching(lab), None
            with suppress(RuntimeError):
                value = measure(lab, target, source)
            after = _switching(lab)
            if value is not None and after.keys() == before.keys():
                return value, sum(after.values()) - sum(before.values())
            self.aborted[number] += len(before.keys() - after.keys())
            until(lambda: lab.reaches(source, target), f"{lab.system}: {source} to reach {target} again", 60)
        raise RuntimeError(f"{lab.system}: {_TRIES} measurements failed one after the other")


def _switching(lab: BenchLab) -> dict[int, float]:
    """CPU seconds of each process ovs-vswitchd of a lab."""
    hosts = str(lab.lab.path / "hosts")
    found = [pid for pid, argv in commands() if "ovs-vswitchd" in argv[0] and hosts in " ".join(argv)]
    return {pid: cpu_seconds(pid) for pid in found}


_MEASURED = (
    ("TCP throughput", "Gbit/s", "ms a Gbit", traffic.throughput, True),
    ("round trip at 1 kHz", "us", "", traffic.round_trip, False),
    ("TCP connections per second", "", "us each", traffic.connections, True),
)
"""What it is, its unit, that of the CPU for it, how it is measured, and whether more is better."""


def _packets() -> Iterator[Figure]:
    """Throughput, round trip and connections, of ports with groups and without; then very many connections."""
    with ExitStack() as stack:
        ours, ovn = (stack.enter_context(bench_lab(system, _grouped(NETWORK + _BESIDE))) for system in (OURS, OVN))
        bare = stack.enter_context(bench_lab(OURS, NETWORK + _BESIDE, "bare"))
        pairs = [(ours, _WITH), (ovn, _WITH), (ours, _WITHOUT), (bare, _WITHOUT)]
        for what, unit, per, of, at_least in _MEASURED:
            series = _Series(pairs)
            series.run(of, _TIMES)
            near = 0.97 if at_least else round(1 / 0.97, 2)
            mine, theirs, beside, without = series.values
            yield Figure(GROUP, f"{what}, groups on both ends", unit, mine, theirs, "OVN with ACLs", 1, at_least)
            yield Figure(GROUP, f"{what}, ports without groups beside", unit, beside, without, _NONE, near, at_least)
            yield Figure(GROUP, f"{what}, what groups cost", unit, mine, beside, "without groups")
            if per:
                scale = 1e-3 if per.startswith("ms") else 1
                mine, theirs, beside, without = ([each * scale for each in values] for values in series.cpu)
                used = f"{what}: CPU of Open vSwitch"
                yield Figure(GROUP, f"{used}, groups on both ends", per, mine, theirs, "OVN with ACLs")
                yield Figure(GROUP, f"{used}, ports without groups beside", per, beside, without, _NONE)
            mine, theirs, *_ = ([count] for count in series.aborted)
            yield Figure(GROUP, f"{what}: times that ovs-vswitchd aborted meanwhile", "", mine, theirs, "OVN with ACLs")
        (failed, seconds), (failed_too, seconds_too) = (zip(*_crowds(lab), strict=True) for lab in (ours, ovn))
        what = f"{_CROWD:,} connections at once through one port"
        # Each one counts that fails, in whichever run.
        sums = [float(sum(failed))], [float(sum(failed_too))]
        failures = f"{what}: that failed, of {_CROWDS} times as many"
        yield Figure(GROUP, failures, "", *sums, "OVN with ACLs", 0, is_absolute=True)
        yield Figure(GROUP, f"{what}: until all were open", "s", seconds, seconds_too, "OVN with ACLs")


_NONE = "ovs-vpc, no groups anywhere"


def _crowds(lab: BenchLab) -> list[tuple[float, float]]:
    """How many of very many connections failed, and the seconds until all were open, several times."""
    source, target = _WITH
    program = [sys.executable, "-m", "tests.benchmarks.crowd"]
    with traffic.serving(lab, target, *program, "serve"):
        answers = [lab.run(source, *program, lab.address(target), str(_CROWD)).split() for _ in range(_CROWDS)]
    return [(float(failed), float(seconds)) for failed, seconds in answers]


def _scans() -> Iterator[Figure]:
    """What a scan leaves that the targets refuse, and one that the sender's own groups refuse."""
    with ExitStack() as stack:
        labs = [stack.enter_context(bench_lab(system, _grouped(scan.network()))) for system in (OURS, OVN)]
        for lab in labs:
            scan.silence(lab)
        there, refused = (
            [[scan.scan(lab, prefix) for _ in range(_SCANS)] for lab in labs] for prefix in (_SCANNED, _REFUSED)
        )
    for what, scans, at in (
        ("a scan that the targets refuse: megaflows at the source", there, "source_all"),
        ("a scan that the targets refuse: megaflows at the targets", there, "target_all"),
        ("a scan that the sender may not: megaflows at the source", refused, "source_all"),
    ):
        ours, ovn = ([float(getattr(one, at)) for one in each] for each in scans)
        yield Figure(GROUP, what, "", ours, ovn, "OVN with ACLs", 0.5)


def _memberships() -> Iterator[Figure]:
    """What it costs to change who is in a group."""
    runs = [(membership.measure(Ours), membership.measure(Ovn)) for _ in range(_RUNS)]
    ours, ovn = [one for one, _ in runs], [other for _, other in runs]

    def row(
        what: str, unit: str, value: Callable[[Membership], list[float]], target: float | None = None, *,
        of: Callable[[Membership], list[float]] | None = None, is_absolute: bool = False,
    ) -> Figure:  # fmt: skip
        one = [each for run in ours for each in value(run)]
        other = [each for run in ovn for each in (of or value)(run)]
        return Figure(GROUP, what, unit, one, other, "OVN with ACLs", target, is_absolute=is_absolute)

    many = f"a group of {membership.MEMBERS:,} with 20 rules, 100 members on a host"
    more, leave = "one member more", f"{membership.MANY:,} members out in one apply, until all hosts confirmed"
    yield row(f"{many}: flows of it on a host", "", lambda run: [run.flows], 1500, is_absolute=True)
    yield row(f"{many}: all flows on a host", "", lambda run: [run.all_flows])
    yield row(f"{more}: the command, until all hosts confirmed", "ms", lambda run: run.adds, 0.2)
    what = f"{more}: by a program, until all hosts confirmed"
    yield row(what, "ms", lambda run: run.programs, 0.2, of=lambda run: run.adds)
    yield row(f"{more}: CPU of the control plane", "ms", lambda run: run.cpu)
    yield row(f"{more}: flows added, changed, deleted in all", "", lambda run: [float(one) for one in run.changes])
    seconds, cpu = zip(*(run.leave for run in ours if run.leave is not None), strict=True)
    yield Figure(GROUP, leave, "s", seconds, target=1)
    yield Figure(GROUP, f"{leave}: CPU of the control plane", "s", cpu)


def measure() -> list[Figure]:
    """Packets first, then scans, then control planes."""
    return [*_packets(), *_scans(), *_memberships()]


if __name__ == "__main__":
    run_group(GROUP, measure)
