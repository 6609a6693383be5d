"""How fast both datapaths are: ``python -m tests.benchmarks.datapaths`` measures and writes docs/datapaths.md.

It measures here and, unless the kernel of this machine has Open vSwitch, again in the virtual machine. The
reference is TCP from an instance to itself: what the machine can do where no switch takes part.
"""

import json
import os
import platform
import re
import statistics
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from tests import system_table
from tests.integration.vpclab import VpcLab
from tests.scenario import SHIPPED

_ROOT = Path(__file__).parents[2]
_RESULTS = _ROOT / "build" / "benchmarks"
_PAGE = _ROOT / "docs" / "datapaths.md"
_BEGIN, _END = "<!-- figures: written by tests/benchmarks/datapaths.py -->\n", "<!-- end of figures -->\n"

_ENCAPSULATIONS = ("gre", "vxlan", "geneve")
_SECONDS = 5
_PINGS = 100
_SOURCE, _TARGET = "vm141", "vm47"


@dataclass(frozen=True)
class Figures:
    """What was measured over one encapsulation, between instances on two hosts.

    ``first`` and ``median`` are round trips in milliseconds: of the very first ping, and of those after it.
    ``tcp`` and ``reference`` are in Gbit/s.
    """

    datapath: str
    encapsulation: str
    first: float
    median: float
    tcp: float
    reference: float
    on: str


def measure(encapsulation: str) -> Figures:
    """The figures of this machine."""
    text = (SHIPPED / "vpc0.yaml").read_text().replace("encapsulation: gre", f"encapsulation: {encapsulation}")
    lab = VpcLab(text)
    try:
        first, *others = _round_trips(lab)
        tcp, reference = _throughput(lab, _SOURCE), _throughput(lab, _TARGET)
    finally:
        lab.down()
    return Figures(
        system_table.datapath(), encapsulation, first, statistics.median(others), tcp, reference, _description()
    )


def _round_trips(lab: VpcLab) -> list[float]:
    output = lab.run(_SOURCE, "ping", "-n", "-c", str(_PINGS), "-i", "0.02", lab.address(_TARGET))
    times = [float(time) for time in re.findall(r"icmp_seq=.* time=([\d.]+) ms", output)]
    assert len(times) == _PINGS, output
    return times


def _throughput(lab: VpcLab, source: str) -> float:
    """TCP from an instance to the target, which may be the source itself."""
    with lab.start(_TARGET, "iperf3", "-s", "-1", "--forceflush", stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        while "listening" not in server.stdout.readline():
            pass
        command = ("iperf3", "-c", lab.address(_TARGET), "-t", str(_SECONDS), "-J")
        report = json.loads(lab.run(source, *command))
    return float(report["end"]["sum_received"]["bits_per_second"]) / 1e9


def _description() -> str:
    switch = subprocess.run(["ovs-vswitchd", "--version"], capture_output=True, text=True, check=True).stdout.split()[3]
    kind = "User-Mode Linux" if "mode\t\t: skas" in Path("/proc/cpuinfo").read_text() else "Linux"
    cpus = f"{os.cpu_count()} CPU{'s' if os.cpu_count() != 1 else ''}"
    return f"{datetime.now(UTC):%Y-%m-%d}, Open vSwitch {switch}, {kind} {platform.release()}, {cpus}"


def measure_all() -> None:
    """Measure here and keep what was found."""
    figures = [asdict(measure(encapsulation)) for encapsulation in _ENCAPSULATIONS]
    _RESULTS.mkdir(parents=True, exist_ok=True)
    (_RESULTS / f"{system_table.datapath()}.json").write_text(json.dumps(figures, indent=2) + "\n")


def _kept() -> list[Figures]:
    files = [_RESULTS / f"{name}.json" for name in system_table.DATAPATHS]
    return [Figures(**row) for file in files if file.exists() for row in json.loads(file.read_text())]


def table(figures: Sequence[Figures]) -> str:
    """The figures as text for the page."""
    rows = [
        f"| {row.datapath} | {row.encapsulation} | {row.first:.2f} ms | {row.median:.2f} ms "
        f"| {row.tcp:.2f} Gbit/s | {row.reference:.1f} Gbit/s |"
        for row in figures
    ]
    on = {row.datapath: row.on for row in figures}
    return "\n".join(
        [
            "| datapath | tunnel | first ping | later pings (median) | TCP between hosts | TCP to itself |",
            "| --- | --- | --- | --- | --- | --- |",
            *rows,
            "",
            *(f"- {name}: {where}" for name, where in on.items()),
            "",
        ]
    )


def main() -> int:
    """Measure both datapaths and put the table into the page. With ``here``, only measure this machine's."""
    measure_all()
    if sys.argv[1:] == ["here"]:
        return 0
    if system_table.datapath() == "userspace":
        machine = [sys.executable, "-m", "tests.vm.run", "--seconds=600"]
        subprocess.run([*machine, sys.executable, "-m", "tests.benchmarks.datapaths", "here"], cwd=_ROOT, check=True)
    text = table(_kept())
    before, _, rest = _PAGE.read_text().partition(_BEGIN)
    _PAGE.write_text(f"{before}{_BEGIN}{text}{_END}{rest.partition(_END)[2]}")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
