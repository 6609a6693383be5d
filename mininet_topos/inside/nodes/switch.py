"""An Open vSwitch: its database and switch processes; and what a host's owner sets up in them."""

import shutil
import socket
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path
from typing import Any

from flows.model.contract import INTEGRATION_BRIDGE, OVSDB_PORT, PHYSICAL_BRIDGE
from mininet_topos.directory import LabDirectory, host_node
from mininet_topos.errors import LabError
from mininet_topos.inside import generic_netlink, namespaces
from mininet_topos.inside.supervisor import Service, Supervisor
from mininet_topos.topology.topology import LabHost, LabPort
from mininet_topos.waiting import Waiting, patience

SCHEMA = Path("/usr/share/openvswitch/vswitch.ovsschema")

NIC = "eth0"
"""The host's interface in the underlay."""

PATIENCE = int(patience(20))
"""Seconds for a process of Open vSwitch to come up, answer or go away."""

_SCOPE_LINK = 253
"""RT_SCOPE_LINK: what the route leads to is on the link itself."""


def has_kernel_datapath() -> bool:
    """Whether the kernel has Open vSwitch's datapath now, as a loaded module or built in."""
    return "ovs_datapath" in generic_netlink.families()


@dataclass(frozen=True, slots=True)
class SwitchEnvironment:
    """The namespace and directory of an Open vSwitch, and its name for people. ``directory`` is its OVS_RUNDIR."""

    what: str
    namespace: Path
    directory: Path
    management_ip: IPv4Address


class OpenVSwitch:
    """Database and switch processes, on one of whose bridges instances are plugged in."""

    bridge: str
    """That bridge."""

    def __init__(self, environment: SwitchEnvironment, supervisor: Supervisor, waiting: Waiting) -> None:
        self.what = environment.what
        self.namespace = environment.namespace
        self._directory = environment.directory
        self._management_ip = environment.management_ip
        self._supervisor = supervisor
        self._waiting = waiting
        self._control = self._directory / "ovs-vswitchd.ctl"
        self._socket = self._directory / "db.sock"
        self._database = self._service("ovsdb-server", self._database_arguments())
        self._vswitchd = self._service("ovs-vswitchd", self._vswitchd_arguments())
        self._vswitchd.after_restart = self.ready

    def _service(self, program: str, arguments: Iterable[str]) -> Service:
        # A lab ends with its process 1; Mininet may be killed, and must not leave them behind.
        until_we_end = ["setpriv", "--pdeathsig=KILL", "--"]
        own = [
            f"--unixctl={self._directory / program}.ctl",
            f"--pidfile={self._directory / program}.pid",
            f"--log-file={self._directory / program}.log",
            "-vconsole:off",
        ]
        environment = {name: str(self._directory) for name in ("OVS_RUNDIR", "OVS_LOGDIR", "OVS_DBDIR")}
        output = self._directory / f"{program}.out"
        argv = [*until_we_end, program, *arguments, *own]
        return Service(f"{program} of {self.what}", argv, self.namespace, self._directory, output, environment)

    def _database_arguments(self) -> list[str]:
        return [
            str(self._directory / "conf.db"),
            f"--remote=punix:{self._socket}",
            f"--remote=ptcp:{OVSDB_PORT}:{self._management_ip}",
            "--remote=db:Open_vSwitch,Open_vSwitch,manager_options",
        ]

    def _vswitchd_arguments(self) -> list[str]:
        without_kernel = [] if has_kernel_datapath() else ["--disable-system"]
        return [f"unix:{self._socket}", *without_kernel]

    def start_database(self, empty: Path) -> None:
        """Start the database server on a copy of an empty database."""
        self._directory.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(empty, self._directory / "conf.db")
        self._supervisor.start(self._database)

    def wait_for_database(self) -> None:
        if not self._waiting.until(self._socket.is_socket, PATIENCE):
            raise LabError(f"the ovsdb-server of {self.what} does not start")

    def stop_database(self) -> None:
        """End the database server; what it holds is of no more use."""
        self._supervisor.stop(self._database, lambda: None, 0)

    def start(self) -> None:
        """Start ovs-vswitchd, without waiting."""
        if self._is_wanted:
            raise LabError(f"Open vSwitch of {self.what} already runs")
        self._supervisor.start(self._vswitchd)

    def stop(self) -> None:
        """End ovs-vswitchd in the orderly way, as a stopped system service ends."""
        if not self._is_wanted:
            raise LabError(f"Open vSwitch of {self.what} does not run")
        self._supervisor.stop(self._vswitchd, lambda: self._waiting.run([self._appctl("exit")]), PATIENCE)

    def halt(self) -> None:
        """End ovs-vswitchd at once, for good, even one that hangs. The database goes on."""
        self._supervisor.forget(self._vswitchd)

    def end(self) -> None:
        """End the database too, and remove all files."""
        self._supervisor.forget(self._database)
        shutil.rmtree(self._directory, ignore_errors=True)

    @property
    def _is_wanted(self) -> bool:
        # One that crashed is about to be started again.
        return self.is_running or self._vswitchd.due is not None

    @property
    def is_running(self) -> bool:
        """Whether ovs-vswitchd runs."""
        return self._vswitchd.process is not None

    def vsctl(self, *arguments: str, wait: bool) -> list[str]:
        """An ovs-vsctl command for this host; with ``wait`` it ends when the switch has done it."""
        limits = [f"--timeout={PATIENCE}", "--retry"]
        return ["ovs-vsctl", f"--db=unix:{self._socket}", *limits, *([] if wait else ["--no-wait"]), *arguments]

    def ready(self) -> None:
        """Wait until the switch is up, and give it what does not outlive a restart."""
        raise NotImplementedError

    def _answers(self) -> bool:
        """Whether its control socket is not one that a killed ovs-vswitchd left behind."""
        with socket.socket(socket.AF_UNIX) as control:
            return control.connect_ex(str(self._control)) == 0

    def _settle(self) -> None:
        """Wait until ovs-vswitchd has made its ports and has noticed the host's address.

        It answers one question in each round of its main loop; one round hears of a change, the next two act.
        """
        for _ in range(3):
            self._waiting.run([self._appctl("version")])

    def _appctl(self, command: str) -> list[str]:
        return ["ovs-appctl", f"--target={self._control}", f"--timeout={PATIENCE}", command]

    def _link_control_socket(self) -> None:
        # ovs-appctl looks for the name with the pid in it; everybody else wants a name that stays.
        for old in self._directory.glob("ovs-vswitchd.[0-9]*.ctl"):
            old.unlink()
        (self._directory / f"ovs-vswitchd.{self._vswitchd.pid}.ctl").symlink_to(self._control)

    def plug(self, interface: str) -> list[str]:
        """What makes an interface a port of the bridge, as a part of an ovs-vsctl command."""
        return ["--", "--may-exist", "add-port", self.bridge, interface]

    def attach(self, ports: Iterable[LabPort]) -> list[str]:
        """The command that puts ports' interfaces on the bridge, in one transaction."""
        return self.vsctl(*(word for port in ports for word in self._attached(port)), wait=self.is_running)

    def _attached(self, port: LabPort) -> list[str]:
        return self.plug(port.interface)

    def detach(self, port: LabPort) -> list[str]:
        """The command that takes a port's interface off the bridge."""
        return self.vsctl("--if-exists", "del-port", self.bridge, port.interface, wait=self.is_running)


class Switch(OpenVSwitch):
    """The Open vSwitch of one host, whose integration bridge the controller makes."""

    bridge = INTEGRATION_BRIDGE

    def __init__(self, host: LabHost, directory: LabDirectory, supervisor: Supervisor, waiting: Waiting) -> None:
        self.host = host
        namespace = directory.namespace(host_node(host.name))
        environment = SwitchEnvironment(f"host '{host.name}'", namespace, directory.host(host.name), host.management_ip)
        super().__init__(environment, supervisor, waiting)

    def owners_setup(self) -> list[str]:
        """The command that makes the bridge with the NIC: what a host's owner does once."""
        datapath = "system" if has_kernel_datapath() else "netdev"
        # On the kernel datapath it complains when asked before the interface is there; ready() sets the MTU then.
        mtu = (
            []
            if has_kernel_datapath()
            else ["--", "set", "Interface", PHYSICAL_BRIDGE, f"mtu_request={self.host.lan.mtu}"]
        )
        return self.vsctl(
            *("set", "Open_vSwitch", ".", f"external_ids:system-id={self.host.name}"),
            *("--", "add-br", PHYSICAL_BRIDGE, "--", "add-port", PHYSICAL_BRIDGE, NIC),
            *("--", "set", "Bridge", PHYSICAL_BRIDGE, f"datapath_type={datapath}"),
            # Open vSwitch would make up a new one at each start, and the other hosts send to the old one.
            *("--", "set", "Bridge", PHYSICAL_BRIDGE, f'other_config:hwaddr="{self.host.mac}"'),
            *mtu,
            wait=False,
        )

    def ready(self) -> None:
        """Wait until the switch is up and give the host its tunnel address.

        On the userspace datapath the bridge's own interface lives and dies with ovs-vswitchd, and its address with it.
        Network scripts of a real host do this again after each start too.
        """
        self._link_control_socket()
        with namespaces.links(self.namespace) as route:
            if not self._waiting.until(lambda: self._answers() and self._has_bridge(route), PATIENCE):
                raise LabError(f"ovs-vswitchd of {self.what} makes no bridge; see its log")
            index = namespaces.index_of(route, PHYSICAL_BRIDGE)
            if has_kernel_datapath():
                # Open vSwitch takes a bridge's MTU down to that of its NIC, and up only when a port changes later.
                route.link("set", index=index, mtu=self.host.lan.mtu)
            route.link("set", index=index, state="up")
            self._address(route, index)
        self._settle()

    def _has_bridge(self, route: Any) -> bool:
        # Open vSwitch takes the interface down to give it its MAC address, and routes set before that are lost.
        return bool(route.link_lookup(ifname=PHYSICAL_BRIDGE, address=self.host.mac))

    def _address(self, route: Any, index: int) -> None:
        """Give the host its tunnel address and its way to every other one."""
        address, router = str(self.host.tunnel_ip), self.host.lan.router
        if router is None:
            # Hosts of one LAN may have any addresses: each is to be found on the link itself. A prefix of 0
            # says so to Open vSwitch too, which takes a source address only from the next hop's subnet.
            route.addr("replace", index=index, address=address, prefixlen=0)
            route.route("replace", family=socket.AF_INET, dst="default", oif=index, scope=_SCOPE_LINK)
        else:
            route.addr("replace", index=index, address=address, prefixlen=router.address.network.prefixlen)
            route.route("replace", dst="default", gateway=str(router.address.ip), oif=index)

    def wait_for_integration_bridge(self) -> list[str]:
        """The command that ends well when somebody has made the integration bridge, badly when nobody does."""
        return self.vsctl("wait-until", "Bridge", INTEGRATION_BRIDGE, wait=False)

    def _attached(self, port: LabPort) -> list[str]:
        identity = {"iface-id": port.name, "attached-mac": f'"{port.mac}"'}
        return [*super()._attached(port), "--", "set", "Interface", port.interface, *_external_ids(identity)]


def _external_ids(values: Mapping[str, str]) -> list[str]:
    return [f"external_ids:{key}={value}" for key, value in values.items()]
