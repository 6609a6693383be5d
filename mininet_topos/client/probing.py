"""Trying much at once inside a lab, by a process in there: pings and connections between many pairs of ports."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from mininet_topos.errors import LabError
from mininet_topos.probes.neighbours import kernel_table
from mininet_topos.probes.probe import PingResults, Probe, order, result


def command(module: str, path: Path) -> list[str]:
    """What is run in a lab's controller node: a module of the probes. ``path``: the lab directory."""
    return [sys.executable, "-m", f"mininet_topos.probes.{module}", str(path)]


def probe_command(path: Path) -> list[str]:
    """The command that pings."""
    return command("probe", path)


def probe(
    command: Sequence[str], lab: str, probes: Sequence[Probe], wait: float, progress: Callable[[int], None]
) -> PingResults:
    """Have a command ping. ``lab``: the lab's name, for errors. The rest is as in :meth:`Lab.probe`."""
    return result(run(command, lab, order(probes, wait, kernel_table().room), progress))


def run(command: Sequence[str], lab: str, told: str, progress: Callable[[int], None]) -> str:
    """Have a command try what it is told: what it writes. It says on standard error how far it is."""
    with tempfile.TemporaryFile("w+") as orders, tempfile.TemporaryFile("w+") as results:
        orders.write(told)
        orders.seek(0)
        with subprocess.Popen(command, stdin=orders, stdout=results, stderr=subprocess.PIPE, text=True) as process:
            assert process.stderr is not None
            said = []
            for line in process.stderr:
                if line.strip().isdigit():
                    progress(int(line))
                else:
                    said.append(line)
        if process.returncode != 0:
            raise LabError(f"cannot send packets inside lab '{lab}': {''.join(said).strip()}")
        results.seek(0)
        return results.read()
