"""A real Open vSwitch for tests: its own ovsdb-server and ovs-vswitchd, without privileges or a kernel module.

All datapaths are dummies inside ovs-vswitchd (``--enable-dummy=override``): interfaces of any type can be added, and
packets travel by ``ovs-appctl netdev-dummy/receive`` and ``ofproto/trace``.
"""

import os
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType

from flows.compile.desired import Desired
from mininet_topos.waiting import patience

SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")


def wait_until(condition: Callable[[], object], what: str, seconds: float = 10.0) -> None:
    """Waits until ``condition()`` is true; fails the test with ``what`` when it never is.

    ``seconds``: on a usual machine.
    """
    seconds = patience(seconds)
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            raise AssertionError(f"waited {seconds:g} s in vain: {what}")
        time.sleep(0.01)


class Switch:
    """Started when made; ``with`` stops it and removes its directory."""

    def __init__(self, *, only_dummies: bool = True) -> None:
        """``only_dummies``: every bridge and interface is a dummy, tunnels too (ovs-vswitchd(8), ``--enable-dummy``).

        Otherwise bridges need ``datapath_type=dummy`` and ports ``type=dummy``, and tunnels carry packets.
        """
        self._dummy = "--enable-dummy=override" if only_dummies else "--enable-dummy"
        self.directory = Path(tempfile.mkdtemp(prefix="ovs-", dir="/tmp"))  # socket paths hold 107 bytes
        self._environment = {**os.environ, "OVS_RUNDIR": str(self.directory), "OVS_LOGDIR": str(self.directory)}
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        try:
            self._run("ovsdb-tool", "create", str(self.directory / "conf.db"), str(SCHEMA))
            self.start_database()
            self.vsctl("--no-wait", "init")
            self.start_vswitchd()
        except BaseException:
            self.stop()
            raise

    def __enter__(self) -> "Switch":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.stop()

    @property
    def db_target(self) -> str:
        """Where the database answers."""
        return f"unix:{self.directory}/db.sock"

    def vsctl(self, *arguments: str) -> str:
        """Runs ``ovs-vsctl``; unless ``--no-wait`` is given, returns when ovs-vswitchd has done it."""
        return self._run("ovs-vsctl", "--timeout=10", f"--db={self.db_target}", *arguments)

    def ofctl(self, *arguments: str) -> str:
        """Runs ``ovs-ofctl``; bridges go by name."""
        return self._run("ovs-ofctl", *arguments)

    def hold(self, bridge: str, desired: Desired) -> None:
        """Makes a bridge hold these flows, groups and meters, and no others, by their text."""
        option = "--protocols=OpenFlow14"
        self.ofctl(option, "del-flows", bridge)
        for kind in ("meters", "groups"):  # the switch keeps those of a bridge that is made anew at once
            self.ofctl(option, f"del-{kind}", bridge)
        for entry in desired.groups_and_meters.values():
            self.ofctl(option, f"add-{entry.kind}", bridge, entry.text())
        path = self.directory / "flows"
        path.write_text("\n".join(f"cookie={cookie:#x},{flow.text()}" for cookie, flow in desired.flows.items()))
        self.ofctl(option, "--bundle", "add-flows", bridge, str(path))

    def appctl(self, *arguments: str) -> str:
        """Runs ``ovs-appctl`` on ovs-vswitchd."""
        return self._run("ovs-appctl", "-t", str(self.directory / "ovs-vswitchd.ctl"), *arguments)

    def log(self, daemon: str = "ovs-vswitchd") -> str:
        """The log of a daemon."""
        return (self.directory / f"{daemon}.log").read_text()

    def start_database(self) -> None:
        """Starts ovsdb-server on what the database file holds."""
        self._start("ovsdb-server", f"--remote=p{self.db_target}", str(self.directory / "conf.db"))
        wait_until(self._is_listening, "ovsdb-server to answer")

    def start_vswitchd(self, database: str | None = None) -> None:
        """Starts ovs-vswitchd, on the own database unless another is named; it answers ``appctl`` when this returns."""
        self._start(
            "ovs-vswitchd", self._dummy, "--disable-system", "--disable-system-route", database or self.db_target
        )
        wait_until((self.directory / "ovs-vswitchd.ctl").exists, "ovs-vswitchd's control socket")

    def kill(self, daemon: str) -> None:
        """Kills a daemon (``ovsdb-server`` or ``ovs-vswitchd``) as a crash would: it cleans nothing up."""
        process = self._processes.pop(daemon)
        process.kill()
        process.wait()
        for left_over in (f"{daemon}.ctl", *(["db.sock"] if daemon == "ovsdb-server" else [])):
            (self.directory / left_over).unlink(missing_ok=True)

    def pid(self, daemon: str) -> int:
        """The process of a daemon."""
        return self._processes[daemon].pid

    def freeze(self, daemon: str) -> None:
        """Stops a daemon without ending it: its sockets stay open and silent."""
        self._processes[daemon].send_signal(signal.SIGSTOP)

    def thaw(self, daemon: str) -> None:
        """Lets a frozen daemon go on."""
        self._processes[daemon].send_signal(signal.SIGCONT)

    def restart_vswitchd(self) -> None:
        """Kills ovs-vswitchd and starts it again."""
        self.kill("ovs-vswitchd")
        self.start_vswitchd()

    def stop(self) -> None:
        """Kills both daemons and removes the directory."""
        for daemon in list(self._processes):
            self.kill(daemon)
        shutil.rmtree(self.directory, ignore_errors=True)

    def _start(self, daemon: str, *arguments: str) -> None:
        control = f"--unixctl={self.directory}/{daemon}.ctl"
        log = f"--log-file={self.directory}/{daemon}.log"
        self._processes[daemon] = subprocess.Popen(
            [daemon, "--verbose=console:off", control, log, *arguments], env=self._environment
        )

    def _is_listening(self) -> bool:
        # The socket's file is there a moment before somebody listens.
        with socket.socket(socket.AF_UNIX) as client:
            return client.connect_ex(str(self.directory / "db.sock")) == 0

    def _run(self, *command: str) -> str:
        done = subprocess.run(command, env=self._environment, capture_output=True, text=True, timeout=30, check=False)
        if done.returncode != 0:
            raise AssertionError(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
        return done.stdout
