"""Servers and clients in all instances of a lab: one process inside the lab.

``python -m tests.integration.services_agent LABDIR``. The first line of standard input is a JSON object: for each
instance the TCP and UDP ports that it serves. A line is written once all serve. Then each line is a JSON list of
attempts, each ``[source, target address, protocol, port, size]``; the line that answers says of each whether an answer
came. Of ICMP the port is the type. What is not answered is asked once more before it counts as refused.
"""

import json
import os
import resource
import selectors
import socket
import struct
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from mininet_topos.directory import LabDirectory
from mininet_topos.inside import namespaces

ICMP, TCP, UDP = 1, 6, 17
_ANSWER = {8: 0, 13: 14}
"""ICMP types that Linux answers, with those of the answers (RFC 792)."""
_PATIENCE = 1.0
"""Seconds for which an answer is awaited after each of two times that it is asked for."""
_PAUSE = 0.002
"""Seconds between two attempts: a userspace datapath loses what it cannot look up in time."""


@dataclass(eq=False)
class Attempt:
    """One attempt to get an answer."""

    source: str
    target: str
    protocol: int
    port: int
    size: int
    number: int
    sockets: list[socket.socket] = field(default_factory=list)
    is_answered: bool = False

    def ask(self) -> socket.socket:
        """Ask for the answer; the socket by which it will come."""
        kind = {TCP: socket.SOCK_STREAM, UDP: socket.SOCK_DGRAM, ICMP: socket.SOCK_RAW}[self.protocol]
        asked = socket.socket(socket.AF_INET, kind, self.protocol)
        asked.setblocking(False)
        self.sockets.append(asked)
        if self.protocol == TCP:
            asked.connect_ex((self.target, self.port))
        elif self.protocol == UDP:
            asked.connect((self.target, self.port))
            asked.send(bytes(self.size))
        else:
            asked.sendto(_icmp(self.port, self.number, self.size), (self.target, 0))
        return asked

    def hear(self, asked: socket.socket) -> None:
        """Something came."""
        try:
            data = asked.recv(65535)
        except OSError:  # refused, by a reset or an ICMP error
            return
        if self.protocol == ICMP:
            data = data[20:]
            is_ours = data[0] == _ANSWER[self.port] and struct.unpack_from("!H", data, 4)[0] == self.number
            self.is_answered = self.is_answered or is_ours
        elif self.protocol == UDP:
            self.is_answered = self.is_answered or len(data) == self.size
        else:
            self.is_answered = self.is_answered or bool(data)


def main() -> None:
    """Serve until standard input ends."""
    directory = LabDirectory(Path(sys.argv[1]))
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    commands = os.fdopen(0, "rb", buffering=0)
    selector = selectors.DefaultSelector()
    for node, ports in json.loads(commands.readline()).items():
        with namespaces.inside(directory.namespace(node)):
            for port in ports:
                _serve(selector, port)
    selector.register(commands, selectors.EVENT_READ, None)
    _write("serving")
    number = 0
    while True:
        for key, _ in selector.select():
            if key.data is not None:
                key.data()
            elif line := commands.readline():
                attempts = [
                    Attempt(source, target, protocol, port, size, number + at)
                    for at, (source, target, protocol, port, size) in enumerate(json.loads(line), start=1)
                ]
                number = (number + len(attempts)) % 0x8000
                _try(directory, selector, attempts)
                _write(json.dumps([attempt.is_answered for attempt in attempts]))
            else:
                return


def _serve(selector: selectors.BaseSelector, port: int) -> None:
    listening = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    listening.bind(("", port))
    listening.listen(64)
    echoing = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    echoing.bind(("", port))

    def accept() -> None:
        connection, _ = listening.accept()
        connection.sendall(b"served")
        connection.close()

    def echo() -> None:
        data, sender = echoing.recvfrom(65535)
        echoing.sendto(data, sender)

    selector.register(listening, selectors.EVENT_READ, accept)
    selector.register(echoing, selectors.EVENT_READ, echo)


def _try(directory: LabDirectory, selector: selectors.BaseSelector, attempts: list[Attempt]) -> None:
    """Ask for all answers; for those that do not come, once more. What instances serve is served meanwhile."""
    for _ in range(2):
        for attempt in attempts:
            if not attempt.is_answered:
                with namespaces.inside(directory.namespace(attempt.source)):
                    asked = attempt.ask()
                selector.register(asked, selectors.EVENT_READ, _hearing(selector, attempt, asked))
                _attend(selector, _PAUSE)
        until = time.monotonic() + _PATIENCE
        while not all(attempt.is_answered for attempt in attempts) and (left := until - time.monotonic()) > 0:
            _attend(selector, left)
    for attempt in attempts:
        for asked in attempt.sockets:
            if asked.fileno() in selector.get_map():
                selector.unregister(asked)
            asked.close()


def _hearing(selector: selectors.BaseSelector, attempt: Attempt, asked: socket.socket) -> Any:
    def hear() -> None:
        attempt.hear(asked)
        if attempt.is_answered or attempt.protocol == TCP:
            selector.unregister(asked)

    return hear


def _attend(selector: selectors.BaseSelector, seconds: float) -> None:
    for key, _ in selector.select(seconds):
        if key.data is not None:
            key.data()


def _icmp(kind: int, number: int, size: int) -> bytes:
    """An ICMP message with an identifier (RFC 792)."""
    body = bytes(12) if kind == 13 else bytes(size)
    header = struct.pack("!BBHHH", kind, 0, 0, number, 1) + body
    total = sum(struct.unpack(f"!{len(header) // 2}H", header))
    total = (total >> 16) + (total & 0xFFFF)
    return header[:2] + struct.pack("!H", ~(total + (total >> 16)) & 0xFFFF) + header[4:]


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
