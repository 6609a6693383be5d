"""Hosts as Mininet's nodes: each with an Open vSwitch of its own, and each port a node plugged into one.

Mininet makes the nodes and the cables; what happens in a host is the same as in the lab
(:mod:`mininet_topos.inside.nodes.switch`).
"""

import socket
import tempfile
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from mininet.node import Switch

from flows.model.contract import INTEGRATION_BRIDGE, OVSDB_PORT, datapath_id
from mininet_topos.directory import PHYSICAL_NODE, ROUTER_NODE, UNDERLAY_NODE, LabDirectory, host_node
from mininet_topos.errors import LabError
from mininet_topos.inside import namespaces
from mininet_topos.inside.nodes import physical
from mininet_topos.inside.nodes.isolation import isolate
from mininet_topos.inside.nodes.switch import NIC, SCHEMA
from mininet_topos.inside.nodes.switch import Switch as HostSwitch
from mininet_topos.inside.supervisor import Supervisor
from mininet_topos.mininet.nodes import Passive, far_node, namespace, run
from mininet_topos.topology.topology import LabHost, Topology
from mininet_topos.waiting import Waiting

ROOT_NODE = "root"
"""This machine, outside of all nodes: where the controller runs."""

_MANAGEMENT = "mgmt0"
"""A host's interface to this machine."""


def add_hosts(topo: Any, topology: Topology) -> None:
    """Describe the hosts, and what they hang on, to Mininet."""
    if not topology.hosts:
        return
    topo.addSwitch(ROOT_NODE, cls=Root, dpid="1")
    topo.addSwitch(UNDERLAY_NODE, cls=Underlay, dpid="1", inNamespace=True, topology=topology)
    if topology.legs:
        topo.addSwitch(ROUTER_NODE, cls=Router, dpid="1", inNamespace=True)
    for number, (lan, leg) in enumerate(topology.legs, start=1):
        cable = {"intfName1": lan.name, "intfName2": _router_cable(number), "addr1": leg.mac}
        mtu = f"mtu {lan.mtu}"
        topo.addLink(ROUTER_NODE, UNDERLAY_NODE, **cable, ifconfig=mtu, params1={"ip": str(leg.address)})
    if topology.physical:
        topo.addSwitch(PHYSICAL_NODE, cls=Physical, dpid="1", inNamespace=True, topology=topology)
    for host in topology.hosts.values():
        _add_host(topo, host, topology)


def hosts_names(topology: Topology) -> list[str]:
    """The names of all nodes that :func:`add_hosts` makes."""
    if not topology.hosts:
        return []
    routers = [ROUTER_NODE] if topology.legs else []
    physical = [PHYSICAL_NODE] if topology.physical else []
    return [ROOT_NODE, UNDERLAY_NODE, *routers, *physical, *topology.hosts]


def _add_host(topo: Any, host: LabHost, topology: Topology) -> None:
    """Add a host with its cables to the underlay, to physical networks and to this machine."""
    ports = topology.ports_of(host.name)
    dpid = f"{datapath_id(host.name):016x}"
    topo.addSwitch(host.name, cls=OverlayHost, dpid=dpid, inNamespace=True, host=host, ports=ports)
    mtu = f"mtu {host.lan.mtu}"
    topo.addLink(host.name, UNDERLAY_NODE, intfName1=NIC, intfName2=_host_cable(host), ifconfig=mtu)
    for interface, lan in host.physical:
        number = topology.physical.index(lan) + 1
        cable = {"intfName1": interface, "intfName2": f"{_host_cable(host)}.{number}"}
        topo.addLink(host.name, PHYSICAL_NODE, **cable, ifconfig=f"mtu {lan.mtu}")
    address = {"ip": f"{host.management_ip}/32"}
    topo.addLink(host.name, ROOT_NODE, intfName1=_MANAGEMENT, intfName2=_root_cable(host), params1=address)


def _host_cable(host: LabHost) -> str:
    return f"host.{host.index}"


def _router_cable(number: int) -> str:
    return f"router.{number}"


def _root_cable(host: LabHost) -> str:
    # 'mn -c' removes what is left on this machine by names of this form.
    return f"{ROOT_NODE}-eth{host.index}"


def _controllers_address(controllers: Sequence[Any]) -> str:
    """Where the hosts find the controller: what ``--controller`` says."""
    addresses = [str(controller.IP()) for controller in controllers]
    if len(addresses) != 1 or ip_address(addresses[0]).is_loopback:
        raise LabError(
            "say which address of this machine the controller listens on, other than 127.0.0.1: "
            "--controller remote,ip=ADDRESS"
        )
    with socket.socket() as trial:
        try:
            trial.bind((addresses[0], 0))
        except OSError as error:
            raise LabError(f"this machine does not have the controller's address {addresses[0]}: {error}") from error
    return addresses[0]


class Root(Passive):
    """This machine. It has a cable to each host; the hosts see to it that it is used."""


class Underlay(Passive):
    """What connects the hosts: a bridge for each LAN."""

    def start(self, controllers: Sequence[Any]) -> None:
        """Make the bridges."""
        topology: Topology = self.params["topology"]
        with namespaces.links(namespace(self)) as route:
            for lan in topology.lans:
                route.link("add", ifname=lan.name, kind="bridge", mtu=lan.mtu, state="up")
                bridge = namespaces.index_of(route, lan.name)
                cables = [_host_cable(host) for host in topology.hosts.values() if host.lan == lan]
                cables += [_router_cable(number) for number, (end, _) in enumerate(topology.legs, 1) if end == lan]
                for cable in cables:
                    route.link("set", index=namespaces.index_of(route, cable), master=bridge)


class Router(Passive):
    """The router between racks."""

    def start(self, controllers: Sequence[Any]) -> None:
        """Let it forward."""
        run(self, "sysctl", "-w", "net.ipv4.ip_forward=1")


class Physical(Passive):
    """Physical networks: a bridge for each, with the node itself as a machine on it."""

    def start(self, controllers: Sequence[Any]) -> None:
        """Make the bridges."""
        topology: Topology = self.params["topology"]
        with namespaces.links(namespace(self)) as route:
            for number, lan in enumerate(topology.physical, start=1):
                physical.add_lan(route, lan)
                bridge = namespaces.index_of(route, lan.name)
                for host in topology.hosts.values():
                    if any(there == lan for _, there in host.physical):
                        cable = f"{_host_cable(host)}.{number}"
                        route.link("set", index=namespaces.index_of(route, cable), master=bridge)


class OverlayHost(Switch):  # type: ignore[misc]
    """A host with its own Open vSwitch, which joins as docs/host-contract.md says."""

    controlIntf = None  # noqa: N815 - Mininet's name

    def __init__(self, name: str, host: LabHost, **params: Any) -> None:
        self._host = host
        # However mn ends, this goes.
        self._files = tempfile.TemporaryDirectory(prefix="mn-", dir="/run", ignore_cleanup_errors=True)
        self._directory = LabDirectory(Path(self._files.name))
        self._directory.check_length(name)
        self._waiting = Waiting(lambda: None)
        self._ovs = HostSwitch(host, self._directory, Supervisor(), self._waiting)
        # Where the tools of Open vSwitch look when they are run in this node.
        private = ("/run/openvswitch", str(self._directory.host(name)))
        super().__init__(name, privateDirs=[private], **params)
        isolate(namespace(self), _MANAGEMENT)
        self._directory.namespaces.mkdir()
        self._directory.namespace(host_node(name)).symlink_to(namespace(self))
        self._has_database = False

    def start(self, controllers: Sequence[Any]) -> None:
        """Start Open vSwitch, with the bridge that its owner makes, and the way to the controller."""
        address = _controllers_address(controllers)
        if not self._has_database:
            self._make_database()
        self._ovs.start()
        self._ovs.ready()
        run(self, "ip", "route", "replace", address, "dev", _MANAGEMENT, "src", str(self._host.management_ip))
        for ours in self._host.management_ip, self._host.tunnel_ip:
            self._route_from_root(str(ours), address)

    def _make_database(self) -> None:
        empty = self._directory.path / "empty.db"
        self._waiting.run([["ovsdb-tool", "create", str(empty), str(SCHEMA)]])
        self._ovs.start_database(empty)
        self._ovs.wait_for_database()
        self._waiting.run([self._ovs.vsctl("init", wait=False)])
        self._waiting.run([self._ovs.owners_setup()])
        self._has_database = True

    def _route_from_root(self, address: str, source: str) -> None:
        root = next(node for node in map(far_node, self.intfList()) if isinstance(node, Root))
        run(root, "ip", "route", "replace", address, "dev", _root_cable(self._host), "src", source)

    @classmethod
    def batchStartup(cls, hosts: Sequence["OverlayHost"]) -> Sequence["OverlayHost"]:  # noqa: N802
        """Once all have started, join them: let the controller make its bridges, and plug the instances in."""
        for host in hosts:
            host.join()
        for host in hosts:
            host.plug_instances()
        return hosts

    def join(self) -> None:
        """Open the way to the host's database: only now, that all are there, for the controller tries each way."""
        self._waiting.run([self._ovs.vsctl("set-manager", f"ptcp:{OVSDB_PORT}:{self._host.tunnel_ip}", wait=False)])

    def plug_instances(self) -> None:
        """Put the instances' interfaces on the bridge that the controller makes."""
        try:
            self._waiting.run([self._ovs.wait_for_integration_bridge()])
        except LabError:
            raise LabError(
                f"no bridge {INTEGRATION_BRIDGE} on {self.name}: does the controller run, and was the network "
                "applied to it (ovs-vpc apply)?"
            ) from None
        if ports := self.params["ports"]:
            self._waiting.run([self._ovs.attach(ports)])

    def dpctl(self, *args: str) -> Any:
        """Mininet's command ``dpctl``: ovs-ofctl for the integration bridge."""
        return self.cmd("ovs-ofctl", "--names", args[0], INTEGRATION_BRIDGE, *args[1:])

    def connected(self) -> bool:
        """Whether the controller programs it."""
        return "true" in run(self, "ovs-vsctl", "get", "Controller", INTEGRATION_BRIDGE, "is_connected")

    def stop(self, deleteIntfs: bool = True) -> None:  # noqa: N803
        """Stop ovs-vswitchd."""
        if self._ovs.is_running:
            self._ovs.stop()
        super().stop(deleteIntfs)

    def terminate(self) -> None:
        """Let nothing be left of it."""
        self._ovs.stop_database()
        super().terminate()
        self._files.cleanup()
