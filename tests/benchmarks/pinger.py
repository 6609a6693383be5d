"""A ping at a steady rate, whatever comes back: ``python -m tests.benchmarks.pinger ADDRESS`` in a namespace.

ping(8) sends fewer than 1,000 a second on a busy machine; this one catches up, so that each lost packet is a
millisecond without connection. It prints a line when it has begun. When its input ends it prints for each packet when
it was sent and when its answer came (seconds since the epoch), null for none.
"""

import json
import os
import select
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from mininet_topos.client.lab import Lab

INTERVAL = 0.001
_LAST_ANSWERS = 0.5
"""Seconds that the last packets have for their answers."""
_HEADER, _PAYLOAD = struct.Struct("!BBHHH"), struct.Struct("!I")
_ECHO_REQUEST, _ECHO_REPLY, _IP_HEADER = 8, 0, 20


@dataclass
class Answers:
    """``sent`` and ``answered`` have the time of each packet, in order; ``answered`` None where no answer came."""

    sent: list[float] = field(default_factory=list)
    answered: list[float | None] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """How many were not answered."""
        return self.answered.count(None)

    @property
    def first(self) -> float:
        """When the first answer came. Raises ValueError when none did."""
        return min(when for when in self.answered if when is not None)


@contextmanager
def pinging(lab: Lab, source: str, address: str) -> Iterator[Answers]:
    """Ping an address from a node while a block runs; the answers are there when it has ended."""
    answers = Answers()
    command = lab.command(source, [sys.executable, "-m", "tests.benchmarks.pinger", address])
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    with process:
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield answers
        finally:
            output, _ = process.communicate()
    for sent, answered in json.loads(output):
        answers.sent.append(sent)
        answers.answered.append(answered)


def main() -> None:
    """Ping until the input ends."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    raw.setblocking(False)
    raw.connect((sys.argv[1], 0))
    sent: list[float] = []
    answered: dict[int, float] = {}
    print("begun", flush=True)
    begin = time.monotonic()
    is_ending = False
    end = float("inf")
    while time.monotonic() < end:
        if not is_ending and time.monotonic() >= begin + len(sent) * INTERVAL:
            sent.append(time.time())
            _send(raw, len(sent) - 1)
            continue
        next_one = end if is_ending else begin + len(sent) * INTERVAL
        watched = [raw] if is_ending else [raw, sys.stdin]
        ready, _, _ = select.select(watched, [], [], max(0.0, next_one - time.monotonic()))
        if raw in ready:
            _receive(raw, answered)
        if sys.stdin in ready:
            is_ending, end = True, time.monotonic() + _LAST_ANSWERS
    print(json.dumps([(when, answered.get(number)) for number, when in enumerate(sent)]))


def _send(raw: socket.socket, number: int) -> None:
    identifier, payload = os.getpid() & 0xFFFF, _PAYLOAD.pack(number)
    words = struct.unpack("!6H", _HEADER.pack(_ECHO_REQUEST, 0, 0, identifier, 0) + payload)
    total = sum(words)
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    try:
        raw.send(_HEADER.pack(_ECHO_REQUEST, 0, checksum, identifier, 0) + payload)
    except OSError:
        # There is no way at present; then the packet is lost.
        return


def _receive(raw: socket.socket, answered: dict[int, float]) -> None:
    packet = raw.recv(2048)[_IP_HEADER:]
    kind, _, _, identifier, _ = _HEADER.unpack_from(packet)
    if kind == _ECHO_REPLY and identifier == os.getpid() & 0xFFFF:
        (number,) = _PAYLOAD.unpack_from(packet, _HEADER.size)
        answered.setdefault(number, time.time())


if __name__ == "__main__":
    main()
