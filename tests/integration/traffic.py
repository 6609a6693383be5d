"""Packets between two instances while something happens, and how many of them were lost."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

from mininet_topos.client.pinging import Pings
from tests.integration.vpclab import RATE, VpcLab

STREAM = ("-b", "1M", "-l", "1000", "--pacing-timer", "1000", "-t", "600", "-f", "m", "--forceflush")
"""A thousand bytes at a time: bursts would overrun the queue of a TAP or a packet socket, fault or not."""


@dataclass(slots=True)
class Stream:
    """A TCP stream, second by second."""

    seconds: list[tuple[float, float, int]] = field(default_factory=list)
    """When each ended (seconds since the epoch), its Mbit/s, and the segments that were sent again in it."""

    @property
    def again(self) -> int:
        """Segments that were sent again: lost, or taken for lost."""
        return sum(again for _, _, again in self.seconds)


@dataclass(slots=True)
class Traffic:
    """A ping each millisecond, and a TCP stream."""

    pings: Pings
    stream: Stream

    def losses(self, fault: str) -> int:
        """How many pings were lost in all; prints it."""
        pings = self.pings
        print(
            f"fault: {pings.lost} of {pings.sent} packets lost: {fault}; longest silence {self._silence():.2f} s; ",
            end="",
        )
        print(f"TCP: {self._stream()}")
        assert pings.sent > 500 * RATE, "too few packets to tell"
        assert self.stream.seconds[-1][1] > 0, "the TCP stream did not go on"
        return pings.lost

    def lost_after(self, moment: float) -> int:
        """How many of the lost pings were sent after some time."""
        lost = 0
        for (one, since), (two, until) in pairwise(sorted(self.pings.answers.items())):
            for number in range(one + 1, two):
                lost += since + (until - since) * (number - one) / (two - one) > moment
        return lost

    def _silence(self) -> float:
        """The longest time without an answer. Without answers ping sends every 10 ms only."""
        return max(until - since for since, until in pairwise(sorted(self.pings.answers.values())))

    def _stream(self) -> str:
        rates = [rate for _, rate, _ in self.stream.seconds]
        return f"{min(rates):g} to {max(rates):g} Mbit/s, {self.stream.again} segments sent again"


@contextmanager
def traffic(lab: VpcLab, source: str, pinged: str, streamed: str) -> Iterator[Traffic]:
    """Ping a port, and send a TCP stream to another, while a block runs. The figures are there when it has ended."""
    stream = Stream()
    with lab.start(streamed, "iperf3", "-s", "-1", "--forceflush", stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        next(line for line in server.stdout if "listening" in line)
        with lab.start(source, "iperf3", "-c", lab.address(streamed), *STREAM, stdout=subprocess.PIPE) as process:
            assert process.stdout is not None
            try:
                _second(process.stdout, stream)
                with lab.pinging(source, pinged, at_least=600 * RATE) as pings:
                    result = Traffic(pings, stream)
                    yield result
                    end = time.time()
                    while stream.seconds[-1][0] < end:
                        _second(process.stdout, stream)
            finally:
                process.kill()
                server.kill()


def _second(lines: Iterator[str], stream: Stream) -> None:
    """Read the next second of the stream."""
    for line in lines:
        if found := re.search(r"-([\d.]+) +sec .* ([\d.]+) Mbits/sec +(\d+)", line):
            began = stream.seconds[0][0] - 1 if stream.seconds else time.time() - 1
            stream.seconds.append((began + float(found[1]), float(found[2]), int(found[3])))
            return
    raise AssertionError("the TCP stream ended")
