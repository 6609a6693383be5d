"""The messages between a lab's init and its users over the control socket: one JSON object a line.

A user connects, sends one :class:`Request` and reads replies: any number of progress lines, then one result or
one error.  The one request ``up`` is special: its user stays connected until the reply, and when he goes away
before that the init gives up.
"""

import json
import select
import socket
from dataclasses import asdict, dataclass
from typing import Any, Literal

Verb = Literal[
    "up",
    "announce",
    "follow",
    "plug",
    "unplug",
    "join",
    "hand_over",
    "part",
    "start_switch",
    "stop_switch",
    "restart_switch",
    "controller_pid",
]


@dataclass(frozen=True, slots=True)
class Request:
    """What to do. ``arguments`` are names; the controller's argv for ``up``, a network's text for ``follow``."""

    verb: Verb
    arguments: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """An answer: progress, or the last one with a result (None for most requests) or an error."""

    kind: Literal["progress", "result", "error"]
    value: Any = None


class Connection:
    """One end of the control socket."""

    def __init__(self, end: socket.socket) -> None:
        self._socket = end
        self._lines = end.makefile("r", encoding="utf-8")

    def send(self, message: Request | Reply) -> None:
        """Raises ``OSError`` when the other side is gone."""
        self._socket.sendall(json.dumps(asdict(message)).encode() + b"\n")

    def request(self) -> Request:
        """The request of a user. Raises ``EOFError`` when he went away without one."""
        fields = self._read()
        return Request(fields["verb"], tuple(fields["arguments"]))

    def reply(self) -> Reply:
        """The next reply. Raises ``EOFError`` when the init is gone."""
        return Reply(**self._read())

    def _read(self) -> dict[str, Any]:
        line = self._lines.readline()
        if not line.endswith("\n"):
            raise EOFError
        fields: dict[str, Any] = json.loads(line)
        return fields

    @property
    def is_abandoned(self) -> bool:
        """Whether the other side has gone away."""
        # Nothing more is said after a request, so that only an end can be read.
        readable, _, _ = select.select([self._socket], [], [], 0)
        return bool(readable)

    @property
    def peer_pid(self) -> int:
        """The pid of the process that listens at the other end, as seen from here."""
        size = 12  # struct ucred: pid, uid, gid
        credentials = self._socket.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, size)
        return int.from_bytes(credentials[:4], "little")

    def close(self) -> None:
        self._lines.close()
        self._socket.close()
