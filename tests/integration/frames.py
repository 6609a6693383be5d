"""Frames of any kind, and who received them: deterministic, without waiting for nothing to happen.

Each frame carries a number of its own. After it, frames are sent that every member of every watched segment is known
to get (the sentinels). What has not come when they are there does not come: they took the same ways, later.
"""

import json
import queue
import struct
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from itertools import count
from typing import IO, NamedTuple

from scapy.all import Ether

from flows.model import Network, SegmentPort
from mininet_topos.client.lab import Lab
from mininet_topos.directory import CONTROLLER_NODE, PHYSICAL_NODE, host_node, port_node
from tests.integration.frames_agent import MARK
from tests.integration.vpclab import VpcLab, tunnelled

BROADCAST = "ff:ff:ff:ff:ff:ff"
MULTICAST = "01:00:5e:01:02:03"

_PATIENCE = 15.0
"""Seconds for a frame that must come. Only a failing test waits so long."""

_SHORTEST_ROUND = 100
"""Milliseconds between two looks of Open vSwitch at its cached flows: the least it allows. Usually it takes 500."""

_ETHERTYPE = 0x88B6  # IEEE 802: local experimental; the controller's own frames have the other one
_SHORTEST = 60
_numbers = count(1)


class Tag(NamedTuple):
    """An 802.1Q tag."""

    vid: int
    pcp: int = 0
    tpid: int = 0x8100


Tags = tuple[Tag, ...]
Got = Mapping[str, Tags | int]
"""What a frame looked like where it was received: its tags at an instance, the tunnel key at a host's NIC."""


@dataclass(frozen=True)
class Place:
    """Where frames are sent and received."""

    name: str
    node: str
    interface: str


class Frames:
    """The instances, hosts and physical networks that are watched. Made by :func:`frames`."""

    def __init__(self, lab: Lab, network: Network, names: tuple[str, ...], agent: "subprocess.Popen[str]") -> None:
        self.network = network
        self._hosts = lab.topology.hosts
        self._places = [_place(lab, name) for name in names]
        self._agent = agent
        self._lines: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._seen: dict[int, Counter[str]] = {}
        self._tags: dict[tuple[int, str], Tags | int] = {}
        self._write(json.dumps([(place.node, place.interface) for place in self._places]))
        assert agent.stdout is not None
        assert agent.stdout.readline() == "listening\n"
        threading.Thread(target=self._read, args=[agent.stdout], daemon=True).start()

    def check(self, sender: str, target: str, expected: Got, *tags: Tag, source: str | None = None) -> None:
        """Send a frame from a place, and fail unless it is received as expected, once each, and nowhere else."""
        number = self.send(sender, target, *tags, source=source)
        self.wait(number, *expected)
        self.settle(sender)
        self.judge(number, expected)

    def check_quietly(self, sender: str, target: str, expected: Got, *, source: str) -> None:
        """As :meth:`check`, with no frame from any other MAC address than this one."""
        number = self.send(sender, target, source=source)
        self.wait(number, *expected)
        last = self.send(sender, BROADCAST, source=source)
        self.wait(last, *(name for group in self._groups() if sender in group for name in group if name != sender))
        self.revalidate()
        self.judge(number, expected)

    def send(self, sender: str, target: str, *tags: Tag, source: str | None = None) -> int:
        """Send a frame with whatever tags and return its number. ``source``: its MAC address, if not the sender's."""
        number = next(_numbers)
        self.send_bytes(sender, frame(number, source or self.mac(sender), target, tags))
        return number

    def send_bytes(self, sender: str, data: bytes) -> None:
        """Send anything from a place."""
        self._write(f"{[place.name for place in self._places].index(sender)} {data.hex()}")

    def wait(self, number: int, *places: str) -> None:
        """Wait until a frame has been received at some places."""
        end = time.monotonic() + _PATIENCE
        while missing := set(places) - self.receivers(number):
            try:
                self._note(self._lines.get(timeout=max(0.0, end - time.monotonic())))
            except queue.Empty:
                where = ", ".join(sorted(missing))
                raise AssertionError(f"not received at {where}, only at {self._got(number)}") from None

    def receivers(self, number: int) -> set[str]:
        """Where a frame has been received so far."""
        return set(self._seen.get(number, ()))

    def judge(self, number: int, expected: Got) -> None:
        """Fail unless a frame has been received as expected, once each, and nowhere else."""
        got = self._got(number)
        assert got == expected, f"received: {got}; expected: {expected}"
        copies = self._seen.get(number, Counter())
        assert all(times == 1 for times in copies.values()), f"received more than once: {copies}"

    def settle(self, sender: str) -> None:
        """Return when whatever a place has sent so far has come wherever it comes."""
        # What the sender sends comes last at all others; what they send then comes last at the sender.
        groups = self._groups()
        own = [group for group in groups if sender in group]
        for one in (sender, None):
            for group in own if one else groups:
                others = [one] if one else [name for name in group if name != sender][:2]
                for name in others:
                    tag = group[name]
                    number = self.send(name, BROADCAST, *([tag] if tag else []))
                    self.wait(number, *(group.keys() - {name}))
        self.revalidate()

    def revalidate(self) -> None:
        """Let every switch look through its cached flows: a frame that follows at once could take an outdated one."""
        self._write("revalidate")
        while (line := self._lines.get(timeout=_PATIENCE)) != "revalidated\n":
            self._note(line)

    def mac(self, name: str) -> str:
        """The MAC address of a place's machine."""
        ports = self.network.ports
        return ports[name].mac_address if name in ports else "0e:02:00:00:00:01"

    def _groups(self) -> list[dict[str, Tag | None]]:
        """Who hears whom: for each segment its watched members, each with the tag that the segment has there."""
        network = self.network
        groups: list[dict[str, Tag | None]] = []
        for segment in network.segments.values():
            group: dict[str, Tag | None] = {}
            for place in self._places:
                port = network.ports.get(place.name)
                if isinstance(port, SegmentPort) and segment in network.segments_of(port):
                    group[place.name] = Tag(segment.vlan) if port.segment is None and segment.vlan else None
                elif segment.physical and place.name == f"{PHYSICAL_NODE}/{segment.physical.network}":
                    group[place.name] = Tag(segment.physical.vlan) if segment.physical.vlan else None
            groups.append(group)
        return groups

    def _got(self, number: int) -> dict[str, Tags | int]:
        return {place: self._tags[number, place] for place in self.receivers(number)}

    def _write(self, line: str) -> None:
        assert self._agent.stdin is not None
        self._agent.stdin.write(line + "\n")
        self._agent.stdin.flush()

    def _read(self, output: IO[str]) -> None:
        for line in output:
            self._lines.put(line)

    def _note(self, line: str) -> None:
        index, is_outgoing, text = line.split()
        place, data = self._places[int(index)], bytes.fromhex(text)
        if int(is_outgoing):
            return
        number = int(data.partition(MARK)[2][:8], 16)
        host = self._hosts.get(place.name)
        if host is None:
            self._tags[number, place.name] = tags_of(data)
        elif data[:6].hex(":") == host.mac:
            self._tags[number, place.name] = tunnelled([Ether(data)])[0].key
        else:
            return
        self._seen.setdefault(number, Counter())[place.name] += 1


@contextmanager
def watching(lab: Lab, network: Network, *places: str) -> Iterator[Frames]:
    """Watch places of any lab while a block runs; ``network`` says who hears whom."""
    command = lab.command(CONTROLLER_NODE, [sys.executable, "-m", "tests.integration.frames_agent", str(lab.path)])
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as agent:
        try:
            yield Frames(lab, network, places, agent)
        finally:
            agent.kill()


def hurry(lab: Lab) -> None:
    """Let every host look at its cached flows more often: for that, checks of frames wait most of their time.

    Not for tests of what is learned while frames flow: what comes late would come less late.
    """
    for host in lab.topology.hosts:
        setting = f"other_config:max-revalidator={_SHORTEST_ROUND}"
        lab.run(host, ["ovs-vsctl", "set", "Open_vSwitch", ".", setting], check=True)


def frames(lab: VpcLab, *places: str) -> AbstractContextManager[Frames]:
    """Watch places while a block runs: ports, hosts (their NICs in the underlay), ``physical/NETWORK``."""
    return watching(lab.lab, lab.network, *places)


def _place(lab: Lab, name: str) -> Place:
    if name in lab.topology.ports:
        return Place(name, port_node(name), "eth0")
    if name in lab.topology.hosts:
        return Place(name, host_node(name), "eth0")
    node, _, network = name.partition("/")
    assert node == PHYSICAL_NODE, f"'{name}' is no port, host or physical network"
    return Place(name, node, network)


def frame(number: int, source: str, target: str, tags: Tags) -> bytes:
    """A frame with a number in it."""
    header = b"".join(struct.pack("!HH", tag.tpid, tag.pcp << 13 | tag.vid) for tag in tags)
    addresses = bytes.fromhex((target + source).replace(":", ""))
    data = addresses + header + struct.pack("!H", _ETHERTYPE) + MARK + f"{number:08x}".encode()
    return data.ljust(_SHORTEST + len(header), b"\0")


def tags_of(data: bytes) -> Tags:
    """The tags of a frame, the outer one first."""
    tags = []
    position = 12
    while (kind := int.from_bytes(data[position : position + 2])) in (0x8100, 0x88A8):
        tag = int.from_bytes(data[position + 2 : position + 4])
        tags.append(Tag(tag & 0xFFF, tag >> 13, kind))
        position += 4
    return tuple(tags)
