"""Starts a lab's init, and checks what the machine must have for it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any, TextIO

from mininet_topos.directory import (
    LabDirectory,
    Lock,
    Record,
    clear,
    present_directory,
    read_record,
    remove,
    start_time,
)
from mininet_topos.errors import LabError
from mininet_topos.inside.messages import Connection, Request
from mininet_topos.inside.nodes.switch import SCHEMA, has_kernel_datapath
from mininet_topos.waiting import patience

_PACKAGES = {
    "unshare": "util-linux",
    "nsenter": "util-linux",
    "setpriv": "util-linux",
    "setsid": "util-linux",
    "ovsdb-server": "openvswitch-switch",
    "ovs-vswitchd": "openvswitch-switch",
    "ovs-vsctl": "openvswitch-common",
    "ovsdb-tool": "openvswitch-common",
    "ovs-appctl": "openvswitch-common",
    "nft": "nftables",
}
"""Programs that a lab runs, and the Debian package of each."""

_TUN = Path("/dev/net/tun")

_APPARMOR_SWITCH = Path("/proc/sys/kernel/apparmor_restrict_unprivileged_userns")

_START_PATIENCE = patience(15.0)
"""Seconds for the init to answer, and to go away again."""

_INTERVAL = 0.02

_PATH = os.pathsep.join(("/usr/local/sbin", "/usr/sbin", "/sbin"))


def environment() -> dict[str, str]:
    """The environment of a lab's processes: ours, with the directories of daemons, which users often lack."""
    return {**os.environ, "PATH": os.environ.get("PATH", os.defpath) + os.pathsep + _PATH}


def check_machine() -> None:
    """Raises :class:`LabError` with everything that the machine lacks, and the remedies."""
    path = environment()["PATH"]
    problems = []
    if (problem := _tun_problem()) is not None:
        problems.append(problem)
    missing = [program for program in _PACKAGES if shutil.which(program, path=path) is None]
    if missing:
        packages = " ".join(sorted({_PACKAGES[program] for program in missing}))
        problems.append(f"a lab needs {', '.join(missing)}; install them: apt-get install {packages}")
    elif not SCHEMA.exists():
        problems.append(f"{SCHEMA} is missing; install it: apt-get install openvswitch-common")
    if problems:
        raise LabError("\n".join(problems))


def _tun_problem() -> str | None:
    """What is wrong with the device that the userspace datapath makes its bridges' interfaces with."""
    if has_kernel_datapath():
        return None
    try:
        # Opened, not only looked at: a container may show the device and refuse it, a kernel may lack its driver.
        os.close(os.open(_TUN, os.O_RDWR | os.O_CLOEXEC))
    except FileNotFoundError:
        return f"Open vSwitch needs {_TUN}, which this machine does not have; {_tun_remedy('modprobe tun')}"
    except PermissionError:
        return (
            f"Open vSwitch needs {_TUN}, which this user cannot open; {_tun_remedy(f'chmod 666 {_TUN}')}, or use sudo"
        )
    except OSError as error:
        return f"Open vSwitch needs {_TUN}, but: {error.strerror}; {_tun_remedy('modprobe tun')}"
    return None


def _tun_remedy(command: str) -> str:
    if os.geteuid() == 0:
        return f"run '{command}', or start the container with --device {_TUN}"
    return f"run 'sudo {command}'"


def start(
    directory: LabDirectory,
    text: str,
    controller: Sequence[str],
    prepare: Callable[[Path], None],
    progress: Callable[[str], None],
) -> Record:
    """Start the init on a directory of its own and wait until the lab is up.

    Raises :class:`LabError` when it does not come up; then, and on any other exception, nothing is left.
    """
    _claim(directory.path.parent)
    lock = Lock.acquire(directory)
    if lock is None:
        raise LabError(f"a lab named '{directory.name}' already runs, or is just starting or ending")
    try:
        try:
            clear(directory)
            directory.network.write_text(text)
            prepare(directory.path)
            log = directory.log.open("w+")
            _spawn(directory, lock, log)
        finally:
            lock.release()
        with log, closing(_connect(directory, log)) as connection:
            record = _record(directory, connection.peer_pid)
            record.write(directory)
            connection.send(Request("up", tuple(controller)))
            try:
                follow(connection, progress)
            except LabError as error:
                # What the init printed goes away with the lab. It is for developers, not part of the sentence.
                log.seek(0)
                error.add_note(log.read())
                raise
    except BaseException:
        with undisturbed():
            give_up(directory)
        raise
    return record


@contextmanager
def undisturbed() -> Iterator[None]:
    """Ctrl-C does nothing while a block runs: what cleans up is not to be cut short by a second one."""
    if threading.current_thread() is not threading.main_thread():
        yield  # it is not told of signals, and may not say what becomes of them
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _claim(base: Path) -> None:
    """Make the directory of all labs, or see that it is ours: in /tmp anybody may have made it."""
    base.mkdir(mode=0o755, parents=True, exist_ok=True)
    owner = base.stat().st_uid
    if owner not in (os.geteuid(), 0) or not os.access(base, os.W_OK):
        raise LabError(f"{base} belongs to another user; remove it or choose another directory for labs")


def _spawn(directory: LabDirectory, lock: Lock, log: TextIO) -> None:
    """Start the init as a child of nobody, in no terminal, holding the lock."""
    own_user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    namespaces = ["--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child"]
    init = [sys.executable, "-P", "-m", "mininet_topos.inside.init", str(directory.path)]
    ours = str(Path(__file__).parents[2])
    python_path = os.pathsep.join([ours, *filter(None, [os.environ.get("PYTHONPATH")])])
    subprocess.run(
        ["setsid", "--fork", "unshare", *own_user, *namespaces, *init],
        stdin=subprocess.DEVNULL,
        stdout=log,
        stderr=log,
        cwd="/",
        env={**environment(), "PYTHONPATH": python_path},
        pass_fds=[lock.descriptor],
        check=True,
    )


def _connect(directory: LabDirectory, log: TextIO) -> Connection:
    deadline = time.monotonic() + _START_PATIENCE
    while True:
        connection = connect(directory)
        if connection is not None:
            return connection
        lock = Lock.acquire(directory)
        if lock is not None:
            lock.release()
        if lock is not None or time.monotonic() > deadline:
            raise LabError(_why_no_init(log))
        time.sleep(_INTERVAL)


def connect(directory: LabDirectory) -> Connection | None:
    """A connection to the init of a lab, None when none listens."""
    end = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        end.connect(str(directory.control_socket))
    except (FileNotFoundError, ConnectionRefusedError):
        end.close()
        return None
    return Connection(end)


def follow(connection: Connection, progress: Callable[[str], None]) -> Any:
    """Read replies up to the last one and return its result. Raises :class:`LabError` when that is an error."""
    while True:
        try:
            reply = connection.reply()
        except (EOFError, ConnectionError):
            raise LabError("the lab ended before it answered") from None
        if reply.kind == "result":
            return reply.value
        if reply.kind == "error":
            raise LabError(reply.value)
        progress(reply.value)


def _record(directory: LabDirectory, pid: int) -> Record:
    started = start_time(pid)
    if started is None:
        raise LabError("the lab's init died at once")
    return Record(directory.name, pid, started, str(directory.network), present_directory())


def _why_no_init(log: TextIO) -> str:
    log.seek(0)
    words = " ".join(log.read().split())
    if "unshare" in words and ("not permitted" in words or "No space left" in words):
        return f"this user may not make namespaces ({words}); {_namespace_remedy(words)}"
    return f"the lab's init does not start: {words or 'no reason given'}"


def _namespace_remedy(words: str) -> str:
    if os.geteuid() == 0:
        return "in a container, give it CAP_SYS_ADMIN and CAP_NET_ADMIN (--privileged)"
    if "No space left" in words:
        return "use sudo, or allow it: sudo sysctl user.max_user_namespaces=10000"
    if _APPARMOR_SWITCH.exists():
        return "use sudo, or allow it: sudo sysctl kernel.apparmor_restrict_unprivileged_userns=0"
    return "use sudo"


def give_up(directory: LabDirectory) -> None:
    """End whatever is left of a lab that did not come up."""
    record = read_record(directory)
    if record is not None:
        record.end(signal.SIGKILL, _START_PATIENCE)
    remove(directory, _START_PATIENCE)


def outer_pid(init: int, inner: int) -> int | None:
    """The pid, as seen here, of a process that has the pid ``inner`` in the lab of an init; None when it is gone."""
    namespace = _pid_namespace(init)
    for status in Path("/proc").glob("[0-9]*/status"):
        pid = int(status.parent.name)
        if _pid_namespace(pid) == namespace and _innermost_pid(status) == inner:
            return pid
    return None


def _pid_namespace(pid: int) -> str | None:
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:
        # Gone, or another user's.
        return None


def _innermost_pid(status: Path) -> int | None:
    try:
        lines = status.read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[-1]) for line in lines if line.startswith("NSpid:")), None)
