"""Lines of the log about connections that security groups refused: each connection once, with the names of its ends."""

from collections import OrderedDict
from ipaddress import IPv4Address

from controller.reconcile.packetin.handling import RefusedPacket
from flows.model import NOTHING, Network, VpcPort
from flows.model.reach.reachability import route_to
from flows.model.services import ICMP, of_icmp, of_ports, protocol_name, words

QUIET = 60.0
"""Seconds for which a connection that was logged is not logged again."""
_MOST = 10_000
"""So many connections are remembered; what is more, the oldest are forgotten."""
_QUERY_OF = {0: 8, 14: 13, 16: 15, 18: 17}
"""ICMP's answers, and what each answers (RFC 792, 950)."""

_Key = tuple[str, str, str, IPv4Address, IPv4Address, int, tuple[int, int] | None]


class RefusalLog:
    """Puts refused packets into words. Times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._last: OrderedDict[_Key, float] = OrderedDict()
        """When each connection was logged, in that order."""
        self._network: Network | None = None
        self._ports: dict[tuple[str, int], str] = {}
        """Of that network, by VPC and address."""

    def line(self, node: str, packet: RefusedPacket, network: Network, now: float) -> str | None:
        """The line about a refused packet; None: there is none, or it has just been written."""
        port = network.vpc_ports.get(packet.port)
        if port is None or (packet.source in port.ips) == (packet.target in port.ips):
            return None  # what the port's number meant before, or a port that talks to itself
        opens = (packet.source in port.ips) == (packet.direction == "out")
        client, server = (packet.source, packet.target) if opens else (packet.target, packet.source)
        numbers = _as_asked(packet, opens)
        if not self._is_due((node, packet.port, packet.direction, client, server, packet.protocol, numbers), now):
            return None
        ends = f"{self._named(network, port, client)} to {self._named(network, port, server)}"
        verb = "refused" if opens else "its answers are refused"
        which = "groups" if "," in packet.groups else "group"
        why = f"no rule '{packet.direction}' of security {which} {packet.groups} of {packet.port} allows it"
        return f"{ends} for {_service(packet.protocol, numbers)}: {verb}: {why}"

    def _is_due(self, key: _Key, now: float) -> bool:
        while self._last and (now - next(iter(self._last.values())) >= QUIET or len(self._last) >= _MOST):
            self._last.popitem(last=False)
        if key in self._last:
            return False
        self._last[key] = now
        return True

    def _named(self, network: Network, port: VpcPort, address: IPv4Address) -> str:
        """An address with the name of the port that has it, as seen by another port."""
        vpc = port.vpc if network.subnet_of(port.vpc, address) else _peer(network, port, address)
        name = None if vpc is None else self._ports_of(network).get((vpc, int(address)))
        return str(address) if name is None else f"{name} ({address})"

    def _ports_of(self, network: Network) -> dict[tuple[str, int], str]:
        if network is not self._network:
            self._network = network
            self._ports = {(port.vpc, int(ip)): name for name, port in network.vpc_ports.items() for ip in port.ips}
        return self._ports


def _peer(network: Network, port: VpcPort, address: IPv4Address) -> str | None:
    """The VPC that has an address to which a port's subnet has a route."""
    subnet = network.subnet_of(port.vpc, port.address)
    route = None if subnet is None else route_to(subnet, address)
    if subnet is None or route is None or route.via == NOTHING:
        return None
    return network.ends[network.peerings[route.via].other(f"{port.vpc}/{subnet.name}")][0].name


def _as_asked(packet: RefusedPacket, opens: bool) -> tuple[int, int] | None:
    """The packet's numbers, as those of who opened the connection."""
    if packet.numbers is None or opens:
        return packet.numbers
    first, second = packet.numbers
    return (_QUERY_OF.get(first, first), second) if packet.protocol == ICMP else (second, first)


def _service(protocol: int, numbers: tuple[int, int] | None) -> str:
    """What a connection is for, in words."""
    if numbers is None:
        return protocol_name(protocol)
    if protocol == ICMP:
        return words(of_icmp(*numbers))
    return f"{words(of_ports(protocol, numbers[1], numbers[1]))} from port {numbers[0]}"
