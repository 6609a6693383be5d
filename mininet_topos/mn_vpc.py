"""The lab's network as Mininet's: each host a node with an Open vSwitch of its own, each port a node plugged into one.

Mininet makes the nodes and the cables; what happens in a host is the same as in the lab (:mod:`mininet_topos.switch`).
Nodes that are no instances are switches to Mininet, so that its ``pingall`` pings instances only.
"""

import socket
import tempfile
from collections.abc import Sequence
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from mininet.log import warn
from mininet.node import Host, Switch
from mininet.topo import Topo

from flows.model.contract import INTEGRATION_BRIDGE, OVSDB_PORT, datapath_id
from mininet_topos import namespaces
from mininet_topos.comparing import Pair
from mininet_topos.directory import ROUTER_NODE, UNDERLAY_NODE, LabDirectory, host_node
from mininet_topos.errors import LabError
from mininet_topos.instances import INSTANCE_INTERFACE
from mininet_topos.mn_model import complaints, namespace, ping_all, read
from mininet_topos.supervisor import Supervisor
from mininet_topos.switch import NIC, SCHEMA, has_kernel_datapath
from mininet_topos.switch import Switch as HostSwitch
from mininet_topos.topology import LabHost, LabPort, Topology, describe
from mininet_topos.waiting import Waiting

ROOT_NODE = "root"
"""This machine, outside of all nodes: where the controller runs."""

_CONTROLLER = "c0"
"""Mininet's name for the first controller."""

_MANAGEMENT = "mgmt0"
"""A host's interface to this machine."""

_PATIENCE = 15
"""Seconds until instances reach each other as the model says."""


class VpcTopo(Topo):  # type: ignore[misc]
    """``--topo vpc,NETWORK``: a network file, or the name of one that is shipped."""

    def build(self, network: object = "peered-vpcs") -> None:
        """Describe the network to Mininet."""
        self.network = read(str(network))
        topology = describe(self.network)
        fixed = [UNDERLAY_NODE, ROOT_NODE, _CONTROLLER, *([ROUTER_NODE] if topology.legs else [])]
        _check_names([*fixed, *topology.hosts, *topology.ports])
        self.addSwitch(ROOT_NODE, cls=Root, dpid="1")
        self.addSwitch(UNDERLAY_NODE, cls=Underlay, dpid="1", inNamespace=True, topology=topology)
        if topology.legs:
            self.addSwitch(ROUTER_NODE, cls=Router, dpid="1", inNamespace=True)
        for number, (lan, leg) in enumerate(topology.legs, start=1):
            cable = {"intfName1": lan.name, "intfName2": _router_cable(number), "addr1": leg.mac}
            mtu = f"mtu {lan.mtu}"
            self.addLink(ROUTER_NODE, UNDERLAY_NODE, **cable, ifconfig=mtu, params1={"ip": str(leg.address)})
        for host in topology.hosts.values():
            self._add_host(host, topology)
        for port in topology.ports.values():
            self._add_port(port)

    def _add_host(self, host: LabHost, topology: Topology) -> None:
        """Add a host with its cables to the underlay and to this machine."""
        ports = topology.ports_of(host.name)
        dpid = f"{datapath_id(host.name):016x}"
        self.addSwitch(
            host.name, cls=VpcHost, dpid=dpid, inNamespace=True, host=host, ports=ports, network=self.network
        )
        cable = {"intfName1": NIC, "intfName2": _host_cable(host)}
        mtu = f"mtu {host.lan.mtu}"
        # The NIC is a port of a bridge; the kernel must not answer ARP on it too, with its MAC address.
        nic, end = {"ifconfig": f"{mtu} -arp"}, {"ifconfig": mtu}
        self.addLink(host.name, UNDERLAY_NODE, **cable, params1=nic, params2=end)
        address = {"ip": f"{host.management_ip}/32"}
        self.addLink(host.name, ROOT_NODE, intfName1=_MANAGEMENT, intfName2=_root_cable(host), params1=address)

    def _add_port(self, port: LabPort) -> None:
        """Add an instance, and its cable to the host that it is on."""
        first, *others = port.addresses
        self.addHost(
            port.name,
            cls=Instance,
            ip=str(first),
            others=others,
            defaultRoute=f"dev {INSTANCE_INTERFACE} via {port.gateway} onlink",
        )
        if port.host is not None:
            cable = {"intfName1": INSTANCE_INTERFACE, "intfName2": port.interface, "addr1": port.mac}
            self.addLink(port.name, port.host, **cable, ifconfig=f"mtu {port.mtu}")


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise LabError(f"two nodes would have the name '{name}', which Mininet cannot tell apart; rename one")


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


def _run(node: Any, *argv: str) -> str:
    """Run a command in a node; its output. Raises :class:`LabError` when it fails."""
    output, complaint, code = node.pexec(*argv)
    if code != 0:
        raise LabError(f"'{' '.join(argv)}' in {node.name} failed: {(complaint or output).strip()}")
    return str(output)


class Passive(Switch):  # type: ignore[misc]
    """A node that is no instance and speaks no OpenFlow."""

    controlIntf = None  # noqa: N815 - Mininet's name

    def start(self, controllers: Sequence[Any]) -> None:
        """Nothing has to be started."""

    def dpctl(self, *args: str) -> str:
        """Mininet's command ``dpctl`` asks every switch."""
        return ""


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
        _run(self, "sysctl", "-w", "net.ipv4.ip_forward=1")


class Instance(Host):  # type: ignore[misc]
    """A port's instance."""

    def config(self, others: Sequence[object] = (), **params: Any) -> None:
        """Set its addresses and its route."""
        if not self.intfs:
            return
        super().config(**params)
        for address in others:
            _run(self, "ip", "address", "add", str(address), "dev", INSTANCE_INTERFACE)
        if not has_kernel_datapath():
            with namespaces.inside(namespace(self)):
                namespaces.complete_checksums(INSTANCE_INTERFACE)


class VpcHost(Switch):  # type: ignore[misc]
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
        _run(self, "ip", "route", "replace", address, "dev", _MANAGEMENT, "src", str(self._host.management_ip))
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
        root = next(link.node for link in self.far_ends() if isinstance(link.node, Root))
        _run(root, "ip", "route", "replace", address, "dev", _root_cable(self._host), "src", source)

    def far_ends(self) -> list[Any]:
        """The other ends of this host's cables."""
        links = [intf.link for intf in self.intfList()]
        return [link.intf2 if link.intf1.node is self else link.intf1 for link in links]

    @classmethod
    def batchStartup(cls, hosts: Sequence["VpcHost"]) -> Sequence["VpcHost"]:  # noqa: N802
        """Once all have started, join them: let the controller make its bridges, and plug the instances in.

        Returns when packets go as the model says.
        """
        for host in hosts:
            host.join()
        for host in hosts:
            host.plug_instances()
        instances = [end.node for host in hosts for end in host.far_ends() if isinstance(end.node, Instance)]
        pairs: list[Pair] = []

        def is_as_the_model_says() -> bool:
            pairs[:] = ping_all(hosts[0].params["network"], instances)
            return all(pair.is_right for pair in pairs)

        if not hosts[0]._waiting.until(is_as_the_model_says, _PATIENCE):
            warn(
                f"\n*** After {_PATIENCE} s it is not as the model says; was another file applied?\n{complaints(pairs)}"
            )
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
        return "true" in _run(self, "ovs-vsctl", "get", "Controller", INTEGRATION_BRIDGE, "is_connected")

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
