"""Real TCP and UDP connections between many pairs of ports: did each reach the right instance, and was it answered?

Targets listen while they are asked, so that nothing else needs to run in the instances. A connection counts when the
target's own listener got what the source sent, and the source the answer to it: two VPCs may use the same addresses.

Runs as a short process of its own inside a lab: ``python -m mininet_topos.probes.connecting LABDIR``, connections and
results as JSON on standard input and output.
"""

import errno
import json
import os
import selectors
import socket
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, suppress
from dataclasses import astuple, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from mininet_topos.directory import LabDirectory, port_node
from mininet_topos.inside import namespaces

_AT_ONCE = 250
"""So many connections are tried together: each needs two sockets, and a refused one the whole time that it has."""

_LONGEST = 2048

Protocol = Literal["tcp", "udp"]
Outcome = Literal["answered", "silent", "busy"]
"""``busy``: the target could not listen, for something in its instance listens there already."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """A connection to try, from one port to another's address."""

    source: str
    target: str
    target_ip: str
    protocol: Protocol
    port: int


def connected(
    instances: Mapping[str, Path],
    attempts: Sequence[Attempt],
    wait: float,
    progress: Callable[[int], None] = lambda _: None,
) -> list[Outcome]:
    """What became of each connection. ``instances``: the namespace of each port; ``wait``: seconds that each has."""
    found: list[Outcome] = []
    for begin in range(0, len(attempts), _AT_ONCE):
        with ExitStack() as stack:
            found += _Round(instances, attempts[begin : begin + _AT_ONCE], stack).run(wait)
        progress(len(found))
    return found


class _Round:
    """Some connections, all at once."""

    def __init__(self, instances: Mapping[str, Path], attempts: Sequence[Attempt], stack: ExitStack) -> None:
        self._instances = instances
        self._attempts = attempts
        self._stack = stack
        # What is still under way from an earlier round is not taken for this one's.
        self._mark = os.urandom(8).hex().encode()
        self._arrived: set[int] = set()
        self._answered: set[int] = set()
        self._selector = stack.enter_context(selectors.DefaultSelector())

    def run(self, wait: float) -> list[Outcome]:
        places = {_Place.of(attempt) for attempt in self._attempts}
        heard = {place for place in places if self._listen(place)}
        asked = [number for number, attempt in enumerate(self._attempts) if _Place.of(attempt) in heard]
        for number in asked:
            self._begin(number)
        end = time.monotonic() + wait
        while len(self._arrived & self._answered) < len(asked) and (left := end - time.monotonic()) > 0:
            for key, _ in self._selector.select(left):
                key.data()
        both = self._arrived & self._answered
        outcomes: dict[int, Outcome] = {number: "answered" if number in both else "silent" for number in asked}
        return [outcomes.get(number, "busy") for number in range(len(self._attempts))]

    def _open(self, port: str, protocol: str) -> socket.socket:
        kind = socket.SOCK_STREAM if protocol == "tcp" else socket.SOCK_DGRAM
        with namespaces.inside(self._instances[port]):
            opened = socket.socket(socket.AF_INET, kind | socket.SOCK_NONBLOCK)
        return self._stack.enter_context(opened)

    def _listen(self, place: "_Place") -> bool:
        """Listen at a place, unless somebody does so already."""
        listener = self._open(place.target, place.protocol)
        if place.protocol == "tcp":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((place.ip, place.port))
            if place.protocol == "tcp":
                listener.listen(_AT_ONCE)
        except OSError as error:
            if error.errno != errno.EADDRINUSE:
                raise
            return False
        hear = partial(self._accept if place.protocol == "tcp" else self._hear_datagram, listener, place)
        self._selector.register(listener, selectors.EVENT_READ, hear)
        return True

    def _begin(self, number: int) -> None:
        attempt = self._attempts[number]
        sender = self._open(attempt.source, attempt.protocol)
        said, where = self._mark + b" %d" % number, (attempt.target_ip, attempt.port)
        with suppress(OSError):  # there is no way there at all: not answered
            if attempt.protocol == "udp":
                sender.sendto(said, where)
                self._selector.register(sender, selectors.EVENT_READ, partial(self._hear_answer, sender, number))
            else:
                sender.connect_ex(where)
                self._selector.register(sender, selectors.EVENT_WRITE, partial(self._say, sender, number, said))

    def _say(self, sender: socket.socket, number: int, said: bytes) -> None:
        """Send the first words over a connection that came about, or see that it did not."""
        if sender.getsockopt(socket.SOL_SOCKET, socket.SO_ERROR):
            self._selector.unregister(sender)
            return
        sender.send(said)
        self._selector.modify(sender, selectors.EVENT_READ, partial(self._hear_answer, sender, number))

    def _accept(self, listener: socket.socket, place: "_Place") -> None:
        for stream, _ in self._until_blocked(listener.accept):
            self._stack.enter_context(stream)
            stream.setblocking(False)
            self._selector.register(stream, selectors.EVENT_READ, partial(self._hear_stream, stream, place))

    def _hear_stream(self, stream: socket.socket, place: "_Place") -> None:
        said = b""
        with suppress(OSError):
            said = stream.recv(_LONGEST)
            if self._note(said, place):
                stream.send(said)
        if not said:
            self._selector.unregister(stream)

    def _hear_datagram(self, listener: socket.socket, place: "_Place") -> None:
        for said, sender in self._until_blocked(partial(listener.recvfrom, _LONGEST)):
            if self._note(said, place):
                listener.sendto(said, sender)

    def _note(self, said: bytes, place: "_Place") -> bool:
        """Whether something that arrived at a place is one of these connections, and is meant for it."""
        mark, _, number = said.partition(b" ")
        if mark != self._mark or _Place.of(self._attempts[int(number)]) != place:
            return False
        self._arrived.add(int(number))
        return True

    def _hear_answer(self, sender: socket.socket, number: int) -> None:
        said = b""
        with suppress(OSError):
            said = sender.recv(_LONGEST)
        if said == self._mark + b" %d" % number:
            self._answered.add(number)
        self._selector.unregister(sender)

    @staticmethod
    def _until_blocked(take: Callable[[], tuple[Any, Any]]) -> Iterator[tuple[Any, Any]]:
        with suppress(BlockingIOError):
            while True:
                yield take()


@dataclass(frozen=True, slots=True)
class _Place:
    """Where somebody listens."""

    target: str
    ip: str
    protocol: str
    port: int

    @classmethod
    def of(cls, attempt: Attempt) -> "_Place":
        return cls(attempt.target, attempt.target_ip, attempt.protocol, attempt.port)


def order(attempts: Sequence[Attempt], wait: float) -> str:
    """What :func:`main` reads."""
    return json.dumps({"attempts": [astuple(attempt) for attempt in attempts], "wait": wait})


def main() -> None:
    """Read what :func:`order` writes, write the outcomes; on standard error, how many connections are over."""
    told = json.load(sys.stdin)
    attempts = [Attempt(*attempt) for attempt in told["attempts"]]
    directory = LabDirectory(Path(sys.argv[1]))
    ports = {port for attempt in attempts for port in (attempt.source, attempt.target)}
    instances = {port: directory.namespace(port_node(port)) for port in ports}
    found = connected(instances, attempts, told["wait"], lambda number: print(number, file=sys.stderr, flush=True))
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
