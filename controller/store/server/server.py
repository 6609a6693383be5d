"""The store's own ovsdb-server: started on a file in the state directory when nobody has started one yet.

Whoever uses the store holds a shared lock; the last one to let go ends the server. A server that outlived its users
(all of them were killed) is taken over by the next one. While a controller runs, it is the one to start the server, so
that the server is in the same namespaces and ends with it.
"""

import contextlib
import fcntl
import os
import shutil
import signal
import struct
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from controller.store.errors import Unreachable
from controller.store.rows.schema import SCHEMA_FILE
from controller.store.server.lock import ControllerLock
from controller.store.server.rpc import Connection

_PATIENCE = 10.0
"""Seconds for a server to answer, or to end."""
_INTERVAL = 0.01
_DAEMONS = os.pathsep.join(("/usr/local/sbin", "/usr/sbin", "/sbin"))
_ENDING = (signal.SIGTERM, signal.SIGINT)
_FLOCK = "hhqqi"
"""struct flock: type, whence, start, length, process."""


class Server:
    """The server of one directory."""

    def __init__(self, directory: Path, lock: ControllerLock, wake: int, *, starts: bool) -> None:
        """``lock``: that of the directory's controller. ``wake``: as in :class:`Connection`.

        ``starts``: whether it is started here when no controller does.
        """
        self._lock = lock
        self._starts = starts
        self._directory = directory.absolute()
        self._wake = wake
        self.file = self._directory / "model.db"
        self._socket = self._directory / "db.sock"
        self._pidfile = self._directory / "ovsdb-server.pid"
        self._users: int | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def target(self) -> str:
        """Where it answers."""
        return f"unix:{self._socket}"

    def connect(self) -> Connection:
        """A connection to the server, which is started when it does not run. Raises :class:`Unreachable`."""
        self._directory.mkdir(parents=True, exist_ok=True)
        with self._turn():
            if self._users is None:
                self._users = os.open(self._directory / "users.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
                fcntl.flock(self._users, fcntl.LOCK_SH)
        if connection := self._await_controller():
            return connection
        if not self._starts:
            raise Unreachable(f"{self.target}: the store's server does not run; a controller starts it, and none runs")
        with self._turn():
            with contextlib.suppress(Unreachable):
                return Connection(self.target, self._wake)
            self._reap()
            self._make_file()
            self._start()
            return self._wait()

    def _await_controller(self) -> Connection | None:
        """While another process is the controller, it has some time to start the server."""
        end = time.monotonic() + _PATIENCE
        while not self._lock.is_ours and (not self._starts or self._lock.is_taken()) and time.monotonic() < end:
            with contextlib.suppress(Unreachable):
                return Connection(self.target, self._wake)
            time.sleep(_INTERVAL)
        return None

    def leave(self) -> None:
        """Stop using the server. Ends it when nobody else uses it."""
        if self._users is None:
            return
        # Others may use it, and the directory may have been removed.
        with contextlib.suppress(FileNotFoundError, BlockingIOError), self._turn():
            fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._end()
        os.close(self._users)
        self._users = None

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        """One at a time starts or ends the server."""
        with (self._directory / "server.lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield

    def _make_file(self) -> None:
        """Make an empty database, unless there is one: whole, or not at all."""
        if self.file.exists():
            return
        new = self._directory / "model.db.new"
        new.unlink(missing_ok=True)
        _run("ovsdb-tool", "create", str(new), str(SCHEMA_FILE))
        new.rename(self.file)
        (self._directory / ".model.db.new.~lock~").unlink(missing_ok=True)

    def _start(self) -> None:
        # One that has the file and does not answer hangs, or is about to end.
        self._end()
        command = [
            *(_program("ovsdb-server"), str(self.file), f"--remote=p{self.target}"),
            *(f"--unixctl={self._directory}/ovsdb-server.ctl", f"--pidfile={self._pidfile}"),
            *(f"--log-file={self._directory}/ovsdb-server.log", "-vconsole:off", "-vsyslog:off", "-vfile:warn"),
        ]
        # A session of its own: what ends its user at the terminal does not end the server in the middle of something.
        with _uninterrupted():
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
                start_new_session=True,
            )

    def _wait(self) -> Connection:
        end = time.monotonic() + _PATIENCE
        while True:
            try:
                return Connection(self.target, self._wake)
            except Unreachable as error:
                if self._process is not None and self._process.poll() is not None:
                    raise Unreachable(f"ovsdb-server does not start on {self.file}: {self._last_words()}") from None
                if time.monotonic() > end:
                    raise Unreachable(f"ovsdb-server does not answer: {error}") from None
                time.sleep(_INTERVAL)

    def _last_words(self) -> str:
        try:
            lines = (self._directory / "ovsdb-server.log").read_text(errors="replace").splitlines()
        except OSError:
            lines = []
        return lines[-1].rpartition("|")[2] if lines else "it gives no reason"

    def _end(self) -> None:
        """End whatever server has the file or was started here, in good order if it can."""
        for way in (signal.SIGTERM, signal.SIGKILL):
            end = time.monotonic() + _PATIENCE / 2
            while (holder := self._holder() or self._own()) is not None and time.monotonic() < end:
                with contextlib.suppress(ProcessLookupError):
                    os.kill(holder, way)
                self._reap()
                time.sleep(_INTERVAL)
        for left in (self._socket, self._pidfile, self._directory / "ovsdb-server.ctl"):
            left.unlink(missing_ok=True)
        self._reap()

    def _reap(self) -> None:
        if self._process is not None and self._process.poll() is not None:
            self._process = None

    def _own(self) -> int | None:
        """The process that was started here, which may not have got as far as opening the file."""
        return self._process.pid if self._process is not None else None

    def _holder(self) -> int | None:
        """The process that has the database file open: the kernel knows by its lock, whatever a pid file says."""
        try:
            lock = os.open(self._directory / ".model.db.~lock~", os.O_RDWR | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        try:
            asked = struct.pack(_FLOCK, fcntl.F_WRLCK, os.SEEK_SET, 0, 0, 0)
            kind, _, _, _, pid = struct.unpack(_FLOCK, fcntl.fcntl(lock, fcntl.F_GETLK, asked))
        finally:
            os.close(lock)
        if kind == fcntl.F_UNLCK:
            return None
        if pid <= 0:
            raise Unreachable(f"{self.file} is in use by a server that does not answer and cannot be seen from here")
        return int(pid)


@contextlib.contextmanager
def _uninterrupted() -> Iterator[None]:
    """Let signals that would end the process wait: what is begun here has to be known to whoever ends it."""
    waiting: list[int] = []
    if threading.current_thread() is not threading.main_thread():
        yield  # signals do not come here
        return
    before = {one: signal.signal(one, lambda came, _: waiting.append(came)) for one in _ENDING}
    try:
        yield
    finally:
        for one, handler in before.items():
            signal.signal(one, handler)
        for number in waiting:
            signal.raise_signal(number)


def _program(name: str) -> str:
    """A program by its full name: users often lack the directories of daemons."""
    found = shutil.which(name, path=os.environ.get("PATH", os.defpath) + os.pathsep + _DAEMONS)
    if found is None:
        raise Unreachable(f"{name} is missing; install it: apt-get install openvswitch-switch")
    return found


def _run(name: str, *arguments: str) -> None:
    with _uninterrupted():
        done = subprocess.run([_program(name), *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise Unreachable(f"{name} failed: {done.stderr.strip()}")
