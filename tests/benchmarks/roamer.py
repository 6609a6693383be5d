"""An instance with a cable to each of two hosts, of which it uses one: what a virtual machine is that moves.

So no time goes into moving cables: what is measured is what the controllers and switches need.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from mininet_topos.directory import host_node, port_node
from mininet_topos.inside import namespaces
from tests.benchmarks.labs import BenchLab

PORT = "roamer"
_CABLES = {"h2": "eth2", "h3": "eth3"}
"""The instance's end of the cable to each host."""
_NEIGHBOUR = "c"
"""A port in the same subnet."""


class Roamer:
    """The instance of the port :data:`PORT`. It has the port's address on its loopback, and a way out by each cable."""

    def __init__(self, lab: BenchLab) -> None:
        self._lab, self._metric = lab, 0
        self._gateway = lab.gateway(PORT)
        lab.run(_NEIGHBOUR, "ping", "-c1", self._gateway, check=False)
        found = lab.run(_NEIGHBOUR, "ip", "neigh", "show", self._gateway).split()
        self._gateway_mac = found[found.index("lladdr") + 1]
        port = lab.lab.topology.ports[PORT]
        lab.run(PORT, "ip", "link", "set", "eth0", "down")
        lab.run(PORT, "ip", "address", "add", f"{lab.address(PORT)}/32", "dev", "lo")
        for host, end in _CABLES.items():
            with lab.links(host_node(host)) as route, lab.namespace(port_node(PORT)).open("rb") as there:
                peer = {"ifname": end, "net_ns_fd": there.fileno(), "address": port.mac, "mtu": port.mtu}
                route.link("add", ifname=self.interface(host), kind="veth", mtu=port.mtu, state="up", peer=peer)
            self.enter(host)

    @staticmethod
    def interface(host: str) -> str:
        """The host's end of the cable."""
        return f"roamer-{host}"

    def enter(self, host: str) -> None:
        """Use the cable to a host, too."""
        end = _CABLES[host]
        self._lab.run(PORT, "ip", "link", "set", end, "up")
        self._lab.run(PORT, "ip", "neigh", "replace", self._gateway, "lladdr", self._gateway_mac, "dev", end)
        # The cable that was there first is used as long as it is there.
        self._metric += 1
        way = ["default", "via", self._gateway, "dev", end, "onlink", "metric", str(self._metric)]
        self._lab.run(PORT, "ip", "route", "replace", *way)

    @contextmanager
    def leaving(self, host: str) -> Iterator[Callable[[], None]]:
        """What stops using the cable to a host, at once when it is called."""
        with self._lab.links(port_node(PORT)) as route:
            index = namespaces.index_of(route, _CABLES[host])
            yield lambda: route.link("set", index=index, state="down")

    def unplug(self, host: str) -> None:
        """Take the interface off the host's bridge."""
        self._lab.run(host, "ovs-vsctl", "del-port", "br-int", self.interface(host))
