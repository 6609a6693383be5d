"""JSON-RPC with an OVSDB server (RFC 7047) over one socket: calls, what the server says unasked, echoes.

python-ovs would do, but for its speed: its replica of 100,000 rows takes half a minute to fill (docs/adr/0013).
"""

import json
import os
import select
import socket
import time
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from controller.jsonstream import Splitter
from controller.store.errors import RequestFailed, Unreachable

_CHUNK = 1 << 20
_CONNECT_SECONDS = 5.0
_PROBE_AFTER = 5.0
"""Seconds of silence after which the server is asked whether it is there."""
_LONGEST_PATH = 100
"""A socket's address has 107 bytes."""


class Connection:
    """A connection to a server. Not thread-safe."""

    def __init__(self, target: str, wake: int | None = None) -> None:
        """``target``: ``unix:PATH`` or ``tcp:ADDRESS:PORT``. Raises :class:`Unreachable`.

        ``wake``: an event file descriptor (eventfd(2)) that ends the waiting of :meth:`said`.
        """
        self.target = target
        self._wake = [] if wake is None else [wake]
        try:
            self._socket = _dial(target)
        except OSError as error:
            raise Unreachable(f"{target}: {error.strerror or error}") from None
        self._socket.setblocking(False)
        self._splitter = Splitter()
        self._next_id = 0
        self._answers: dict[int, Any] = {}
        self._said: deque[tuple[str, Any]] = deque()
        self._heard_at = time.monotonic()
        self._probe: int | None = None

    def call(self, method: str, params: Any, seconds: float) -> Any:
        """Ask the server something; its answer. Raises :class:`Unreachable` and :class:`RequestFailed`."""
        number = self._ask(method, params)
        end = time.monotonic() + seconds
        while number not in self._answers:
            self._receive(end - time.monotonic())
            if number not in self._answers and time.monotonic() > end:
                raise Unreachable(f"{self.target}: no answer within {seconds:g} s")
        answer = self._answers.pop(number)
        if answer.get("error") is not None:
            raise RequestFailed(_words(answer["error"]))
        return answer["result"]

    def said(self, seconds: float) -> Iterator[tuple[str, Any]]:
        """The server's notifications since the last time: (method, parameters). Waits some seconds for one."""
        self._receive(0 if self._said else seconds, waking=True)
        self._look_after()
        while self._said:
            yield self._said.popleft()

    def close(self) -> None:
        """End the connection."""
        self._socket.close()

    def _look_after(self) -> None:
        """Probe a silent server; give up one that does not answer."""
        if self._probe is not None and self._answers.pop(self._probe, None) is not None:
            self._probe = None
        silence = time.monotonic() - self._heard_at
        if self._probe is None and silence > _PROBE_AFTER:
            self._probe = self._ask("echo", [])
        elif silence > 2 * _PROBE_AFTER:
            raise Unreachable(f"{self.target}: silent for {silence:.0f} s")

    def _ask(self, method: str, params: Any) -> int:
        self._next_id += 1
        self._send({"id": self._next_id, "method": method, "params": params})
        return self._next_id

    def _send(self, message: Any) -> None:
        left = memoryview(json.dumps(message, separators=(",", ":")).encode())
        while left:
            try:
                left = left[self._socket.send(left) :]
            except BlockingIOError:
                # The server may be waiting until we have read what it says.
                self._receive(_PROBE_AFTER, sending=True)
            except OSError as error:
                raise Unreachable(f"{self.target}: {error.strerror}") from None

    def _receive(self, seconds: float, *, sending: bool = False, waking: bool = False) -> None:
        """Take in what comes within some seconds, or until there is room for sending, or until somebody wakes us."""
        out: list[int | socket.socket] = [self._socket] if sending else []
        inputs: list[int | socket.socket] = [self._socket, *(self._wake if waking else ())]
        readable, writable, _ = select.select(inputs, out, [], max(0.0, seconds))
        if self._socket not in readable:
            if sending and not writable:
                raise Unreachable(f"{self.target}: accepted no data for {seconds:g} s")
            return
        try:
            while chunk := self._socket.recv(_CHUNK):
                self._heard_at = time.monotonic()
                for message in self._splitter.feed(chunk):
                    self._take(message)
        except BlockingIOError:
            return
        except OSError as error:
            raise Unreachable(f"{self.target}: {error.strerror}") from None
        except (ValueError, TypeError, KeyError):
            raise Unreachable(f"{self.target}: this is not a database server") from None
        raise Unreachable(f"{self.target}: the server ended the connection")

    def _take(self, message: Any) -> None:
        if "method" not in message:
            self._answers[message["id"]] = message
        elif message["method"] == "echo":
            self._send({"id": message["id"], "result": message["params"], "error": None})
        else:
            self._said.append((message["method"], message["params"]))


def _dial(target: str) -> socket.socket:
    kind, _, rest = target.partition(":")
    if kind == "tcp":
        address, _, port = rest.rpartition(":")
        return socket.create_connection((address.strip("[]"), int(port)), _CONNECT_SECONDS)
    if kind != "unix":
        raise OSError(0, "the address of a store is unix:PATH or tcp:ADDRESS:PORT")
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    end.settimeout(_CONNECT_SECONDS)
    try:
        if len(os.fsencode(rest)) < _LONGEST_PATH:
            end.connect(rest)
        else:
            _dial_far(end, Path(rest))
    except OSError:
        end.close()
        raise
    return end


def _dial_far(end: socket.socket, path: Path) -> None:
    """Connect to a socket whose path is too long for an address, by way of its directory."""
    directory = os.open(path.parent, os.O_PATH)
    try:
        end.connect(f"/proc/self/fd/{directory}/{path.name}")
    finally:
        os.close(directory)


def _words(error: Any) -> str:
    if isinstance(error, dict):
        return ": ".join(str(error[key]) for key in ("error", "details") if error.get(key))
    return str(error)
