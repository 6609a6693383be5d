"""Pings between many pairs of ports at once: did each reach the right instance, and did the answer come back?

A ping that is answered says nothing of who answered: two VPCs may use the same addresses. So every instance is
watched, and a pair counts as answered when the target itself saw the request and the source the reply.

Runs as a short process of its own inside a lab: ``python -m mininet_topos.probes.probe LABDIR``, pairs and results as
JSON on standard input and output.
"""

import errno
import json
import os
import resource
import selectors
import socket
import struct
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from sys import intern

from mininet_topos.directory import LabDirectory, port_node
from mininet_topos.inside import namespaces
from mininet_topos.probes.neighbours import NeighbourEntry, Neighbours

_ECHO_REQUEST, _ECHO_REPLY = 8, 0  # RFC 792
_MARK = b"ovs-vpc probe "
_GAP = 0.0005
"""Seconds between two requests, so that no queue overflows."""

_TELLS_EACH = 1.0
"""Seconds between two words on how far it is."""


@dataclass(frozen=True, slots=True)
class Probe:
    """A ping from one port to another's address, and the neighbour entries that it needs."""

    source: str
    target: str
    target_ip: str
    needs: tuple[NeighbourEntry, ...] = ()


@dataclass(frozen=True, slots=True)
class PingResults:
    """Whether each ping reached its target and was answered."""

    answered: list[bool]
    unsent: int
    """How many could not be sent, for the kernel's table of neighbours was full."""


def answered(
    instances: Mapping[str, Path],
    probes: Sequence[Probe],
    wait: float,
    neighbours: Neighbours,
    progress: Callable[[int], None] = lambda _: None,
) -> PingResults:
    """Send pings, as many at a time as there is room for in the kernel's table of neighbours.

    ``instances`` has the namespace of each port; ``wait``: seconds that each ping has. ``progress`` is told every
    second how many are over.
    """
    watchers = {port: _watch(namespace) for port, namespace in instances.items()}
    try:
        return _Round(watchers, probes, neighbours, progress).run(wait)
    finally:
        for watcher in watchers.values():
            watcher.close()
        neighbours.close()


def _watch(instance: Path) -> socket.socket:
    with namespaces.inside(instance):
        watcher = socket.socket(socket.AF_INET, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.IPPROTO_ICMP)
    watcher.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
    return watcher


class _Round:
    def __init__(
        self,
        watchers: dict[str, socket.socket],
        probes: Sequence[Probe],
        neighbours: Neighbours,
        progress: Callable[[int], None],
    ) -> None:
        self._watchers = watchers
        self._probes = probes
        self._neighbours = neighbours
        self._progress = progress
        self._under_way: dict[int, float] = {}
        """Until when each ping may be answered; the oldest first."""
        self._arrived: set[int] = set()
        self._answered: set[int] = set()
        self._unsent = 0
        # A packet of an earlier round may still be under way: it waited for an address to be resolved.
        self._mark = _MARK + os.urandom(4).hex().encode() + b" "
        self._selector = selectors.DefaultSelector()
        for port, watcher in watchers.items():
            self._selector.register(watcher, selectors.EVENT_READ, port)

    def run(self, wait: float) -> PingResults:
        told = time.monotonic()
        for index, probe in enumerate(self._probes):
            while not self._neighbours.take(probe.needs):
                self._await_oldest()
            self._send(index, probe)
            self._under_way[index] = time.monotonic() + wait
            self._receive(_GAP)
            self._give_up()
            if time.monotonic() > told + _TELLS_EACH:
                told = time.monotonic()
                self._progress(index - len(self._under_way))
        while self._under_way:
            self._await_oldest()
        self._selector.close()
        both = self._arrived & self._answered
        return PingResults([index in both for index in range(len(self._probes))], self._unsent)

    def _await_oldest(self) -> None:
        """Take in answers until the next ping is over, answered or not."""
        self._receive(max(next(iter(self._under_way.values()), 0.0) - time.monotonic(), 0.0))
        self._give_up()

    def _give_up(self) -> None:
        """The pings whose time is over have no answer."""
        now = time.monotonic()
        while self._under_way and next(iter(self._under_way.values())) <= now:
            self._end(next(iter(self._under_way)))

    def _end(self, index: int) -> None:
        if self._under_way.pop(index, None) is not None:
            self._neighbours.release(self._probes[index].needs)

    def _send(self, index: int, probe: Probe) -> None:
        data = self._mark + str(index).encode()
        identity = os.getpid() & 0xFFFF
        bare = struct.pack("!BBHHH", _ECHO_REQUEST, 0, 0, identity, index & 0xFFFF)
        request = bare[:2] + struct.pack("!H", _checksum(bare + data)) + bare[4:] + data
        # The source address is the kernel's choice; with several on a port it is the first.
        try:
            self._watchers[probe.source].sendto(request, (probe.target_ip, 0))
        except OSError as error:
            # Else there is no way there at all: not answered.
            self._unsent += error.errno == errno.ENOBUFS

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
        if not icmp[8:].startswith(self._mark):
            return
        index = int(icmp[8 + len(self._mark) :])
        probe = self._probes[index]
        if icmp[0] == _ECHO_REQUEST and port == probe.target:
            self._arrived.add(index)
        elif icmp[0] == _ECHO_REPLY and port == probe.source:
            self._answered.add(index)
        if index in self._arrived and index in self._answered:
            self._end(index)


def _checksum(data: bytes) -> int:
    """RFC 1071."""
    words = struct.unpack(f"!{(len(data) + 1) // 2}H", data + b"\0" * (len(data) % 2))
    total: int = sum(words)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def main() -> None:
    """Read what :func:`order` writes, write what :func:`result` reads; on standard error, how many pings are over."""
    told = json.load(sys.stdin)
    ports, nodes = told["ports"], told["nodes"]
    # The same address is read a thousand times: one text for it is enough.
    probes = [
        Probe(ports[source], ports[target], intern(ip), tuple((nodes[node], intern(one)) for node, one in needs))
        for source, target, ip, needs in told["probes"]
    ]
    directory = LabDirectory(Path(sys.argv[1]))
    _allow_files(2 * len(ports) + len(nodes))
    neighbours = Neighbours({node: directory.namespace(node) for node in nodes}, told["room"])
    instances = {port: directory.namespace(port_node(port)) for port in ports}
    found = answered(
        instances, probes, told["wait"], neighbours, lambda number: print(number, file=sys.stderr, flush=True)
    )
    json.dump([list(map(int, found.answered)), found.unsent], sys.stdout)


def _allow_files(number: int) -> None:
    """Let this process have so many sockets, beside what it has, as far as it may."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = max(soft, number + 100)
    resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard == resource.RLIM_INFINITY else min(wanted, hard), hard))


def order(probes: Sequence[Probe], wait: float, room: int) -> str:
    """What :func:`main` reads. Names are written once: of 1,000 ports there are a million pairs."""
    ports = _numbered(name for probe in probes for name in (probe.source, probe.target))
    nodes = _numbered(node for probe in probes for node, _ in probe.needs)
    pings = [
        (ports[p.source], ports[p.target], p.target_ip, [(nodes[node], address) for node, address in p.needs])
        for p in probes
    ]
    return json.dumps({"ports": [*ports], "nodes": [*nodes], "probes": pings, "wait": wait, "room": room})


def result(text: str) -> PingResults:
    """What :func:`main` wrote."""
    found, unsent = json.loads(text)
    return PingResults([bool(one) for one in found], unsent)


def _numbered(names: Iterable[str]) -> dict[str, int]:
    return {name: number for number, name in enumerate(dict.fromkeys(names))}


if __name__ == "__main__":
    main()
