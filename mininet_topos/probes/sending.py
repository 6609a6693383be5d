"""Send a frame from an instance, as it is, and see which instances get the packet in it, or that a switch answers.

Runs as a short process of its own inside a lab: ``python -m mininet_topos.probes.sending LABDIR``, the order and the
result as JSON on standard input and output.
"""

import json
import selectors
import socket
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from mininet_topos.directory import LabDirectory, port_node
from mininet_topos.inside import namespaces
from mininet_topos.inside.instances import INSTANCE_INTERFACE

_EVERY_TYPE = 3  # ETH_P_ALL
_IPV4 = b"\x08\x00"
_ETH_HEADER, _IP_HEADER = 14, 20
_NUMBER, _SOURCE, _TARGET = slice(0, 2), slice(2, 6), slice(6, 10)
"""Parts of what :func:`_packet` returns."""
_GAP = 0.002
"""Seconds between two frames."""


@dataclass(frozen=True, slots=True)
class SendRequest:
    """What to send, and who is watched."""

    source: str
    frame: str
    """In hexadecimal digits; with an IPv4 packet in it, without options."""
    times: int
    watched: Sequence[str]
    wait: float
    """Seconds to wait for copies after the last frame was sent."""


def send(instances: Mapping[str, Path], order: SendRequest) -> dict[str, int]:
    """How many copies of the packet each watched instance got, the sender itself: how many answers of a switch.

    ``instances``: the namespace of each port.
    """
    frame = bytes.fromhex(order.frame)
    sender = _open(instances[order.source])
    watchers = {port: _open(instances[port]) for port in order.watched}
    got = dict.fromkeys(order.watched, 0)
    with selectors.DefaultSelector() as selector:
        for port, watcher in watchers.items():
            selector.register(watcher, selectors.EVENT_READ, port)
        for _ in range(order.times):
            sender.send(frame)
            time.sleep(_GAP)
        end = time.monotonic() + order.wait
        while max(got.values()) < order.times and (left := end - time.monotonic()) > 0:
            for key, _ in selector.select(left):
                received, address = watchers[key.data].recvfrom(2048)
                is_it = _is_answer if key.data == order.source else _is_copy
                if address[2] != socket.PACKET_OUTGOING and is_it(received, frame):
                    got[key.data] += 1
    for one in (sender, *watchers.values()):
        one.close()
    return got


def _open(namespace: Path) -> socket.socket:
    with namespaces.inside(namespace):
        opened = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(_EVERY_TYPE))
        opened.bind((INSTANCE_INTERFACE, _EVERY_TYPE))
    return opened


def _is_copy(received: bytes, sent: bytes) -> bool:
    return _packet(received) == _packet(sent)


def _is_answer(received: bytes, sent: bytes) -> bool:
    """Whether it is what a switch makes of a packet that it answers: the same number, the addresses exchanged."""
    number, source, target = (_packet(sent)[part] for part in (_NUMBER, _SOURCE, _TARGET))
    return _packet(received)[: _TARGET.stop] == number + target + source


def _packet(frame: bytes) -> bytes:
    """What of a packet no switch changes: its number, addresses and payload. (The kernel strips a tag that arrives.)"""
    tag = 4 if frame[12:14] == b"\x81\x00" else 0
    if frame[12 + tag : 14 + tag] != _IPV4:
        return b""
    start = _ETH_HEADER + tag
    length = int.from_bytes(frame[start + 2 : start + 4])
    packet = frame[start : start + length]
    return packet[4:6] + packet[12:_IP_HEADER] + packet[_IP_HEADER:]


def encoded(order: SendRequest) -> str:
    """What :func:`main` reads."""
    return json.dumps(asdict(order))


def main() -> None:
    """Read an order, write how many copies each watched instance got."""
    order = SendRequest(**json.load(sys.stdin))
    directory = LabDirectory(Path(sys.argv[1]))
    ports = {order.source, *order.watched}
    json.dump(send({port: directory.namespace(port_node(port)) for port in ports}, order), sys.stdout)


if __name__ == "__main__":
    main()
