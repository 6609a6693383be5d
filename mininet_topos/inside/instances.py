"""The instances' side: a namespace per port, and the cable from it to whichever host the port is on.

The instance's end of the cable, ``eth0``, is made once and stays for as long as the lab runs, with its addresses, its
neighbours and the sockets that use it.  Only the other end moves between hosts; while the port is plugged nowhere it
lies, down, in the lab's own namespace, and ``eth0`` has no carrier.  A move that is announced gives it a second cable
for a while, which becomes the first.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mininet_topos.directory import LabDirectory, port_node
from mininet_topos.errors import LabError
from mininet_topos.inside import namespaces, second_cable
from mininet_topos.inside.configuring import configure
from mininet_topos.inside.nodes.switch import OpenVSwitch, has_kernel_datapath
from mininet_topos.topology.topology import LabPort
from mininet_topos.waiting import Waiting

_NOWHERE = Path("/proc/self/ns/net")
"""The namespace of the lab's init, where the cables of unplugged ports end."""

INSTANCE_INTERFACE = second_cable.FIRST


class Instances:
    """All ports of a lab, and which host each is on."""

    def __init__(self, directory: LabDirectory, waiting: Waiting) -> None:
        self._directory = directory
        self._waiting = waiting
        self._on: dict[str, OpenVSwitch | None] = {}
        self._also_on: dict[str, OpenVSwitch] = {}
        """Where the second cables end."""

    def create(self, port: LabPort, switch: OpenVSwitch | None) -> None:
        """Make a port's namespace and its cable, which ends in a host or nowhere; it is on no bridge yet."""
        namespace = self._directory.namespace(port_node(port.name))
        namespaces.create(namespace)
        end = switch.namespace if switch else _NOWHERE
        self._lay_cable(port, end, INSTANCE_INTERFACE, state="up" if switch else "down")
        configure(namespace, INSTANCE_INTERFACE, port)
        self._on[port.name] = None

    def _lay_cable(self, port: LabPort, end: Path, interface: str, *, state: str) -> None:
        """A cable from an instance to another namespace."""
        namespace = self._directory.namespace(port_node(port.name))
        with namespaces.links(namespace) as route, end.open("rb") as far_end, namespace.open("rb") as here:
            peer = {"ifname": interface, "net_ns_fd": here.fileno(), "address": port.mac, "mtu": port.mtu}
            cable = {"ifname": port.interface, "kind": "veth", "mtu": port.mtu, "net_ns_fd": far_end.fileno()}
            route.link("add", **cable, state=state, peer=peer)
        if not has_kernel_datapath():
            with namespaces.inside(namespace):
                namespaces.complete_checksums(interface)

    def has(self, port: LabPort) -> bool:
        """Whether the instance of a port exists."""
        return port.name in self._on

    def is_on(self, port: LabPort, switch: OpenVSwitch) -> bool:
        """Whether a port was put on a host last, whatever somebody else did there since."""
        return self._on[port.name] is switch and port.name not in self._also_on

    def change(self, old: LabPort, port: LabPort) -> None:
        """Give an instance another MAC address, MTU, addresses or routes. What runs inside goes on."""
        self.part(old)
        switch = self._on[port.name]
        if old.interface != port.interface:
            if switch is not None:
                self.unplug(old)
            with namespaces.links(_NOWHERE) as route:
                route.link("set", index=namespaces.index_of(route, old.interface), ifname=port.interface)
        if old.mtu != port.mtu:
            on = self._on[port.name]
            with namespaces.links(on.namespace if on else _NOWHERE) as route:
                route.link("set", index=namespaces.index_of(route, port.interface), mtu=port.mtu)
        configure(self._directory.namespace(port_node(port.name)), INSTANCE_INTERFACE, port, old)
        if switch is not None:
            self.plug(port, switch)

    def remove(self, port: LabPort) -> None:
        """End an instance, with all that runs in it, and cut its cable."""
        self.part(port)
        if self._on[port.name] is not None:
            self.unplug(port)
        if _has(_NOWHERE, port.interface):
            with namespaces.links(_NOWHERE) as route:
                route.link("del", index=namespaces.index_of(route, port.interface))
        namespace = self._directory.namespace(port_node(port.name))
        namespaces.end_processes(namespace)
        namespaces.remove(namespace)
        del self._on[port.name]

    def attach(self, switch: OpenVSwitch, ports: Sequence[LabPort]) -> list[str]:
        """The command that puts ports, whose cables end in a host, on its bridge."""
        self._on |= dict.fromkeys((port.name for port in ports), switch)
        return switch.attach(ports)

    def plug(self, port: LabPort, switch: OpenVSwitch) -> None:
        """Put a port on a host, taking it off the one it is on, with as short a gap as can be.

        Somebody may have cut its cable, or taken it off its bridge: it gets another one, and is put on again.
        """
        self.part(port)
        old = self._on[port.name]
        there = old.namespace if old else _NOWHERE
        if not _has(there, port.interface):
            if old is not None:
                self._waiting.run([old.detach(port)])  # its switch may still hold what was the cable's end
            self._lay_cable(port, switch.namespace, INSTANCE_INTERFACE, state="up")
            configure(self._directory.namespace(port_node(port.name)), INSTANCE_INTERFACE, port)
        else:
            _move(port.interface, there, switch.namespace, state="up")
        # Both switches at once: the gap is what the slower one needs.
        self._waiting.run([self.attach(switch, [port]), *([old.detach(port)] if old and old is not switch else [])])

    def join(self, port: LabPort, switch: OpenVSwitch) -> None:
        """Plug a port in on a second host too. Its instance hears by both cables, and speaks by the first."""
        self.part(port)
        if self._on[port.name] is switch:
            raise LabError(f"port '{port.name}' is on that host")
        self._lay_cable(port, switch.namespace, second_cable.SECOND, state="up")
        self._also_on[port.name] = switch
        second_cable.listen(self._directory.namespace(port_node(port.name)))
        self._waiting.run([switch.attach([port])])

    def hand_over(self, port: LabPort) -> None:
        """Let an instance speak by its second cable from now on; it says so to everybody at once."""
        old, new = self._on[port.name], self._also_on.get(port.name)
        if new is None or old is None:
            raise LabError(f"port '{port.name}' is not on two hosts")
        second_cable.hand_over(self._directory.namespace(port_node(port.name)), port.mac)
        self._on[port.name], self._also_on[port.name] = new, old

    def leave(self, switch: OpenVSwitch, ports: Mapping[str, LabPort]) -> None:
        """Take all ports off a switch that is about to go."""
        for name, port in ports.items():
            if self._also_on.get(name) is switch:
                self.part(port)
            if self._on.get(name) is switch:
                self.unplug(port)

    def part(self, port: LabPort) -> None:
        """Cut the cable that an instance does not speak by, if it has two."""
        switch = self._also_on.pop(port.name, None)
        if switch is None:
            return
        self._waiting.run([switch.detach(port)])
        with namespaces.links(switch.namespace) as route:
            route.link("del", index=namespaces.index_of(route, port.interface))
        second_cable.keep_second(self._directory.namespace(port_node(port.name)))

    def unplug(self, port: LabPort) -> None:
        """Take a port off its host. Its instance goes on, without carrier."""
        self.part(port)
        switch = self._on[port.name]
        if switch is None:
            raise LabError(f"port '{port.name}' is not plugged in anywhere")
        self._waiting.run([switch.detach(port)])
        if _has(switch.namespace, port.interface):
            _move(port.interface, switch.namespace, _NOWHERE, state="down")
        self._on[port.name] = None


def _has(namespace: Path, interface: str) -> bool:
    """Whether a cable ends there: somebody may have cut it."""
    with namespaces.links(namespace) as route:
        return bool(route.link_lookup(ifname=interface))


def _move(interface: str, source: Path, destination: Path, *, state: str) -> None:
    with namespaces.links(source) as route, destination.open("rb") as there:
        route.link("set", index=namespaces.index_of(route, interface), net_ns_fd=there.fileno())
    with namespaces.links(destination) as route:
        route.link("set", index=namespaces.index_of(route, interface), state=state)
