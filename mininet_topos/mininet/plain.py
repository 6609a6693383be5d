"""Plain switches as Mininet's own: bridges of the system's Open vSwitch. Routers are nodes that forward."""

import socket
from collections.abc import Sequence
from typing import Any

from mininet_topos.errors import LabError
from mininet_topos.inside.nodes import plain
from mininet_topos.inside.nodes.switch import has_kernel_datapath
from mininet_topos.mininet.nodes import Passive, complete_checksums, namespace
from mininet_topos.topology.plain import LabRouter
from mininet_topos.topology.topology import Topology


def add_switches(topo: Any, topology: Topology) -> None:
    """Describe plain switches, the links between them and routers to Mininet. A switch is named like its bridge."""
    described = topology.plain
    _check_interfaces(topology)
    # Mininet takes the kernel's datapath unless it is told otherwise.
    datapath = {} if has_kernel_datapath() else {"datapath": "user"}
    bridges = {switch.name: switch.bridge for switch in described.switches.values()}
    mtu = f"mtu {described.mtu}"
    for switch in described.switches.values():
        topo.addSwitch(switch.bridge, dpid=f"{switch.datapath_id:016x}", **datapath)
    for link in described.links:
        (one, first), (two, second) = link.ends
        topo.addLink(bridges[one], bridges[two], intfName1=first, intfName2=second, ifconfig=mtu)
    for router in described.routers.values():
        topo.addSwitch(router.name, cls=PlainRouter, dpid="1", inNamespace=True, router=router)
        for leg in router.legs:
            cable = {"intfName1": leg.interface, "intfName2": leg.cable, "addr1": leg.mac}
            topo.addLink(router.name, bridges[leg.switch], **cable, ifconfig=mtu, params1={"ip": str(leg.address)})


def switches_names(topology: Topology) -> list[str]:
    """The names of all nodes that :func:`add_switches` makes."""
    return [*(switch.bridge for switch in topology.plain.switches.values()), *topology.plain.routers]


def switches_cables(topology: Topology) -> set[str]:
    """The ends of cables at plain switches: interfaces of this machine."""
    cables = {interface for switch in topology.plain.switches for interface in topology.plain.interfaces_of(switch)}
    return cables | {port.interface for port in topology.ports.values() if port.switch is not None}


def _check_interfaces(topology: Topology) -> None:
    """Raises :class:`LabError` for a cable that is named like an interface of this machine: Mininet would delete it."""
    if taken := sorted(switches_cables(topology) & {name for _, name in socket.if_nameindex()}):
        raise LabError(
            f"this machine already has the interfaces {', '.join(taken)}, like cables of the network; if they are left "
            "from a mn that was killed, remove each by 'ip link delete NAME', otherwise rename what the cables are "
            "named after"
        )


class PlainRouter(Passive):
    """A router between plain switches."""

    def start(self, controllers: Sequence[Any]) -> None:
        """Let it forward, by its routes."""
        router: LabRouter = self.params["router"]
        plain.forward(namespace(self), router.routes)
        complete_checksums(self)
