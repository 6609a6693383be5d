"""Figures: what was measured of ours and of a reference, and the goal."""

import json
import os
import platform
import signal
import statistics
import sys
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from tests.benchmarks.processes import run

_WIDTH = 160
"""Columns of a table that does not go to a terminal."""

RESULTS = Path(__file__).parents[2] / "build" / "benchmarks" / "performance"


@dataclass(frozen=True)
class Figure:
    """One row: ``ours`` and ``reference`` hold one value per run, in ``unit``.

    ``target`` is the largest ratio of the medians that is a success, with ``at_least`` the smallest. With
    ``is_absolute``, and of figures without a reference, it is about our median itself.
    """

    group: str
    what: str
    unit: str
    ours: Sequence[float]
    reference: Sequence[float] = ()
    of: str = "OVN"
    target: float | None = None
    at_least: bool = False
    is_absolute: bool = False

    @property
    def value(self) -> float:
        return statistics.median(self.ours)

    @property
    def ratio(self) -> float | None:
        """Ours over the reference, by the medians; None without a reference, or with one of 0."""
        if not self.reference or not statistics.median(self.reference):
            return None
        return self.value / statistics.median(self.reference)

    @property
    def is_reached(self) -> bool | None:
        """Whether the goal is reached; None where there is no goal."""
        if self.target is None:
            return None
        compared = self.value if self.is_absolute or self.ratio is None else self.ratio
        return compared >= self.target if self.at_least else compared <= self.target

    @property
    def goal(self) -> str:
        """The goal in words."""
        if self.target is None:
            return ""
        sign = "≥" if self.at_least else "≤"
        of = "" if self.is_absolute or not self.reference else "x"
        return f"{sign} {self.target:g} {of or self.unit}".rstrip()

    def cells(self) -> tuple[str, ...]:
        """The row as text: what, ours, reference, ratio, goal, reached."""
        ratio = "" if self.ratio is None else f"{self.ratio:.3g}"
        reached = {None: "", True: "yes", False: "no"}[self.is_reached]
        return (self.what, _values(self.ours, self.unit), self._reference(), ratio, self.goal, reached)

    def _reference(self) -> str:
        return f"{self.of}: {_values(self.reference, self.unit)}" if self.reference else ""


HEADERS = ("what", "ovs-vpc", "reference", "ratio", "goal", "reached")


def _values(values: Sequence[float], unit: str) -> str:
    text = _number(statistics.median(values))
    if len(values) > 1:
        text += f" ({_number(min(values))}-{_number(max(values))})"
    return f"{text} {unit}".rstrip()


def _number(value: float) -> str:
    return f"{value:,.0f}" if abs(value) >= 100 or value == int(value) else f"{value:.3g}"


def show(group: str, figures: Sequence[Figure], load: float) -> None:
    """Print figures as a table, and keep them for the page."""
    table = Table(*HEADERS, title=f"{group}: median (smallest-largest) of the runs")
    for figure in figures:
        table.add_row(*figure.cells())
    Console(width=None if sys.stdout.isatty() else _WIDTH).print(table)
    RESULTS.mkdir(parents=True, exist_ok=True)
    kept = {"machine": machine(load), "figures": [asdict(figure) for figure in figures]}
    (RESULTS / f"{group}.json").write_text(json.dumps(kept, indent=2) + "\n")


def kept(group: str) -> tuple[str, list[Figure]] | None:
    """The figures of a group that were measured last, and on which day and machine; None when there are none."""
    file = RESULTS / f"{group}.json"
    if not file.exists():
        return None
    found = json.loads(file.read_text())
    return found["machine"], [Figure(**row) for row in found["figures"]]


def machine(load: float) -> str:
    """The day, the versions and the machine, with its load average before."""
    tools = ("ovs-vswitchd", "ovn-northd")
    versions = [run([tool, "--version"]).output.split("\n")[0] for tool in tools]
    where = (
        f"Linux {platform.release()}, {os.cpu_count()} CPUs, load {load:.1f} before, Python {platform.python_version()}"
    )
    commit = run(["git", "describe", "--always", "--dirty"]).output.strip()
    return f"{datetime.now(UTC):%Y-%m-%d %H:%M} UTC, commit {commit}, {', '.join(versions)}, {where}"


def run_group(group: str, measure: Callable[[], list[Figure]]) -> None:
    """Measure a group of figures and show them: what each module of this directory does as a program."""
    # Whoever ends it lets it end what it has started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(128 + signal.SIGTERM))
    load, _, _ = os.getloadavg()
    show(group, measure(), load)
