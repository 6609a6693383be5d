"""A network on one machine, as its user sees it: up, down, run something in it, change it.

The whole lab is one process tree in namespaces of its own, whose process 1 is :mod:`mininet_topos.inside.init`; it
builds everything and does the changes.  Here is the side that stays outside: it starts that process, talks to
it over a socket, and enters its namespaces.
"""

import json
import os
import re
import signal
import subprocess
from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, closing
from functools import cached_property
from pathlib import Path
from typing import Any

from flows.model import Network, parse
from flows.model.objects.types import NAME_PATTERN
from flows.model.problem import did_you_mean
from mininet_topos.client import capturing, launch, probing
from mininet_topos.client.naming import find_node
from mininet_topos.directory import (
    CONTROLLER_NODE,
    LabDirectory,
    Record,
    default_base,
    host_node,
    present_directory,
    read_record,
    remove,
    switch_node,
)
from mininet_topos.errors import LabError
from mininet_topos.inside.messages import Request, Verb
from mininet_topos.probes import connecting
from mininet_topos.probes.connecting import Attempt, Outcome
from mininet_topos.probes.probe import PingResults, Probe
from mininet_topos.topology.topology import InstanceChanges, Topology, check_change, describe, instance_changes
from mininet_topos.waiting import patience

_PATIENCE = patience(20.0)
"""Seconds for a lab to end."""

_SYS = """
groups=/sys/fs/cgroup
[ -d $groups ] || groups=/
exec 3<$groups
for mode in rw ro; do
    mount -t sysfs -o "$mode,nosuid,nodev,noexec" sysfs /sys && break
done 2>/dev/null && [ $groups != / ] && mount -c --rbind /proc/self/fd/3 $groups 2>/dev/null
exec 3<&-
exec "$@"
"""
_OWN_SYS = ("unshare", "--mount", "sh", "-c", _SYS, "sh")
"""What gives a command a /sys that shows the interfaces of its own namespace, not those of the machine.

The one that was there may be mounted read-only, as in containers; then this one must be too (mount_namespaces(7)). The
control groups stay as they are. Where it may not be mounted at all, the machine's stays.
"""


class Lab:
    """A running lab. Made by :meth:`up` and :meth:`find`.

    Longer than most classes: it is the one face of a lab, with a short method for each thing that can be done to it.
    """

    def __init__(self, directory: LabDirectory, record: Record) -> None:
        self.directory = directory
        self._record = record

    @cached_property
    def network(self) -> Network:
        """The network that the lab's instances are those of."""
        return parse(self.directory.network.read_text(), str(self.directory.network))[0]

    @cached_property
    def topology(self) -> Topology:
        """What the lab consists of."""
        return describe(self.network)

    @property
    def name(self) -> str:
        return self._record.name

    @property
    def path(self) -> Path:
        """The lab directory."""
        return self.directory.path

    @property
    def pid(self) -> int:
        """The lab's init, as seen from outside. When it dies the whole lab is gone."""
        return self._record.pid

    @property
    def started_in(self) -> str:
        """The directory that the lab was started from, empty when that is not known."""
        return self._record.started_in

    @property
    def is_started_here(self) -> bool:
        """Whether the lab was started from the directory that this process is in."""
        return self.started_in != "" and self.started_in == present_directory()

    @classmethod
    def up(
        cls,
        network: Network,
        text: str,
        *,
        name: str,
        controller: Sequence[str],
        base: Path | None = None,
        prepare: Callable[[Path], None] | None = None,
        progress: Callable[[str], None] | None = None,
    ) -> "Lab":
        """Build the lab of a network and start its controller.

        ``text`` is the YAML that the network was read from. ``controller`` is run in the namespace
        ``controller``; ``{lab}`` in its words becomes the lab directory. ``prepare`` is given the lab directory
        before anything runs. ``progress`` is told each step.
        Raises :class:`LabError` when it cannot be built. However this ends other than well, nothing is left.
        """
        directory = LabDirectory(_path(name, base))
        launch.check_machine()
        topology = describe(network)
        for node in (*map(host_node, topology.hosts), *map(switch_node, topology.plain.switches)):
            directory.check_length(node)
        return cls(
            directory, launch.start(directory, text, controller, prepare or _do_nothing, progress or _do_nothing)
        )

    @classmethod
    def running(cls, base: Path | None = None) -> "list[Lab]":
        """The labs whose init runs, in the order of their names."""
        directories = [LabDirectory(path) for path in sorted((base or default_base()).glob("*/"))]
        records = [(directory, read_record(directory)) for directory in directories]
        return [cls(directory, record) for directory, record in records if record is not None and record.is_alive]

    @classmethod
    def find(cls, name: str | None = None, base: Path | None = None) -> "Lab":
        """The running lab of a name, or the only one. Raises :class:`LabError` when there is none or no only one."""
        labs = {lab.name: lab for lab in cls.running(base)}
        if name is None:
            if len(labs) == 1:
                return next(iter(labs.values()))
            raise LabError(f"several labs run; name one by --lab: {', '.join(labs)}" if labs else "no lab is running")
        if name not in labs:
            raise LabError(f"no lab named '{name}' is running{did_you_mean(name, list(labs))}")
        return labs[name]

    def down(self) -> None:
        """End the lab, and wait until every process, namespace and file of it is gone, whatever Ctrl-C says."""
        with launch.undisturbed():
            if not self._record.end(signal.SIGTERM, _PATIENCE):
                self._record.end(signal.SIGKILL, _PATIENCE)
            is_gone = remove(self.directory, _PATIENCE)
        if not is_gone:
            raise LabError(f"lab '{self.name}' does not end; its files are in {self.path}")

    def command(self, node: str, argv: Sequence[str]) -> list[str]:
        """The command that runs ``argv`` in the namespace of a node, in the present directory, with a /sys of its own.

        A node is the name of a port, a host, a plain switch or a router, ``underlay`` or ``controller``. It is
        ``router`` where hosts are in racks, and ``physical`` where they are connected to physical networks.
        ``port:NAME``, ``host:NAME``, ``switch:NAME`` and ``router:NAME`` tell apart what has the same name. In a host
        or switch ovs-vsctl, ovs-ofctl and ovs-appctl talk to its own Open vSwitch. What the command starts ends with
        the lab at the latest, and when its first process is killed.
        """
        if not self._record.is_alive:
            raise LabError(f"lab '{self.name}' is not running")
        where = find_node(node, self.topology, self.name)
        own_user = [] if os.geteuid() == 0 else ["--user", "--preserve-credentials"]
        # The namespace's file is mounted in the lab only; this path leads there from outside.
        namespace = f"/proc/{self.pid}/root{self.directory.namespace(where)}"
        enter = ["nsenter", f"--target={self.pid}", *own_user, "--mount", "--root", "--pid", f"--net={namespace}", "--"]
        env = ["env", f"--chdir={Path.cwd()}"]
        if run_directory := self.directory.run_directory(where):
            env.append(f"OVS_RUNDIR={run_directory}")
        return [*enter, "setpriv", "--pdeathsig=KILL", "--", *_OWN_SYS, *env, *argv]

    def run(
        self, node: str, argv: Sequence[str], *, check: bool = False, **options: Any
    ) -> "subprocess.CompletedProcess[Any]":
        """``subprocess.run`` in the namespace of a node."""
        return subprocess.run(self.command(node, argv), check=check, **options)

    def announce_hosts(self) -> None:
        """Make every switch know its tunnel neighbours, so that no first packet is lost.

        Of use once the controller has made the tunnel ports; see :func:`mininet_topos.inside.nodes.underlay.announce`.
        """
        self._ask("announce")

    def capture(self, node: str, interface: str = "eth0") -> AbstractContextManager[list[bytes]]:
        """Capture what passes an interface of a node while a block runs.

        The frames are in the list when the block has ended.
        """
        return capturing.capture(self.command(node, capturing.capture_command(interface)))

    def probe(
        self, probes: Sequence[Probe], wait: float = 1.0, progress: Callable[[int], None] | None = None
    ) -> PingResults:
        """Ping between many pairs of ports: whether each target got its ping and the answer came back.

        ``wait``: seconds that each has for its answer. ``progress`` is told every second how many are over.
        """
        command = self.command(CONTROLLER_NODE, probing.probe_command(self.path))
        return probing.probe(command, self.name, probes, wait, progress or _do_nothing)

    def connect(
        self, attempts: Sequence[Attempt], wait: float = 1.0, progress: Callable[[int], None] | None = None
    ) -> list[Outcome]:
        """Try many connections between ports: what became of each.

        ``wait``: seconds that each has. ``progress`` is told now and then how many are over.
        """
        command = self.command(CONTROLLER_NODE, probing.command("connecting", self.path))
        told = connecting.order(attempts, wait)
        found: list[Outcome] = json.loads(probing.run(command, self.name, told, progress or _do_nothing))
        return found

    def check_follow(self, text: str) -> None:
        """Raise :class:`LabError` when :meth:`follow` could not."""
        network, _ = parse(text, "")
        wanted = describe(network)
        check_change(self.topology, wanted)
        for host in wanted.hosts:
            self.directory.check_length(host_node(host))

    def instance_changes(self, network: Network) -> InstanceChanges:
        """What :meth:`follow` would do with instances and hosts."""
        return instance_changes(self.topology, describe(network))

    def follow(self, text: str) -> None:
        """Make the lab's hosts and instances those of another network; what is the same runs on.

        A host that is new is built, and waits for the controller to make its bridge: that must have the model already.
        One that is gone ends when the ports have left it; a port whose host the model leaves open is then on none. New
        ports are plugged in where the network says. Others are changed and moved there while what runs in them goes on.
        Ports that are gone end with all their processes.
        """
        self._ask("follow", text)
        for outdated in ("network", "topology"):
            self.__dict__.pop(outdated, None)

    def plug(self, port: str, host: str) -> None:
        """Put a port on a host or plain switch, off the one that it is on. Its instance runs on, sockets and all.

        On the one that it is on it is plugged in again, whatever somebody has taken away there.
        """
        self._ask("plug", port, host)

    def unplug(self, port: str) -> None:
        """Take a port off its host. Its instance runs on, without carrier."""
        self._ask("unplug", port)

    def join(self, port: str, host: str) -> None:
        """Plug a port in on a second host too. Its instance hears what comes on either, and speaks as before."""
        self._ask("join", port, host)

    def hand_over(self, port: str) -> None:
        """Let a port's instance speak from its second host from now on. It announces that by a broadcast."""
        self._ask("hand_over", port)

    def part(self, port: str) -> None:
        """Take a port off the host that its instance does not speak from, if it is on two."""
        self._ask("part", port)

    def start_switch(self, host: str) -> None:
        """Start ovs-vswitchd of a host and wait until the host is back in the underlay."""
        self._ask("start_switch", host)

    def stop_switch(self, host: str) -> None:
        """Stop ovs-vswitchd of a host in the orderly way; it stays down until started."""
        self._ask("stop_switch", host)

    def restart_switch(self, host: str) -> None:
        """Stop and start ovs-vswitchd of a host."""
        self._ask("restart_switch", host)

    def controller_pid(self) -> int | None:
        """The controller's process as seen from outside; None while it is dead."""
        inner = self._ask("controller_pid")
        return None if inner is None else launch.outer_pid(self.pid, inner)

    def _ask(self, verb: Verb, *arguments: str) -> Any:
        connection = launch.connect(self.directory)
        if connection is None:
            raise LabError(f"lab '{self.name}' is not running")
        with closing(connection):
            connection.send(Request(verb, arguments))
            return launch.follow(connection, _do_nothing)


def interrupt(process: "subprocess.Popen[Any]") -> None:
    """Send SIGINT to what a :meth:`Lab.command` runs, and not to the command around it, which waits for it."""
    for child in Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split():
        os.kill(int(child), signal.SIGINT)


def remove_remains(base: Path | None = None) -> list[str]:
    """Remove the directories of labs that died without being taken down, and return their names."""
    names = []
    for path in sorted((base or default_base()).glob("*/lock")):
        if remove(LabDirectory(path.parent), patience=0):
            names.append(path.parent.name)
    return names


def _path(name: str, base: Path | None) -> Path:
    if re.fullmatch(NAME_PATTERN, name) is None:
        raise LabError(f"'{name}' is not a valid lab name; use small letters, digits and dashes")
    return (base or default_base()).absolute() / name


def _do_nothing(_: object) -> None:
    pass
