"""Plain switches, the links between them, and routers: each a namespace of its own, like a host."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from flows.model import Route
from flows.model.contract import OPENFLOW_PORT
from mininet_topos.directory import CONTROLLER_NODE, LabDirectory, router_node, switch_node
from mininet_topos.errors import LabError
from mininet_topos.inside import namespaces
from mininet_topos.inside.nodes.isolation import isolate
from mininet_topos.inside.nodes.switch import PATIENCE, OpenVSwitch, SwitchEnvironment, has_kernel_datapath
from mininet_topos.inside.nodes.underlay import MANAGEMENT_BRIDGE, MANAGEMENT_INTERFACE
from mininet_topos.inside.supervisor import Supervisor
from mininet_topos.topology.plain import LabLeg, LabLink, LabRouter, LabSwitch, PlainTopology
from mininet_topos.topology.topology import CONTROLLER_ADDRESS, MANAGEMENT_NETWORK
from mininet_topos.waiting import Waiting

_MANAGEMENT_MTU = 1500

_IPV4 = Path("/proc/sys/net/ipv4")

_MAX_BACKOFF = 1000
"""Milliseconds until a switch that lost the controller tries again, at most."""


class PlainSwitch(OpenVSwitch):
    """The Open vSwitch of a plain switch: one bridge, which its owner makes and gives to the controller."""

    def __init__(self, switch: LabSwitch, directory: LabDirectory, supervisor: Supervisor, waiting: Waiting) -> None:
        self.switch = switch
        self.bridge = switch.bridge
        namespace = directory.namespace(switch_node(switch.name))
        environment = SwitchEnvironment(
            f"switch '{switch.name}'", namespace, directory.switch(switch.name), switch.management_ip
        )
        super().__init__(environment, supervisor, waiting)

    def owners_setup(self, topology: PlainTopology) -> list[str]:
        """The command that makes the bridge with the links and routers, and hands it to the controller."""
        bridge = ("--", "set", "Bridge", self.bridge)
        controller = f"tcp:{CONTROLLER_ADDRESS}:{OPENFLOW_PORT}"
        return self.vsctl(
            *("add-br", self.bridge),
            *(*bridge, f"datapath_type={'system' if has_kernel_datapath() else 'netdev'}"),
            *(*bridge, f"other_config:datapath-id={self.switch.datapath_id:016x}"),
            *(*bridge, "protocols=OpenFlow14", "fail_mode=secure"),
            *(word for interface in topology.interfaces_of(self.switch.name) for word in self.plug(interface)),
            *("--", "set-controller", self.bridge, controller),
            # In-band control would put flows of Open vSwitch's own before the controller's.
            *("--", "set", "Controller", self.bridge, "connection_mode=out-of-band", f"max_backoff={_MAX_BACKOFF}"),
            wait=False,
        )

    def ready(self) -> None:
        """Wait until the switch has made its bridge."""
        self._link_control_socket()
        with namespaces.links(self.namespace) as route:
            if not self._waiting.until(
                lambda: self._answers() and bool(route.link_lookup(ifname=self.bridge)), PATIENCE
            ):
                raise LabError(f"ovs-vswitchd of {self.what} makes no bridge; see its log")
        self._settle()


def build(topology: PlainTopology, directory: LabDirectory) -> None:
    """Make the namespaces of switches and routers, and lay all cables but those of machines."""
    nodes = {name: directory.namespace(switch_node(name)) for name in topology.switches}
    for number, switch in enumerate(topology.switches.values(), start=1):
        namespaces.create(nodes[switch.name])
        isolate(nodes[switch.name], MANAGEMENT_INTERFACE)
        _manage(switch, nodes[switch.name], f"switch.{number}", directory.namespace(CONTROLLER_NODE))
    for link in topology.links:
        _lay(link, nodes, topology.mtu)
    for router in topology.routers.values():
        _make(router, directory.namespace(router_node(router.name)), nodes, topology.mtu)


def _manage(switch: LabSwitch, node: Path, cable: str, controller: Path) -> None:
    """Lay the cable by which a switch reaches the controller."""
    with namespaces.links(controller) as route:
        end = {"ifname": MANAGEMENT_INTERFACE}
        namespaces.connect(route, MANAGEMENT_BRIDGE, cable, node, end, _MANAGEMENT_MTU)
    with namespaces.links(node) as route:
        index = namespaces.index_of(route, MANAGEMENT_INTERFACE)
        route.addr("add", index=index, address=str(switch.management_ip), prefixlen=MANAGEMENT_NETWORK.prefixlen)


def _lay(link: LabLink, nodes: Mapping[str, Path], mtu: int) -> None:
    (one, first), (two, second) = link.ends
    with namespaces.links(nodes[one]) as route, nodes[two].open("rb") as there:
        peer = {"ifname": second, "net_ns_fd": there.fileno(), "mtu": mtu}
        route.link("add", ifname=first, kind="veth", mtu=mtu, state="up", peer=peer)
    with namespaces.links(nodes[two]) as route:
        route.link("set", index=namespaces.index_of(route, second), state="up")


def _make(router: LabRouter, node: Path, nodes: Mapping[str, Path], mtu: int) -> None:
    """Make a router: its namespace, its legs with their addresses, its routes."""
    namespaces.create(node)
    for leg in router.legs:
        _plug(leg, node, nodes[leg.switch], mtu)
    forward(node, router.routes)


def forward(node: Path, routes: Sequence[Route]) -> None:
    """Make a namespace whose interfaces are there a router, which forwards by its addresses and these routes."""
    with namespaces.inside(node):
        (_IPV4 / "ip_forward").write_text("1")
        for interface in (_IPV4 / "conf").iterdir():
            # Each leg answers ARP for its own address only; the way back may be another than the way there.
            (interface / "arp_ignore").write_text("1")
            (interface / "rp_filter").write_text("0")
    with namespaces.links(node) as route:
        for way in routes:
            route.route("add", dst=str(way.to), gateway=str(way.via))


def _plug(leg: LabLeg, node: Path, switch: Path, mtu: int) -> None:
    with namespaces.links(switch) as route, node.open("rb") as there:
        peer = {"ifname": leg.interface, "net_ns_fd": there.fileno(), "address": leg.mac, "mtu": mtu}
        route.link("add", ifname=leg.cable, kind="veth", mtu=mtu, state="up", peer=peer)
    with namespaces.links(node) as route:
        index = namespaces.index_of(route, leg.interface)
        route.addr("add", index=index, address=str(leg.address.ip), prefixlen=leg.address.network.prefixlen)
        route.link("set", index=index, state="up")
    if not has_kernel_datapath():
        with namespaces.inside(node):
            namespaces.complete_checksums(leg.interface)
