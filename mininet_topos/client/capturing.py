"""Capturing frames inside a lab, for whoever looks on from outside."""

import os
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import IO

from mininet_topos.errors import LabError
from mininet_topos.waiting import patience

_LAST_PACKETS = patience(0.3)
"""Seconds that a capture goes on, for what was just sent to pass."""

_PCAP_HEADER, _PCAP_RECORD = 24, struct.Struct("!IIII")


def capture_command(interface: str) -> list[str]:
    """What is run in a node to capture what passes an interface of it."""
    return [sys.executable, "-m", "mininet_topos.probes.capture", interface]


@contextmanager
def capture(command: Sequence[str]) -> Iterator[list[bytes]]:
    """Run a command that captures while a block runs. The frames are in the list when the block has ended."""
    frames: list[bytes] = []
    with tempfile.TemporaryFile() as pcap:
        with subprocess.Popen(command, stdout=pcap, stderr=subprocess.PIPE) as process:
            try:
                _wait(process, pcap)
                yield frames
                time.sleep(_LAST_PACKETS)
            finally:
                process.kill()
        pcap.seek(_PCAP_HEADER)
        while header := pcap.read(_PCAP_RECORD.size):
            frames.append(pcap.read(_PCAP_RECORD.unpack(header)[2]))


def _wait(process: "subprocess.Popen[bytes]", pcap: IO[bytes]) -> None:
    while os.fstat(pcap.fileno()).st_size < _PCAP_HEADER:
        if process.poll() is not None:
            assert process.stderr is not None
            raise LabError(f"cannot capture: {process.stderr.read().decode().strip()}")
        time.sleep(0.01)
