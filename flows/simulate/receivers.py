"""Whom a packet to an address is for, as its sender sees it: a port, a gateway, a router, or no known receiver."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from flows.model import GATEWAY_MAC, AnyPort, Network, SegmentPort, SwitchPort, VpcPort, derived_mac
from flows.model.objects.vpc import NOTHING, Subnet
from flows.model.problem import listed
from flows.model.reach.reachability import route_to
from flows.openflow.fields import ICMP_TYPE
from flows.simulate.packet import Unsupported
from flows.simulate.world import Arrival, Instance, Router

_ECHO_REPLY = 0  # RFC 792
_UNSPECIFIED, _BROADCAST = IPv4Address("0.0.0.0"), IPv4Address("255.255.255.255")


class NotSent(Exception):  # noqa: N818 - says why, as a sentence
    """The sender has no frame to send to such a receiver."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """The gateway of a subnet, which answers pings."""

    address: IPv4Address
    name: str
    """What it is called in sentences."""
    mac_address: str = GATEWAY_MAC


@dataclass(frozen=True, slots=True)
class UnassignedAddress:
    """An address that no receiver within the sender's reach has. In a VPC packets to it are sent all the same."""

    address: IPv4Address
    mac_address: str = GATEWAY_MAC

    @property
    def name(self) -> str:
        return str(self.address)


@dataclass(frozen=True, slots=True)
class RouterLeg:
    """A router's interface on the sender's own LAN."""

    address: IPv4Address
    name: str
    router: str
    mac_address: str


Receiver = AnyPort | Gateway | UnassignedAddress | RouterLeg


def is_for(arrival: Arrival, source: AnyPort, target: Receiver) -> bool:
    """Whether a packet, or the answer to it, has arrived at the right receiver."""
    match target:
        case Gateway():
            return arrival.end == Instance(source.name) and arrival.packet[ICMP_TYPE] == _ECHO_REPLY
        case RouterLeg():
            return arrival.end == Router(target.router)
        case UnassignedAddress():
            return False
        case _:
            return arrival.end == Instance(target.name)


def receiver(network: Network, source: AnyPort, address: IPv4Address) -> Receiver:
    """Whom a packet of a port to an address is for. Raises :class:`NotSent`, :class:`Unsupported`.

    A port that is found has this address as its first one: that is the one that packets go to.
    """
    if address.is_multicast or address.is_loopback or address in (_UNSPECIFIED, _BROADCAST):
        raise Unsupported(f"{address} is not the address of one machine")
    match source:
        case VpcPort():
            return _in_vpcs(network, source, address)
        case SegmentPort():
            return _in_segments(network, source, address)
        case SwitchPort():
            return _on_switches(network, source, address)


def having(network: Network, address: IPv4Address) -> list[AnyPort]:
    """All ports that have an address, whoever can reach them."""
    return [port for port in network.ports.values() if address in _addresses(port)]


def _addresses(port: AnyPort) -> tuple[IPv4Address, ...]:
    if isinstance(port, VpcPort):
        return port.ips
    return () if port.address is None else (port.address,)


def with_first(port: AnyPort, address: IPv4Address) -> AnyPort:
    """The same port, whose first address is this one of its addresses."""
    if not isinstance(port, VpcPort):
        return port
    return port.model_copy(update={"ips": (address, *(each for each in port.ips if each != address))})


def _in_vpcs(network: Network, source: VpcPort, address: IPv4Address) -> Receiver:
    own = network.subnet_of(source.vpc, source.ips[0])
    assert own is not None, f"{source.name} has an address of no subnet: the model was not checked"
    _check_one(address, own.cidr)
    subnet = network.subnet_of(source.vpc, address)
    if subnet is not None and subnet.gateway == address:
        return Gateway(address, f"the gateway of {source.vpc}/{subnet.name}")
    # What is in a subnet of the sender's own VPC is looked for there, whatever routes say.
    vpc = source.vpc if subnet is not None else _led_to(network, source, own, address)
    found = (port for port in network.vpc_ports.values() if port.vpc == vpc and address in port.ips)
    return next((with_first(port, address) for port in found), UnassignedAddress(address))


def gateways_at(network: Network, address: IPv4Address) -> list[str]:
    """The subnets whose gateway has an address, as ``vpc/subnet``."""
    return [end for end, (_, subnet) in network.ends.items() if subnet.gateway == address]


def _led_to(network: Network, source: VpcPort, own: Subnet, address: IPv4Address) -> str | None:
    """The VPC that the sender's subnet has a route to for an address."""
    way = route_to(own, address)
    if way is None or way.via == NOTHING:
        return None
    near = f"{source.vpc}/{own.name}"
    return next(end for end in network.peerings[way.via].between if end != near).partition("/")[0]


def _in_segments(network: Network, source: SegmentPort, address: IPv4Address) -> Receiver:
    if source.ip is not None:
        _check_one(address, source.ip.network)
        if address not in source.ip.network:
            raise NotSent(_out_of_network(source.name, str(source.ip), address, source.gateway))
    carried = network.segments_of(source)
    for port in network.segment_ports.values():
        if port.address == address and any(each in carried for each in network.segments_of(port)):
            return port
    names = listed([each.name for each in carried])
    where = f"segment {names}" if names else f"the segments of {source.name}"
    raise NotSent(f"no port of {where} declares {address}: the model knows no MAC address for it")


def _on_switches(network: Network, source: SwitchPort, address: IPv4Address) -> Receiver:
    if source.ip is None or source.trunk is not None:
        port = next((port for port in network.switch_ports.values() if port.address == address), None)
        if port is None:
            raise NotSent(f"no machine on a plain switch declares {address}: the model knows no MAC address for it")
        return port
    _check_one(address, source.ip.network)
    hops = network.lans.hops_to(source, address)
    if isinstance(hops, str):
        raise NotSent(hops)
    if len(hops) > 1:
        way = " and ".join(hop.node.name for hop in hops if hop.node.is_router)
        raise Unsupported(f"the way leads through {way}: routers between plain switches are not simulated")
    into = hops[0].into
    if hops[0].node.is_router:
        return RouterLeg(address, f"router {hops[0].node.name}", hops[0].node.name, derived_mac(into.name))
    return network.switch_ports[into.name]


def _check_one(address: IPv4Address, range_: IPv4Network) -> None:
    """Refuse an address that is for all machines of a network (RFC 3021: networks of two addresses have none)."""
    if range_.prefixlen < 31 and address in (range_.network_address, range_.broadcast_address):
        raise Unsupported(f"{address} is not the address of one machine in {range_}")


def _out_of_network(name: str, ip: str, address: IPv4Address, gateway: IPv4Address | None) -> str:
    if gateway is None:
        return f"{name} ({ip}) does not send to {address}: it is not in its network, and {name} has no gateway"
    return f"{name} ({ip}) gives what is for {address} to its gateway {gateway}; trace the way to that"
