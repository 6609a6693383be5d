"""The kernel's table of neighbours: whose MAC addresses it knows, of all namespaces of a machine together.

It has one limit for all of them, 1,024 entries unless somebody raised it (net.ipv4.neigh.default.gc_thresh3; Linux,
Documentation/networking/ip-sysctl), and what was just used is not given up for five seconds. A network of 40 ports that
all ping each other fills it, and then no packet to anybody new is sent. So whoever pings much forgets what is no longer
needed, pair by pair. That needs no more rights than the lab has.
"""

import socket
import struct
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from flows.model import AnyPort, Network, SegmentPort, SwitchPort, VpcPort
from mininet_topos.directory import port_node, router_node
from mininet_topos.inside import namespaces

_STATISTICS = Path("/proc/net/stat/arp_cache")
"""One line for each processor; all numbers hexadecimal. The first is the same in all: the entries of all namespaces."""
_LIMIT = Path("/proc/sys/net/ipv4/neigh/default/gc_thresh3")
_USUAL_LIMIT = 1024

_LEAST_ROOM = 16
_SHARE = 0.5
"""Of what is free so much is used: others need some of it too, perhaps another lab in which somebody pings."""

_DELETE_NEIGHBOUR, _REQUEST, _DESTINATION = 29, 1, 1  # RTM_DELNEIGH, NLM_F_REQUEST, NDA_DST
_MESSAGE = struct.Struct("=IHHII BxHiHBB HH4s")

NeighbourEntry = tuple[str, str]
"""A node (as :class:`mininet_topos.directory.LabDirectory` names it), and an address that it must know the owner of."""


@dataclass(frozen=True, slots=True)
class KernelTable:
    """How full the table is."""

    entries: int
    limit: int
    refused: int
    """How often since the machine's start there was no room for one more."""

    @property
    def room(self) -> int:
        """How many entries more a lab should need at a time."""
        return max(int((self.limit - self.entries) * _SHARE), _LEAST_ROOM)


def kernel_table() -> KernelTable:
    """The table as it is now. A container may not see its limit, nor how full it is: then the usual is assumed."""
    limit, entries, refused = _USUAL_LIMIT, 0, 0
    with suppress(OSError, ValueError):
        limit = int(_LIMIT.read_text())
    with suppress(OSError, ValueError, IndexError):
        head, *rows = (line.split() for line in _STATISTICS.read_text().splitlines())
        entries = int(rows[0][0], 16)
        refused = sum(int(row[head.index("table_fulls")], 16) for row in rows)
    return KernelTable(entries, limit, refused)


def needed(network: Network, source: AnyPort, target: AnyPort, *, arrives: bool) -> list[NeighbourEntry]:
    """The entries that a ping needs, as far as it gets, and its answer. ``arrives``: whether both arrive."""
    if isinstance(source, SwitchPort) and isinstance(target, SwitchPort):
        return [*_over_routers(network, source, target), *(_over_routers(network, target, source) if arrives else ())]
    ways = [(source, target), (target, source)] if arrives else [(source, target)]
    return [(port_node(one.name), str(hop)) for one, other in ways if (hop := _next_hop(network, one, other))]


def _next_hop(network: Network, source: AnyPort, target: AnyPort) -> IPv4Address | None:
    """Whom an instance on a host hands a packet to: the receiver itself, or its gateway."""
    assert target.address is not None, f"{target.name} has no address to send to"
    if isinstance(source, VpcPort):
        subnet = network.subnet_of(source.vpc, source.address)
        return target.address if subnet is None or target.address in subnet.cidr else subnet.gateway
    if isinstance(source, SegmentPort | SwitchPort) and source.ip is not None:
        return target.address if target.address in source.ip.network else source.gateway
    return None


def _over_routers(network: Network, source: SwitchPort, target: SwitchPort) -> Iterator[NeighbourEntry]:
    """Of each machine and router on the way the next one."""
    hops = network.lans.hops(source, target)
    if isinstance(hops, str):
        first = _next_hop(network, source, target)
        yield from [] if first is None else [(port_node(source.name), str(first))]
        return
    sender = port_node(source.name)
    for hop in hops:
        yield sender, str(hop.into.ip.ip)
        sender = router_node(hop.node.name) if hop.node.is_router else port_node(hop.node.name)


class Neighbours:
    """The entries that are there because of us, never more than there is room for."""

    def __init__(self, tables: Mapping[str, Path], room: int) -> None:
        """``tables``: the namespace of each node that may be named; entries of others are not counted."""
        self._tables = {node: _Table(namespace) for node, namespace in tables.items()}
        self._room = room
        self._uses: Counter[NeighbourEntry] = Counter()
        """How many pings that are under way need each entry; 0: it is there and none does."""

    def take(self, entries: Sequence[NeighbourEntry]) -> bool:
        """Whether there is room for what a ping needs; then it counts as under way."""
        known = [entry for entry in entries if entry[0] in self._tables]
        more = sum(entry not in self._uses for entry in known)
        if len(self._uses) + more > self._room:
            self._forget([entry for entry, uses in self._uses.items() if not uses])
            if self._uses and len(self._uses) + more > self._room:
                return False
        self._uses.update(known)
        return True

    def release(self, entries: Iterable[NeighbourEntry]) -> None:
        """A ping is over."""
        self._uses.subtract(entry for entry in entries if entry[0] in self._tables)

    def close(self) -> None:
        """Forget all of them."""
        self._forget(list(self._uses))
        for table in self._tables.values():
            table.close()

    def _forget(self, entries: Iterable[NeighbourEntry]) -> None:
        by_node: dict[str, list[str]] = {}
        for entry in entries:
            del self._uses[entry]
            by_node.setdefault(entry[0], []).append(entry[1])
        for node, addresses in by_node.items():
            self._tables[node].forget(addresses)


class _Table:
    """The neighbours of one namespace."""

    def __init__(self, namespace: Path) -> None:
        with namespaces.inside(namespace):
            self._socket = socket.socket(
                socket.AF_NETLINK, socket.SOCK_RAW | socket.SOCK_NONBLOCK, socket.NETLINK_ROUTE
            )
            self._interfaces = [index for index, name in socket.if_nameindex() if name != "lo"]

    def forget(self, addresses: Iterable[str]) -> None:
        """Delete the entries of addresses, by whatever interface they are there, if they are."""
        messages = [_deletion(index, address) for address in addresses for index in self._interfaces]
        self._socket.send(b"".join(messages))
        # An answer comes for each that was not there.
        with suppress(BlockingIOError, OSError):
            while self._socket.recv(65536):
                pass

    def close(self) -> None:
        self._socket.close()


def _deletion(interface: int, address: str) -> bytes:
    packed = socket.inet_aton(address)
    header = (_MESSAGE.size, _DELETE_NEIGHBOUR, _REQUEST, 0, 0)
    return _MESSAGE.pack(*header, socket.AF_INET, 0, interface, 0, 0, 0, 8, _DESTINATION, packed)
