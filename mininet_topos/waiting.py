"""Waiting inside the lab, in a way that everything still goes on and that can be given up."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from mininet_topos.errors import LabError

_INTERVAL = 0.02

_SLOWNESS = 4 if os.cpu_count() == 1 else 1
"""A lab has a dozen processes or more; where they share one processor, each waits for the others."""


def patience(seconds: float) -> float:
    """How long to wait on this machine for what takes less than some seconds on a usual one."""
    return seconds * _SLOWNESS


@dataclass(frozen=True, slots=True)
class Waiting:
    """How the init waits: ``meanwhile`` looks after everything else, and raises to give up."""

    meanwhile: Callable[[], None]

    def until(self, condition: Callable[[], bool], patience: float) -> bool:
        """Wait for a condition for up to ``patience`` seconds. False when it never came true."""
        deadline = time.monotonic() + patience
        while not condition():
            if time.monotonic() > deadline:
                return False
            self.meanwhile()
            time.sleep(_INTERVAL)
        return True

    def run(self, commands: Sequence[Sequence[str]]) -> None:
        """Run commands side by side and wait for all. Raises :class:`LabError` when one fails."""
        with started(commands) as running:
            while any(process.poll() is None for process in running):
                self.meanwhile()
                time.sleep(_INTERVAL)
            for command, process in zip(commands, running, strict=True):
                _check(command, process)


@contextmanager
def started(commands: Sequence[Sequence[str]]) -> "Iterator[list[subprocess.Popen[str]]]":
    """Commands that run side by side, at most until the end of the block."""
    running = [_start(command) for command in commands]
    try:
        yield running
    finally:
        for process in running:
            with process:
                process.kill()


def _start(command: Sequence[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        list(command), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )


def _check(command: Sequence[str], process: "subprocess.Popen[str]") -> None:
    if process.returncode != 0:
        complaint = process.stderr.read() if process.stderr else ""
        raise LabError(f"{' '.join(command)[:200]} failed: {complaint.strip()}")
