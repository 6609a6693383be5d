"""What processes cost, read from the kernel, and processes that end with the benchmark."""

import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

_CPU_CLOCK = 2
"""In the number of a process's clock: that it is the one of its processor time (clock_getcpuclockid(3))."""


def cpu_seconds(pid: int) -> float:
    """Processor time that a process has used in all its threads, to the nanosecond."""
    return time.clock_gettime(~pid << 3 | _CPU_CLOCK)


def resident_megabytes(pid: int) -> float:
    """Memory of a process that is in RAM, in 10^6 bytes."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) * 1024 / 1e6


@dataclass(frozen=True)
class Ran:
    """A command that has ended: how long it ran and what it used, both in seconds."""

    seconds: float
    cpu: float
    output: str


def run(argv: Sequence[str], environment: Mapping[str, str] | None = None, *, check: bool = True) -> Ran:
    """Run a command to its end. Raises RuntimeError with its words when it fails, unless ``check`` is False."""
    before, start = os.times(), time.monotonic()
    done = subprocess.run(argv, env=environment, capture_output=True, text=True, check=False)
    seconds, after = time.monotonic() - start, os.times()
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(argv)[:300]} failed:\n{done.stdout}{done.stderr}")
    cpu = after.children_user + after.children_system - before.children_user - before.children_system
    return Ran(seconds, cpu, done.stdout)


class Daemon:
    """A process that runs until it is killed, and no longer than the benchmark."""

    def __init__(self, argv: Sequence[str], log: Path, environment: Mapping[str, str] | None = None) -> None:
        self._argv, self._log, self._environment = argv, log, environment
        self.start()

    def start(self) -> None:
        """Start it, or start it again."""
        with self._log.open("a") as log:
            argv = ["setpriv", "--pdeathsig=KILL", "--", *self._argv]
            self._process = subprocess.Popen(argv, env=self._environment, stdout=log, stderr=log)

    @property
    def pid(self) -> int:
        return self._process.pid

    def end(self) -> None:
        """Ask it to end, and wait until it has."""
        self._process.terminate()
        self._process.wait()

    def kill(self) -> None:
        """End it as a crash would, and wait until it is gone."""
        self._process.kill()
        self._process.wait()
