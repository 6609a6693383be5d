"""Pinging between many pairs of ports inside a lab, by a process in there."""

import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path

from mininet_topos.errors import LabError
from mininet_topos.probes.neighbours import kernel_table
from mininet_topos.probes.probe import PingResults, Probe, order, result


def probe_command(path: Path) -> list[str]:
    """What is run in a lab's controller node. ``path``: the lab directory."""
    return [sys.executable, "-m", "mininet_topos.probes.probe", str(path)]


def probe(
    command: Sequence[str], lab: str, probes: Sequence[Probe], wait: float, progress: Callable[[int], None]
) -> PingResults:
    """Have a command ping. ``lab``: the lab's name, for errors. The rest is as in :meth:`Lab.probe`."""
    with tempfile.TemporaryFile("w+") as orders, tempfile.TemporaryFile("w+") as results:
        orders.write(order(probes, wait, kernel_table().room))
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
            raise LabError(f"cannot ping inside lab '{lab}': {''.join(said).strip()}")
        results.seek(0)
        return result(results.read())
