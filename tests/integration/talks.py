"""A TCP connection between two instances of a lab that goes on while something happens, and what its client hears."""

import json
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import NamedTuple

from mininet_topos.waiting import patience
from tests.integration.vpclab import RATE, VpcLab
from tests.switch import wait_until

PORT = 8004
PAUSE = 0.002 if RATE == 1 else 0.02
"""Seconds between two times that a server sends, or a client asks."""

_SERVER = """
import socket, sys, time
with socket.create_server(("", int(sys.argv[1]))) as listening:
    print("listens", flush=True)
    connection = listening.accept()[0]
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
if sys.argv[2] == "push":
    while True:
        connection.sendall(bytes(200))
        time.sleep(float(sys.argv[3]))
while data := connection.recv(4096):
    connection.sendall(data)
"""
_CLIENT = """
import json, select, socket, sys, time
port, how, pause, target = int(sys.argv[1]), sys.argv[2], float(sys.argv[3]), sys.argv[4]
connection = socket.create_connection((target, port), 10)
connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
connection.setblocking(False)
heard, last, gaps = 0, time.time(), []
if how == "ask":
    connection.send(bytes(200))
while True:
    for ready in select.select([connection, sys.stdin], [], [])[0]:
        if ready is sys.stdin:
            line = sys.stdin.readline()
            if not line:
                sys.exit()
            if line == "say\\n":
                connection.send(bytes(200))
            print(json.dumps([heard, last, gaps]), flush=True)
        elif data := connection.recv(65536):
            now = time.time()
            if now - last > 10 * pause:
                gaps.append([last, now])
            heard, last = heard + len(data), now
            if how == "ask" and heard % 200 == 0:
                time.sleep(pause)
                connection.send(bytes(200))
        else:
            sys.exit("the server closed the connection")
"""


class Heard(NamedTuple):
    """What the client of a connection has heard."""

    number: int
    """Bytes."""
    last: float
    """When the last of them came, in seconds since the epoch."""
    gaps: list[tuple[float, float]]
    """The silences of more than ten pauses that are over: from when to when."""

    @property
    def longest(self) -> float:
        """The longest silence that is over, in seconds."""
        return max((until - since for since, until in self.gaps), default=0)


class Talk:
    """The connection. Made by :func:`talking`."""

    def __init__(self, client: "subprocess.Popen[str]") -> None:
        self._client = client

    def heard(self) -> Heard:
        """What the client has heard up to now."""
        return self._ask("")

    def say(self) -> None:
        """Let the client send something."""
        self._ask("say")

    def _ask(self, word: str) -> Heard:
        assert self._client.stdin is not None
        assert self._client.stdout is not None
        self._client.stdin.write(f"{word}\n")
        self._client.stdin.flush()
        return Heard(*json.loads(self._client.stdout.readline()))

    def is_silent(self, seconds: float = 1.0) -> bool:
        """Whether the client has heard nothing for some time."""
        return time.time() - self.heard().last > patience(seconds)

    def goes_on(self, seconds: float = 30) -> None:
        """Wait until the client hears something that was not sent when it was asked."""
        before = self.heard().number + 2000
        wait_until(lambda: self.heard().number > before, "the connection to go on", seconds)


@contextmanager
def talking(lab: VpcLab, client: str, server: str, *, pushes: bool, port: int = PORT) -> Iterator[Talk]:
    """A connection between two ports that lasts while a block runs, with some bytes each :data:`PAUSE`.

    ``pushes``: the server sends all the time, and the client says nothing. Otherwise the client asks again once it is
    answered.
    """
    how, pipe = "push" if pushes else "ask", subprocess.PIPE
    command = ("python3", "-c", _SERVER, str(port), how, str(PAUSE))
    with lab.start(server, *command, stdout=pipe) as serving:
        try:
            assert serving.stdout is not None
            assert serving.stdout.readline() == "listens\n"
            asking_command = ("python3", "-c", _CLIENT, str(port), how, str(PAUSE), lab.address(server))
            with lab.start(client, *asking_command, stdin=pipe, stdout=pipe) as asking:
                try:
                    talk = Talk(asking)
                    talk.goes_on()
                    yield talk
                finally:
                    asking.kill()
        finally:
            serving.kill()
