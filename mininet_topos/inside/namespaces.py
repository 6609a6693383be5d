"""Network namespaces as files: made, entered and configured by one single-threaded process, the lab's init."""

import ctypes
import fcntl
import os
import signal
import socket
import struct
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

_CLONE_NEWNET = 0x40000000
_MS_BIND = 0x1000
_MNT_DETACH = 2
_SIOCETHTOOL = 0x8946
_ETHTOOL_STXCSUM = 0x17

_libc = ctypes.CDLL(None, use_errno=True)

_HERE = Path("/proc/self/ns/net")

_SOON = 0.005
"""Seconds in which a process that was killed is gone."""


def _check(result: int, what: str) -> None:
    if result != 0:
        error = ctypes.get_errno()
        raise OSError(error, f"{what}: {os.strerror(error)}")


@contextmanager
def inside(namespace: Path) -> Iterator[None]:
    """Be in a namespace: sockets made and processes started meanwhile belong to it for good."""
    with _HERE.open("rb") as home, namespace.open("rb") as there:
        _check(_libc.setns(there.fileno(), _CLONE_NEWNET), f"cannot enter {namespace}")
        try:
            yield
        finally:
            _check(_libc.setns(home.fileno(), _CLONE_NEWNET), "cannot return from a namespace")


@contextmanager
def links(namespace: Path) -> Iterator[Any]:
    """The links, addresses and routes of a namespace, as pyroute2's ``IPRoute``."""
    # Only here: it is slow to load, and whoever only asks about a lab needs none of it.
    from pyroute2 import IPRoute  # noqa: PLC0415

    with inside(namespace):
        route = IPRoute()
    try:
        yield route
    finally:
        route.close()


def create(namespace: Path) -> None:
    """Make a namespace that lives as long as its file is mounted, without IPv6 and with its loopback up.

    Without IPv6 a link that comes up sends nothing by itself: no router solicitation, no MLD report.
    """
    namespace.touch()
    with _HERE.open("rb") as home:
        _check(_libc.unshare(_CLONE_NEWNET), "cannot make a network namespace")
        try:
            _check(
                _libc.mount(os.fsencode(_HERE), os.fsencode(namespace), None, _MS_BIND, None),
                f"cannot mount {namespace}",
            )
            _disable_ipv6()
        finally:
            _check(_libc.setns(home.fileno(), _CLONE_NEWNET), "cannot return from a namespace")
    with links(namespace) as route:
        route.link("set", index=1, state="up")


def leave() -> None:
    """Be in a new namespace from now on, which ends with this process."""
    _check(_libc.unshare(_CLONE_NEWNET), "cannot make a network namespace")


def remove(namespace: Path) -> None:
    """Let go of a namespace: it ends with the last process in it."""
    detach(namespace)
    namespace.unlink()


def end_processes(namespace: Path) -> None:
    """Kill every process that is in a namespace, so that nothing stays behind where no cable leads any more."""
    identity = namespace.stat().st_ino
    while found := [pid for pid in _processes() if _namespace_of(pid) == identity]:
        for pid in found:
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        time.sleep(_SOON)


def _processes() -> list[int]:
    """Every process but ourselves."""
    return [int(path.name) for path in Path("/proc").glob("[0-9]*") if path.name != str(os.getpid())]


def _namespace_of(pid: int) -> int | None:
    """The network namespace that a process is in; None when it has ended, or is about to."""
    try:
        return Path(f"/proc/{pid}/ns/net").stat().st_ino
    except OSError:
        return None


def _disable_ipv6() -> None:
    for which in ("all", "default"):
        switch = Path(f"/proc/sys/net/ipv6/conf/{which}/disable_ipv6")
        if switch.exists():
            switch.write_text("1")


def mount_tmpfs(directory: Path) -> None:
    """Mount an empty file system: detaching it later lets go of every namespace file in it at once."""
    directory.mkdir()
    _check(_libc.mount(b"tmpfs", os.fsencode(directory), b"tmpfs", 0, b"mode=755"), f"cannot mount {directory}")


def detach(directory: Path) -> None:
    """Unmount a file system, whether it is in use or not."""
    _check(_libc.umount2(os.fsencode(directory), _MNT_DETACH), f"cannot unmount {directory}")


def index_of(route: Any, interface: str) -> int:
    """The index of an interface. Raises ``LookupError`` when there is none of the name."""
    found = route.link_lookup(ifname=interface)
    if not found:
        raise LookupError(f"there is no interface {interface}")
    return int(found[0])


def connect(route: Any, bridge: str, cable: str, node: Path, end: Mapping[str, str], mtu: int) -> None:
    """Lay a cable from a bridge, of the namespace that ``route`` is for, to another namespace, both ends up.

    ``cable`` is the end's name at the bridge; ``end`` has the name and perhaps the MAC ``address`` of the other.
    """
    with node.open("rb") as there:
        peer = {**end, "net_ns_fd": there.fileno(), "mtu": mtu}
        master = index_of(route, bridge)
        route.link("add", ifname=cable, kind="veth", master=master, mtu=mtu, state="up", peer=peer)
    with links(node) as far:
        far.link("set", index=index_of(far, end["ifname"]), state="up")


def complete_checksums(interface: str) -> None:
    """Send every packet of an interface of this namespace with its checksum already in it (tx off).

    The userspace datapath hands on what it reads, and nothing after it fills in a checksum.
    """
    value = ctypes.create_string_buffer(struct.pack("II", _ETHTOOL_STXCSUM, 0))
    request = struct.pack("16sP", interface.encode(), ctypes.addressof(value))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as any_socket:
        fcntl.ioctl(any_socket, _SIOCETHTOOL, request)
