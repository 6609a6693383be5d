"""The lab's init: process 1 of its own pid, mount and network namespaces (``python -m mininet_topos.inside.init DIR``).

It builds the lab, keeps its processes running and serves the control socket. When it ends, in whatever way, everything
ends with it. The kernel kills every process of the pid namespace, and with the last of them go the namespaces, links
and mounts.
"""

import select
import signal
import socket
import sys
import traceback
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

from flows.model import parse
from mininet_topos.directory import LabDirectory, erase
from mininet_topos.errors import AbandonedError, LabError
from mininet_topos.inside import namespaces
from mininet_topos.inside.builder import LabBuilder
from mininet_topos.inside.messages import Connection, Reply, Request, Verb
from mininet_topos.inside.supervisor import Supervisor, kill_everything, reap_orphans
from mininet_topos.topology.topology import describe
from mininet_topos.waiting import Waiting, patience

_PATIENCE_FOR_USER = patience(10.0)
"""Seconds within which whoever started the init must ask for the lab."""


class Init:
    """Serves one lab until it is told to end."""

    def __init__(self, directory: LabDirectory) -> None:
        network, _ = parse(directory.network.read_text(), str(directory.network))
        self._directory = directory
        self._supervisor = Supervisor()
        self._user: Connection | None = None
        waiting = Waiting(self._meanwhile)
        self._building = LabBuilder(describe(network), directory, self._supervisor, waiting)
        self._woken = _woken_by_signals()
        self._listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listener.bind(str(directory.control_socket))
        self._listener.listen()

    def build(self) -> bool:
        """Build the lab for the first user. False when that failed, of which the user has been told."""
        self._listener.settimeout(_PATIENCE_FOR_USER)
        try:
            user = self._accept()
            request = user.request()
        except (OSError, EOFError):
            # Whoever started us is gone.
            return False
        self._user = user
        reply = self._reply(user, request)
        self._user = None
        user.close()
        return reply.kind == "result"

    def serve(self) -> NoReturn:
        """Do what is asked, and keep everything running."""
        while True:
            ready, _, _ = select.select([self._listener, self._woken], [], [], self._supervisor.next_due)
            if self._woken in ready:
                self._woken.recv(1024)
            if self._listener in ready:
                self._serve_one()
            try:
                self._supervisor.look_after()
            except Exception:
                # What cannot be restarted now must not end everything else; it is due again when it dies.
                traceback.print_exc()
            reap_orphans()

    def _serve_one(self) -> None:
        user = self._accept()
        # A user who went away or sends nonsense is no concern of the others.
        with suppress(OSError, EOFError, ValueError, KeyError):
            self._reply(user, user.request())
        user.close()

    def _accept(self) -> Connection:
        end, _ = self._listener.accept()
        end.settimeout(_PATIENCE_FOR_USER)
        return Connection(end)

    def _reply(self, user: Connection, request: Request) -> Reply:
        try:
            reply = Reply("result", self._do(user, request))
        except LabError as error:
            reply = Reply("error", str(error))
        except Exception as error:
            traceback.print_exc()
            reply = Reply("error", f"{request.verb} failed: {type(error).__name__}: {error}")
        user.send(reply)
        return reply

    def _do(self, user: Connection, request: Request) -> Any:
        building = self._building
        verbs: dict[Verb, Callable[..., object]] = {
            "up": lambda *argv: building.up(argv, lambda text: user.send(Reply("progress", text))),
            "announce": building.announce,
            "follow": self._follow,
            "plug": building.plug,
            "unplug": building.unplug,
            "join": building.join,
            "hand_over": building.hand_over,
            "part": building.part,
            "start_switch": building.start_switch,
            "stop_switch": building.stop_switch,
            "restart_switch": building.restart_switch,
            "controller_pid": building.controller_pid,
        }
        return verbs[request.verb](*request.arguments)

    def _follow(self, text: str) -> None:
        network, _ = parse(text, str(self._directory.network))
        self._building.follow(describe(network, self._building.numbers))
        self._directory.network.write_text(text)

    def _meanwhile(self) -> None:
        if self._user is not None and self._user.is_abandoned:
            raise AbandonedError("nobody waits for this lab any more")
        self._supervisor.look_after()


def _woken_by_signals() -> socket.socket:
    """A socket that can be read after each signal, so that the death of a child ends a ``select``."""
    woken, waker = socket.socketpair()
    woken.setblocking(False)
    waker.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker.detach(), warn_on_full_buffer=False)
    return woken


def _end(_signal: int, _frame: FrameType | None) -> NoReturn:
    # Once is enough: nothing must interrupt the clearing away.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    sys.exit()


def main() -> None:
    """Be the init of the lab whose directory is the first argument."""
    directory = LabDirectory(Path(sys.argv[1]))
    signal.signal(signal.SIGTERM, _end)
    try:
        init = Init(directory)
        if init.build():
            init.serve()
    finally:
        kill_everything()
        if directory.namespaces.is_mount():
            namespaces.detach(directory.namespaces)
        erase(directory)


if __name__ == "__main__":
    main()
