"""A ping that runs while something happens, and its result."""

import os
import re
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO

from mininet_topos.client.lab import Lab, interrupt
from mininet_topos.errors import LabError
from mininet_topos.waiting import patience


@dataclass(slots=True)
class Pings:
    """How many pings were sent and answered. Those that were still under way at the end are not counted."""

    sent: int = 0
    received: int = 0
    started: float = field(default_factory=time.time)
    answers: dict[int, float] = field(default_factory=dict)
    """When each answer came (of those that came), by its number; in seconds since the epoch."""

    @property
    def lost(self) -> int:
        return self.sent - self.received


@contextmanager
def pinging(lab: Lab, source: str, target: str, interval: float = 0.001) -> Iterator[Pings]:
    """Ping an address from a node, each ``interval`` seconds, while a block runs.

    The numbers are there when the block has ended. Raises :class:`LabError` when ping does not run.
    """
    pings = Pings()
    command = lab.command(source, ["ping", "-D", "-n", "-i", str(interval), "-W", "1", target])
    # A pipe that nobody reads meanwhile holds a thousand lines; then ping would stand still.
    with tempfile.TemporaryFile("w+") as out, tempfile.TemporaryFile("w+") as err:
        with subprocess.Popen(command, stdout=out, stderr=err) as process:
            try:
                _wait_for_output(out, process)
                yield pings
            finally:
                interrupt(process)
                process.wait()
        output, errors = (_text(file) for file in (out, err))
    answers = re.findall(r"\[([\d.]+)\] \d+ bytes from .* icmp_seq=(\d+) ", output)
    sent = re.search(r"(\d+) packets transmitted", output)
    if sent is None:
        raise LabError(f"ping does not run: {errors.strip() or output.strip()}")
    # Nothing but the last answer tells a lost ping from one that has not come back yet.
    pings.answers = {int(number): float(when) for when, number in answers}
    pings.sent = max(pings.answers, default=int(sent.group(1)))
    pings.received = len(pings.answers)


def _wait_for_output(file: IO[str], process: "subprocess.Popen[bytes]") -> None:
    """Wait until ping runs, which takes a while on a busy machine. It may print nothing before an answer."""
    end = time.monotonic() + patience(1)
    while not os.fstat(file.fileno()).st_size and process.poll() is None and time.monotonic() < end:
        time.sleep(0.01)


def _text(file: IO[str]) -> str:
    file.seek(0)
    return file.read()
