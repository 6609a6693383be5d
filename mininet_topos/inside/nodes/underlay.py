"""The networks of the hosts: the underlay between them, and the connection of the controller to each."""

import os
import socket
import struct
import time
from collections.abc import Collection, Mapping, Sequence
from ipaddress import IPv4Address
from typing import Any

from flows.model.contract import PHYSICAL_BRIDGE
from mininet_topos.directory import CONTROLLER_NODE, ROUTER_NODE, UNDERLAY_NODE, LabDirectory, host_node
from mininet_topos.errors import LabError
from mininet_topos.inside import namespaces
from mininet_topos.inside.nodes import router
from mininet_topos.inside.nodes.isolation import isolate
from mininet_topos.inside.nodes.switch import NIC
from mininet_topos.topology.topology import CONTROLLER_ADDRESS, MANAGEMENT_NETWORK, LabHost, Topology
from mininet_topos.waiting import Waiting, patience

MANAGEMENT_BRIDGE, MANAGEMENT_INTERFACE = "mgmt", "mgmt0"
"""The controller's end of the way to hosts and switches, and theirs."""

_MANAGEMENT_MTU = 1500

_PATIENCE = patience(10.0)
"""Seconds until hosts that do not answer are reported."""

_ECHO_INTERVAL = 0.5


def build(topology: Topology, directory: LabDirectory) -> None:
    """Make the networks, the hosts' namespaces, and the cables between them."""
    for node in (UNDERLAY_NODE, CONTROLLER_NODE):
        namespaces.create(directory.namespace(node))
    with namespaces.links(directory.namespace(UNDERLAY_NODE)) as route:
        for lan in topology.lans:
            route.link("add", ifname=lan.name, kind="bridge", mtu=lan.mtu, state="up")
    with namespaces.links(directory.namespace(CONTROLLER_NODE)) as route:
        route.link("add", ifname=MANAGEMENT_BRIDGE, kind="bridge", mtu=_MANAGEMENT_MTU, state="up")
        bridge = namespaces.index_of(route, MANAGEMENT_BRIDGE)
        route.addr("add", index=bridge, address=str(CONTROLLER_ADDRESS), prefixlen=MANAGEMENT_NETWORK.prefixlen)
    if topology.legs:
        router.build(topology, directory)
    add_hosts(list(topology.hosts.values()), directory)


def add_hosts(hosts: Sequence[LabHost], directory: LabDirectory) -> None:
    """Make hosts' namespaces, and connect them to their LANs and to the controller."""
    for host in hosts:
        node = directory.namespace(host_node(host.name))
        namespaces.create(node)
        isolate(node, MANAGEMENT_INTERFACE)
    with namespaces.links(directory.namespace(UNDERLAY_NODE)) as route:
        for host in hosts:
            _connect(route, host.lan.name, host, directory, NIC, host.lan.mtu)
    with namespaces.links(directory.namespace(CONTROLLER_NODE)) as route:
        for host in hosts:
            _connect(route, MANAGEMENT_BRIDGE, host, directory, MANAGEMENT_INTERFACE, _MANAGEMENT_MTU)
    for host in hosts:
        with namespaces.links(directory.namespace(host_node(host.name))) as route:
            index = namespaces.index_of(route, MANAGEMENT_INTERFACE)
            route.addr("add", index=index, address=str(host.management_ip), prefixlen=MANAGEMENT_NETWORK.prefixlen)


def remove_host(host: LabHost, directory: LabDirectory) -> None:
    """Cut a host's cables, and end its namespace with all that still runs in it."""
    for hub in (UNDERLAY_NODE, CONTROLLER_NODE):
        with namespaces.links(directory.namespace(hub)) as route:
            for index in route.link_lookup(ifname=_cable(host)):
                route.link("del", index=index)
    node = directory.namespace(host_node(host.name))
    if node.exists():
        namespaces.end_processes(node)
        namespaces.remove(node)


def _connect(route: Any, bridge: str, host: LabHost, directory: LabDirectory, interface: str, mtu: int) -> None:
    """Lay a cable from a bridge to a host, where its end gets a name."""
    node = directory.namespace(host_node(host.name))
    namespaces.connect(route, bridge, _cable(host), node, {"ifname": interface}, mtu)


def _cable(host: LabHost) -> str:
    # No rack's name, which the bridge may have, has a dot.
    return f"host.{host.index}"


def prime(
    topology: Topology, directory: LabDirectory, waiting: Waiting, new: Collection[str], running: Collection[str]
) -> None:
    """Have new hosts and all others that run ping each other, so that each knows the others' MAC addresses.

    Raises :class:`LabError` with the pairs that do not reach each other.
    """
    missing = _Missing({name: topology.hosts[name] for name in running}, directory, new)
    try:
        if not waiting.until(missing.is_empty, _PATIENCE):
            pairs = ", ".join(f"{one} -> {two}" for one, two in missing.pairs)
            raise LabError(f"these hosts do not reach each other over the underlay: {pairs}")
    finally:
        missing.close()


def announce(topology: Topology, directory: LabDirectory, running: Collection[str]) -> None:
    """Have hosts that run, and the router, tell their LANs which MAC address they have (a gratuitous ARP request).

    The userspace datapath keeps neighbours of its own for tunnels, and drops the packet that misses one. It
    learns from such announcements once it has a tunnel port; the kernel's neighbours do not help it.
    """
    for host in (topology.hosts[name] for name in running):
        _announce(directory, host_node(host.name), PHYSICAL_BRIDGE, host.mac, host.tunnel_ip)
    for lan, leg in topology.legs:
        _announce(directory, ROUTER_NODE, lan.name, leg.mac, leg.address.ip)


def _announce(directory: LabDirectory, node: str, interface: str, mac: str, address: IPv4Address) -> None:
    with namespaces.inside(directory.namespace(node)):
        raw = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    with raw:
        raw.bind((interface, 0))
        raw.send(_gratuitous_arp(bytes.fromhex(mac.replace(":", "")), address.packed))


def _gratuitous_arp(mac: bytes, address: bytes) -> bytes:
    ethernet = b"\xff" * 6 + mac + struct.pack("!H", 0x0806)
    request = struct.pack("!HHBBH", 1, 0x0800, 6, 4, 1)
    return ethernet + request + mac + address + bytes(6) + address


class _Missing:
    """The pairs of hosts from which no answer has come yet."""

    def __init__(self, hosts: Mapping[str, LabHost], directory: LabDirectory, new: Collection[str]) -> None:
        self._hosts = hosts
        pairs = ((one, two) for one in hosts for two in hosts if one != two)
        self._waiting_for = {pair for pair in pairs if pair[0] in new or pair[1] in new}
        self._asked_at = 0.0
        self._sockets: dict[str, socket.socket] = {}
        for host in self._hosts:
            with namespaces.inside(directory.namespace(host_node(host))):
                raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
            raw.setblocking(False)
            self._sockets[host] = raw

    @property
    def pairs(self) -> list[tuple[str, str]]:
        return sorted(self._waiting_for)

    def is_empty(self) -> bool:
        """Look for answers, and ask again where none has come for a while."""
        self._listen()
        if time.monotonic() - self._asked_at > _ECHO_INTERVAL:
            self._asked_at = time.monotonic()
            for one, two in self._waiting_for:
                self._ask(one, two)
        return not self._waiting_for

    def _ask(self, one: str, two: str) -> None:
        try:
            self._sockets[one].sendto(_echo_request(), (str(self._hosts[two].tunnel_ip), 0))
        except OSError:
            # Not reachable at the moment; reported when it stays so.
            return

    def _listen(self) -> None:
        names = {str(host.tunnel_ip): name for name, host in self._hosts.items()}
        for one, raw in self._sockets.items():
            try:
                while True:
                    packet, (sender, _) = raw.recvfrom(2048)
                    if _is_echo_reply(packet):
                        self._waiting_for.discard((one, names.get(sender, "")))
            except BlockingIOError:
                continue

    def close(self) -> None:
        for raw in self._sockets.values():
            raw.close()


def _echo_request() -> bytes:
    identifier = os.getpid() & 0xFFFF
    header = struct.pack("!BBHHH", 8, 0, 0, identifier, 1)
    total = sum(struct.unpack("!4H", header))
    checksum = ~((total & 0xFFFF) + (total >> 16)) & 0xFFFF
    return struct.pack("!BBHHH", 8, 0, checksum, identifier, 1)


def _is_echo_reply(packet: bytes) -> bool:
    header_length = (packet[0] & 0x0F) * 4
    return packet[header_length] == 0
