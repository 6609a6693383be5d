"""Pings between many pairs of ports at once: did each reach the right instance, and did the answer come back?

A ping that is answered says nothing of who answered: two VPCs may use the same addresses. So every instance is
watched, and a pair counts as answered when the target itself saw the request and the source the reply.

Runs as a short process of its own inside a lab: ``python -m mininet_topos.probe LABDIR``, pairs and results as
JSON on standard input and output.
"""

import json
import os
import selectors
import socket
import struct
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mininet_topos import namespaces
from mininet_topos.directory import LabDirectory, port_node

_ECHO_REQUEST, _ECHO_REPLY = 8, 0  # RFC 792
_MARK = b"ovs-vpc probe "
_GAP = 0.0005
"""Seconds between two requests, so that no queue overflows."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A ping from one port to another's address."""

    source: str
    target: str
    target_ip: str


def answered(instances: Mapping[str, Path], probes: Sequence[Probe], wait: float) -> list[bool]:
    """Whether each ping reached its target and was answered.

    ``instances`` has the namespace of each port; ``wait``: seconds after the last ping was sent.
    """
    watchers = {port: _watch(namespace) for port, namespace in instances.items()}
    try:
        return _Round(watchers, probes).run(wait)
    finally:
        for watcher in watchers.values():
            watcher.close()


def _watch(instance: Path) -> socket.socket:
    with namespaces.inside(instance):
        watcher = socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.IPPROTO_ICMP)
    watcher.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    return watcher


class _Round:
    def __init__(self, watchers: dict[str, socket.socket], probes: Sequence[Probe]) -> None:
        self._watchers = watchers
        self._probes = probes
        self._arrived: set[int] = set()
        self._answered: set[int] = set()
        self._selector = selectors.DefaultSelector()
        for port, watcher in watchers.items():
            self._selector.register(watcher, selectors.EVENT_READ, port)

    def run(self, wait: float) -> list[bool]:
        for index, probe in enumerate(self._probes):
            self._send(index, probe)
            self._receive(_GAP)
        end = time.monotonic() + wait
        while len(self._answered) < len(self._probes) and (left := end - time.monotonic()) > 0:
            self._receive(left)
        self._selector.close()
        return [index in self._arrived and index in self._answered for index in range(len(self._probes))]

    def _send(self, index: int, probe: Probe) -> None:
        data = _MARK + str(index).encode()
        identity = os.getpid() & 0xFFFF
        bare = struct.pack("!BBHHH", _ECHO_REQUEST, 0, 0, identity, index & 0xFFFF)
        request = bare[:2] + struct.pack("!H", _checksum(bare + data)) + bare[4:] + data
        # The source address is the kernel's choice; with several on a port it is the first.
        try:
            self._watchers[probe.source].sendto(request, (probe.target_ip, 0))
        except OSError:
            return  # no way there at all: not answered

    def _receive(self, seconds: float) -> None:
        for key, _ in self._selector.select(seconds):
            watcher = self._watchers[key.data]
            while True:
                try:
                    packet = watcher.recv(2048)
                except BlockingIOError:
                    break
                self._note(key.data, packet)

    def _note(self, port: str, packet: bytes) -> None:
        icmp = packet[(packet[0] & 0xF) * 4 :]
        if not icmp[8:].startswith(_MARK):
            return
        index = int(icmp[8 + len(_MARK) :])
        probe = self._probes[index]
        if icmp[0] == _ECHO_REQUEST and port == probe.target:
            self._arrived.add(index)
        elif icmp[0] == _ECHO_REPLY and port == probe.source:
            self._answered.add(index)


def _checksum(data: bytes) -> int:
    """RFC 1071."""
    words = struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2))
    total: int = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def main() -> None:
    """Read ``{"probes": [...], "wait": seconds}``, write the list of results."""
    order = json.load(sys.stdin)
    probes = [Probe(**probe) for probe in order["probes"]]
    directory = LabDirectory(Path(sys.argv[1]))
    ports = sorted({probe.source for probe in probes} | {probe.target for probe in probes})
    instances = {port: directory.namespace(port_node(port)) for port in ports}
    json.dump(answered(instances, probes, order["wait"]), sys.stdout)


def order(probes: Sequence[Probe], wait: float) -> str:
    """What :func:`main` reads."""
    return json.dumps({"probes": [asdict(probe) for probe in probes], "wait": wait})


if __name__ == "__main__":
    main()
