"""A ping that runs while something happens, and what became of it."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from mininet_topos.errors import LabError
from mininet_topos.lab import Lab, interrupt


@dataclass(slots=True)
class Pings:
    """How many pings were sent and answered. Those that were still under way at the end are not counted."""

    sent: int = 0
    received: int = 0

    @property
    def lost(self) -> int:
        return self.sent - self.received


@contextmanager
def pinging(lab: Lab, source: str, target: str, interval: float = 0.001) -> Iterator[Pings]:
    """Ping an address from a node, each ``interval`` seconds, while a block runs.

    The numbers are there when the block has ended. Raises :class:`LabError` when ping does not run.
    """
    pings = Pings()
    command = lab.command(source, ["ping", "-n", "-i", str(interval), "-W", "1", target])
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            yield pings
        finally:
            interrupt(process)
            output, errors = process.communicate()
    answered = {int(number) for number in re.findall(r"bytes from .* icmp_seq=(\d+) ", output)}
    sent = re.search(r"(\d+) packets transmitted", output)
    if sent is None:
        raise LabError(f"ping does not run: {errors.strip() or output.strip()}")
    # Nothing but the last answer tells a lost ping from one that has not come back yet.
    pings.sent = max(answered, default=int(sent.group(1)))
    pings.received = len(answered)
