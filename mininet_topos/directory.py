"""Where a lab keeps its files, and how to tell a running lab from the remains of one."""

import fcntl
import json
import os
import select
import shutil
import signal
import time
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path

from mininet_topos.errors import LabError

LONGEST_SOCKET_PATH = 107
"""Linux: sun_path less the closing zero."""

_LONGEST_SOCKET_NAME = len("ovs-vswitchd.0000000.ctl")


def default_base() -> Path:
    """Where the labs of this user lie, unless OVS_VPC_LABS names another directory."""
    if chosen := os.environ.get("OVS_VPC_LABS"):
        return Path(chosen)
    if os.geteuid() == 0:
        return Path("/run/ovs-vpc")
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    return Path(runtime, "ovs-vpc") if runtime else Path(f"/tmp/ovs-vpc-{os.getuid()}")


def host_node(host: str) -> str:
    """The node name of a host. No declared name has a colon, so it never equals a port or a fixed node."""
    return f"host:{host}"


def port_node(port: str) -> str:
    """The node name of a port."""
    return f"port:{port}"


def switch_node(switch: str) -> str:
    """The node name of a plain switch."""
    return f"switch:{switch}"


def router_node(router: str) -> str:
    """The node name of a router between plain switches."""
    return f"router:{router}"


UNDERLAY_NODE = "underlay"
CONTROLLER_NODE = "controller"
ROUTER_NODE = "router"
"""Only there when the hosts are in racks."""
PHYSICAL_NODE = "physical"
"""Only there when a host is connected to a physical network."""


class LabDirectory:
    """The files of one lab."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.record = path / "lab.json"
        self.network = path / "network.yaml"
        self.lock = path / "lock"
        self.log = path / "lab.log"
        self.control_socket = path / "control.sock"
        self.namespaces = path / "netns"
        self.controller = path / "controller"
        self.controller_log = self.controller / "controller.log"

    @property
    def name(self) -> str:
        return self.path.name

    def namespace(self, node: str) -> Path:
        """The namespace file of a node. It can be opened only inside the lab's mount namespace."""
        return self.namespaces / node

    def host(self, host: str) -> Path:
        """What OVS_RUNDIR is for a host."""
        return self.path / "hosts" / host

    def switch(self, switch: str) -> Path:
        """What OVS_RUNDIR is for a plain switch."""
        return self.path / "switches" / switch

    def run_directory(self, node: str) -> Path | None:
        """What OVS_RUNDIR is for a node; None when it has no Open vSwitch."""
        kind, _, name = node.partition(":")
        return {"host": self.host, "switch": self.switch}[kind](name) if kind in ("host", "switch") else None

    def check_length(self, node: str) -> None:
        """Raises :class:`LabError` when a node's sockets would have longer paths than the kernel takes."""
        kind, _, name = node.partition(":")
        path = self.run_directory(node)
        excess = len(str(path)) + 1 + _LONGEST_SOCKET_NAME - LONGEST_SOCKET_PATH
        if excess > 0:
            raise LabError(
                f"the directory of {kind} '{name}', {path}, has {excess} characters more than the "
                f"sockets of Open vSwitch allow; choose a shorter lab name or {kind} name"
            )


@dataclass(frozen=True, slots=True)
class Record:
    """What ``lab.json`` says: which process is the lab's init.

    ``pid`` is as seen outside the lab. ``started`` (clock ticks since boot) tells it from a later process that got the
    same pid. ``network`` is the path of the network file. ``started_in`` is the directory that the lab was started
    from, empty when that is not known.
    """

    name: str
    pid: int
    started: int
    network: str
    started_in: str = ""

    def write(self, directory: LabDirectory) -> None:
        """Write it so that a reader sees all of it or nothing."""
        draft = directory.record.with_suffix(".new")
        draft.write_text(json.dumps(asdict(self), indent=2) + "\n")
        draft.replace(directory.record)

    @property
    def is_alive(self) -> bool:
        """Whether the init runs; not whether the lab is ready."""
        return start_time(self.pid) == self.started

    def end(self, number: signal.Signals, patience: float) -> bool:
        """Send the init a signal and wait up to ``patience`` seconds until it is gone. False when it is not."""
        try:
            process = os.pidfd_open(self.pid)
        except ProcessLookupError:
            return True
        try:
            # From here on the pid cannot become anybody else's.
            if not self.is_alive:
                return True
            signal.pidfd_send_signal(process, number)
            return bool(select.select([process], [], [], patience)[0])
        finally:
            os.close(process)


def present_directory() -> str:
    """Where this process is; nothing when that directory was removed."""
    try:
        return os.getcwd()  # noqa: PTH109 - a path that may be gone
    except FileNotFoundError:
        return ""


def read_record(directory: LabDirectory) -> Record | None:
    """The record of a lab, None when there is none (yet)."""
    try:
        return Record(**json.loads(directory.record.read_text()))
    except (FileNotFoundError, NotADirectoryError):
        return None


def start_time(pid: int) -> int | None:
    """When a process started, in clock ticks since boot; None when it does not run."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return None
    # The second field is the program's name in parentheses and may hold anything.
    fields = text.rpartition(")")[2].split()
    return None if fields[0] in "ZX" else int(fields[19])


class Lock:
    """The lock that every process of a lab's start and its init hold: who has it owns the directory.

    The kernel releases it when the last of them is gone, however they ended.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor

    @classmethod
    def acquire(cls, directory: LabDirectory) -> "Lock | None":
        """Make the directory where missing and lock it; None when somebody else has it."""
        while True:
            directory.path.mkdir(parents=True, exist_ok=True)
            try:
                descriptor = os.open(directory.lock, os.O_RDWR | os.O_CREAT, 0o600)
            except FileNotFoundError:
                continue
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                os.close(descriptor)
                return None
            if _is_same_file(descriptor, directory.lock):
                return cls(descriptor)
            # Whoever had it removed the directory between our opening and our locking.
            os.close(descriptor)

    def release(self) -> None:
        os.close(self.descriptor)


def _is_same_file(descriptor: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(descriptor), path.stat())
    except FileNotFoundError:
        return False


def clear(directory: LabDirectory) -> None:
    """Remove what is in a dead lab's directory but the lock. Only for the holder of the lock."""
    for entry in directory.path.iterdir():
        if entry == directory.lock:
            continue
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def erase(directory: LabDirectory) -> None:
    """Remove a dead lab's directory. Only for the holder of the lock, which comes last."""
    clear(directory)
    directory.lock.unlink()
    # Somebody may have made a lock of his own there meanwhile.
    with suppress(OSError):
        directory.path.rmdir()


def remove(directory: LabDirectory, patience: float) -> bool:
    """Remove a dead lab's directory; waits up to ``patience`` seconds for the last of its processes to go.

    False when they are still there.
    """
    deadline = time.monotonic() + patience
    while directory.path.exists():
        lock = Lock.acquire(directory)
        if lock is not None:
            erase(directory)
            lock.release()
        elif time.monotonic() > deadline:
            return False
        else:
            time.sleep(0.02)
    return True
