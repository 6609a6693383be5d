"""LANs of plain switches: who shares a broadcast domain, and the way of an IP packet through routers.

From the model alone: links are taken to work.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import TYPE_CHECKING

from flows.model.objects.route import Route
from flows.model.objects.switch import Link, SwitchPort

if TYPE_CHECKING:
    from flows.model.objects.network import Network

Lan = tuple[str, int]
"""A broadcast domain: one of its switches (the first by name) and the VLAN."""

_MOST_HOPS = 64
"""As many routers as the usual time to live of a packet lets it pass."""

_EVERYWHERE = IPv4Network("0.0.0.0/0")


@dataclass(frozen=True, slots=True)
class Leg:
    """An interface with an address: a machine's or a router's."""

    name: str
    """Of the port, or of the router and its interface: ``r1.lan``."""
    switch: str
    vlan: int
    ip: IPv4Interface


@dataclass(frozen=True, slots=True)
class IpNode:
    """Whoever sends IP packets: a machine, or a router, which also forwards them."""

    name: str
    is_router: bool
    legs: tuple[Leg, ...]
    routes: tuple[tuple[IPv4Network, IPv4Address], ...]

    def next_hop(self, to: IPv4Address) -> tuple[Leg, IPv4Address] | None:
        """The interface that a packet leaves by, and the address that it is handed to; None when there is no route."""
        found: list[tuple[int, Leg, IPv4Address]] = [
            (leg.ip.network.prefixlen, leg, to) for leg in self.legs if to in leg.ip.network
        ]
        for range_, via in self.routes:
            leg = next((leg for leg in self.legs if via in leg.ip.network), None)
            if to in range_ and leg is not None:
                found.append((range_.prefixlen, leg, via))
        # Of two ways that are equally long the first counts: that of the interface itself.
        return max(found, key=lambda way: way[0])[1:] if found else None


@dataclass(frozen=True, slots=True)
class LanHop:
    """A packet's way through one broadcast domain."""

    out: Leg
    into: Leg
    node: IpNode
    """Whose leg it comes in by."""


class Lans:
    """The broadcast domains of a network, and who is in them."""

    def __init__(self, network: "Network") -> None:
        self._network = network
        self._lans: dict[Lan, Lan] = {}

    def of(self, switch: str, vlan: int) -> Lan:
        """The broadcast domain of a VLAN at a switch."""
        here = (switch, vlan)
        if here not in self._lans:
            members = self._connected(switch, vlan)
            domain = (min(members), vlan)
            self._lans |= dict.fromkeys(((member, vlan) for member in members), domain)
        return self._lans[here]

    def _connected(self, switch: str, vlan: int) -> set[str]:
        """The switches that frames of a VLAN reach from a switch."""
        reached, waiting = {switch}, [switch]
        while waiting:
            new = self._neighbours(waiting.pop(), vlan) - reached
            reached |= new
            waiting += new
        return reached

    def _neighbours(self, switch: str, vlan: int) -> set[str]:
        return {link.other(switch) for link in self._links.get(switch, ()) if link.carries(vlan)}

    @cached_property
    def _links(self) -> Mapping[str, Sequence[Link]]:
        links: dict[str, list[Link]] = {}
        for link in self._network.links.values():
            for switch in set(link.between):
                links.setdefault(switch, []).append(link)
        return links

    @cached_property
    def nodes(self) -> Sequence[IpNode]:
        """Every machine and router that has an address."""
        return [*map(self.machine, self._addressed()), *self._routers()]

    def _addressed(self) -> Iterator[SwitchPort]:
        return (port for port in self._network.switch_ports.values() if port.ip and port.trunk is None)

    @staticmethod
    def machine(port: SwitchPort) -> IpNode:
        """A machine that has an address, as a sender of packets."""
        assert port.ip is not None, f"{port.name} has no address"
        default = [(_EVERYWHERE, port.gateway)] if port.gateway else []
        leg = Leg(port.name, port.switch, port.vlan, port.ip)
        return IpNode(port.name, False, (leg,), (*_pairs(port.routes), *default))

    def _routers(self) -> Iterator[IpNode]:
        for router in self._network.routers.values():
            legs = (
                Leg(f"{router.name}.{name}", interface.switch, interface.vlan, interface.ip)
                for name, interface in router.interfaces.items()
            )
            yield IpNode(router.name, True, tuple(legs), tuple(_pairs(router.routes)))

    @cached_property
    def owners(self) -> Mapping[tuple[Lan, IPv4Address], IpNode]:
        """Who has an address in a broadcast domain."""
        found: dict[tuple[Lan, IPv4Address], IpNode] = {}
        for node in self.nodes:
            for leg in node.legs:
                found.setdefault((self.of(leg.switch, leg.vlan), leg.ip.ip), node)
        return found

    def way(self, source: SwitchPort, target: SwitchPort) -> "list[str] | str":
        """The routers that a packet between two machines passes, in order; or, in words, why it does not arrive."""
        hops = self.hops(source, target)
        return hops if isinstance(hops, str) else [hop.node.name for hop in hops if hop.node.is_router]

    def hops(self, source: SwitchPort, target: SwitchPort) -> "list[LanHop] | str":
        """The way of a packet between two machines; or, in words, why it does not arrive."""
        assert target.ip is not None, f"{target.name} has no address to send to"
        found = self.hops_to(source, target.ip.ip)
        if isinstance(found, str) or (found[-1].node.name == target.name and not found[-1].node.is_router):
            return found
        last, sender = found[-1], found[-2].node.name if len(found) > 1 else source.name
        if last.node.is_router:
            return f"{last.node.name} has {target.ip.ip} itself"
        return f"{last.node.name} has {target.ip.ip} in {_words(last.out)}, where {sender} looks for it"

    def hops_to(self, source: SwitchPort, to: IPv4Address) -> "list[LanHop] | str":
        """The way of a packet to whoever has an address, machine or router; or, in words, why it does not arrive."""
        sender, passed = self.machine(source), list[LanHop]()
        if sender.legs[0].ip.ip == to:
            return f"{source.name} has the address {to} itself"
        while len(passed) <= _MOST_HOPS:
            found = sender.next_hop(to)
            if found is None:
                return f"{sender.name} has no route to {to}"
            leg, via = found
            owner = self.owners.get((self.of(leg.switch, leg.vlan), via))
            if owner is None:
                return f"nobody has {via} in {_words(leg)}, where {sender.name} looks for it"
            into = next(own for own in owner.legs if own.ip.ip == via)
            passed.append(LanHop(leg, into, owner))
            if not owner.is_router:
                words = f"{owner.name} has {via} in {_words(leg)}, where {sender.name} looks for it"
                return passed if via == to else words
            if any(leg.ip.ip == to for leg in owner.legs):
                return passed
            sender = owner
        routers = dict.fromkeys(hop.node.name for hop in passed)
        return f"routers send packets for {to} in a loop: {', '.join(routers)}"


def _pairs(routes: Sequence[Route]) -> Iterator[tuple[IPv4Network, IPv4Address]]:
    return ((route.to, route.via) for route in routes)


def _words(leg: Leg) -> str:
    return f"VLAN {leg.vlan} of {leg.switch}" if leg.vlan else f"the LAN of {leg.switch}"
