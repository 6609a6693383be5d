"""A network file in Mininet: hosts, plain switches, or both."""

from collections.abc import Sequence
from typing import Any

from mininet.log import info, warn
from mininet.net import Mininet
from mininet.topo import Topo

from mininet_topos.errors import LabError
from mininet_topos.inside.instances import INSTANCE_INTERFACE
from mininet_topos.inside.nodes.isolation import Excluded
from mininet_topos.mininet.hosts import add_hosts, hosts_names
from mininet_topos.mininet.model import complaints, ping_all, pinged, read
from mininet_topos.mininet.nodes import Instance
from mininet_topos.mininet.plain import add_switches, switches_cables, switches_names
from mininet_topos.probes.comparing import Pair
from mininet_topos.topology.topology import LabPort, Topology, describe
from mininet_topos.waiting import Waiting, patience

_CONTROLLER = "c0"
"""Mininet's name for the first controller."""

_PATIENCE = patience(15)
"""Seconds until instances reach each other as the model says."""


class NetTopo(Topo):  # type: ignore[misc]
    """``--topo net,NETWORK``: a network file, or the name of one that is shipped."""

    def build(self, network: object = "peered-vpcs") -> None:
        """Describe the network to Mininet."""
        self.network = read(str(network))
        topology = describe(self.network)
        _check_names([_CONTROLLER, *hosts_names(topology), *switches_names(topology), *topology.ports])
        add_hosts(self, topology)
        add_switches(self, topology)
        for port in topology.ports.values():
            self._add_port(port, topology)

    def _add_port(self, port: LabPort, topology: Topology) -> None:
        """Add an instance, and its cable to the host or plain switch that it is on."""
        addresses = [str(address) for address in port.addresses]
        self.addHost(
            port.name,
            cls=Instance,
            ip=addresses[0] if addresses else None,
            others=addresses[1:],
            defaultRoute=f"dev {INSTANCE_INTERFACE} via {port.gateway} onlink" if port.gateway else None,
            routes=port.routes,
        )
        cable = {"intfName1": INSTANCE_INTERFACE, "intfName2": port.interface, "addr1": port.mac}
        mtu = f"mtu {port.mtu}"
        if port.switch is not None:
            bridge = topology.plain.switches[port.switch].bridge
            self.addLink(port.name, bridge, **cable, ifconfig=mtu)
        elif port.host is not None:
            self.addLink(port.name, port.host, **cable, ifconfig=mtu)


def _check_names(names: Sequence[str]) -> None:
    for name in names:
        if names.count(name) > 1:
            raise LabError(f"two nodes would have the name '{name}', which Mininet cannot tell apart; rename one")


class Network(Mininet):  # type: ignore[misc]
    """Mininet's network, which of a :class:`NetTopo` is started only when it is as the model says."""

    _excluded: Excluded | None = None

    def buildFromTopo(self, topo: Any = None) -> None:  # noqa: N802 - Mininet's name
        """Make the nodes and cables. Plain switches are on this machine, whose own kernel is kept off their cables."""
        if isinstance(topo, NetTopo) and (cables := switches_cables(describe(topo.network))):
            self._excluded = Excluded(sorted(cables))
        super().buildFromTopo(topo)

    def stop(self) -> None:
        """Stop everything."""
        super().stop()
        if self._excluded is not None:
            self._excluded.end()

    def start(self) -> None:
        """Start everything, and wait until packets go as the model says."""
        super().start()
        if isinstance(self.topo, NetTopo):
            self._wait_for_the_model(self.topo)

    def _wait_for_the_model(self, topo: NetTopo) -> None:
        instances: list[Any] = pinged(self, topo.network)
        pairs: list[Pair] = []

        def is_as_the_model_says() -> bool:
            pairs[:] = ping_all(topo.network, instances)
            return all(pair.is_right for pair in pairs)

        info("*** Waiting until packets go as the model says\n")
        if not Waiting(lambda: None).until(is_as_the_model_says, _PATIENCE):
            warn(
                f"*** After {_PATIENCE:.0f} s they do not; does the controller run, and was this network applied to "
                f"it?\n{complaints(pairs)}"
            )
