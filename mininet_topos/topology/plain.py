"""Plain switches, links and routers as a lab builds them: a pure description, made from a network.

Names of interfaces are different in all of it, so that it can also be built in one namespace.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Interface

from flows.model import Link, Network, Route, Router
from flows.model.interfaces import interface_name


@dataclass(frozen=True, slots=True)
class LabSwitch:
    """A plain switch: a bridge with a datapath id. ``management_ip`` is how it reaches the controller in a lab."""

    name: str
    bridge: str
    datapath_id: int
    management_ip: IPv4Address


@dataclass(frozen=True, slots=True)
class LabLink:
    """A cable between two plain switches: for each end, the switch and the name of its interface there."""

    name: str
    ends: tuple[tuple[str, str], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class LabLeg:
    """A router's interface: its name, MAC address and address in the router, and the cable's end at a switch."""

    interface: str
    mac: str
    address: IPv4Interface
    switch: str
    cable: str


@dataclass(frozen=True, slots=True)
class LabRouter:
    """A machine that forwards."""

    name: str
    legs: tuple[LabLeg, ...]
    routes: tuple[Route, ...]


@dataclass(frozen=True, slots=True)
class PlainTopology:
    """Everything but the machines, which are among a lab's ports. ``mtu`` is that of every cable, in bytes."""

    switches: Mapping[str, LabSwitch]
    links: tuple[LabLink, ...]
    routers: Mapping[str, LabRouter]
    mtu: int

    def interfaces_of(self, switch: str) -> tuple[str, ...]:
        """The ends of links and of routers' cables at a switch."""
        ends = [interface for link in self.links for at, interface in link.ends if at == switch]
        return (*ends, *(leg.cable for router in self.routers.values() for leg in router.legs if leg.switch == switch))


def describe_plain(network: Network, last_address: IPv4Address) -> PlainTopology:
    """The plain switches of a valid network. ``last_address``: the last management address that others have."""
    switches = {
        switch.name: LabSwitch(switch.name, interface_name(switch.name), switch.datapath_id, last_address + index)
        for index, switch in enumerate(network.switches.values(), start=1)
    }
    links = tuple(map(_link, network.links.values()))
    routers = {router.name: _router(router) for router in network.routers.values()}
    return PlainTopology(switches, links, routers, network.underlay.mtu)


def _link(link: Link) -> LabLink:
    one, two = link.between
    return LabLink(link.name, ((one, link.end(one)), (two, link.end(two))))


def _router(router: Router) -> LabRouter:
    legs = (
        LabLeg(interface_name(name), router.mac(name), leg.ip, leg.switch, router.leg(name))
        for name, leg in router.interfaces.items()
    )
    return LabRouter(router.name, tuple(legs), router.routes)
