"""What a lab consists of: a pure description, made from a network, that knows nothing of how it is built."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from itertools import count

from flows.model import AnyPort, Host, Network, Route, SegmentPort, SwitchPort, Underlay, VpcPort
from flows.model.interfaces import can_be_interface as _can_be_interface
from flows.model.interfaces import interface_name
from flows.model.interfaces import shortened as _shortened
from mininet_topos.errors import LabError
from mininet_topos.topology.plain import PlainTopology, describe_plain

MANAGEMENT_NETWORK = IPv4Network("169.254.0.0/16")
"""Where the controller and the hosts talk to each other. Nothing of a user's network may be in it."""

CONTROLLER_ADDRESS = MANAGEMENT_NETWORK[1]

_LAST_OF_HOSTS = MANAGEMENT_NETWORK[1 << 15]
"""Plain switches have the management addresses after it, however many hosts there are."""

_ANEW = "take it down and bring it up with the new file: ovs-vpc lab down, ovs-vpc lab up FILE"

_HOST, _ROUTER = 0, 1
"""Second byte of the MAC addresses in the underlay: whose it is."""


@dataclass(frozen=True, slots=True)
class RouterLeg:
    """The router's interface in a LAN: the gateway of the hosts there."""

    mac: str
    address: IPv4Interface


@dataclass(frozen=True, slots=True)
class Lan:
    """A switched network between hosts. ``mtu`` is the largest IP packet that it carries, in bytes.

    Of the underlay, the LAN of one rack, or without a router the whole; hosts may have any addresses in that. Or a
    physical network.
    """

    name: str
    mtu: int
    router: RouterLeg | None = None


@dataclass(frozen=True, slots=True)
class LabHost:
    """A machine with its own Open vSwitch.

    ``index`` is its own number, from 1 in the order of the network file for hosts that came together. ``mac`` and
    ``tunnel_ip`` are its addresses in the underlay. ``physical`` has an interface for each physical network that it is
    connected to.
    """

    name: str
    index: int
    mac: str
    tunnel_ip: IPv4Address
    management_ip: IPv4Address
    lan: Lan
    physical: tuple[tuple[str, Lan], ...] = ()

    def is_same_machine(self, other: "LabHost") -> bool:
        """Whether both are the same machine, whatever its number is."""
        return replace(self, index=other.index, mac=other.mac, management_ip=other.management_ip) == other


@dataclass(frozen=True, slots=True)
class LabPort:
    """An instance's network interface, and the end of its cable in a host.

    ``host``, or for a machine on plain switches ``switch``, is where it is plugged in when the lab starts.
    ``interface`` is the name of the cable's end there: unique in the whole lab, because a port may move. ``mtu`` is in
    bytes.
    """

    name: str
    host: str | None
    mac: str
    addresses: tuple[IPv4Interface, ...]
    gateway: IPv4Address | None
    mtu: int
    interface: str
    switch: str | None = None
    routes: tuple[Route, ...] = ()

    def is_same_instance(self, other: "LabPort") -> bool:
        """Whether both are the same interface, wherever it is plugged in."""
        return replace(self, host=other.host, switch=other.switch) == other


@dataclass(frozen=True, slots=True)
class Topology:
    """Everything that a lab builds."""

    lans: tuple[Lan, ...]
    physical: tuple[Lan, ...]
    hosts: Mapping[str, LabHost]
    ports: Mapping[str, LabPort]
    plain: PlainTopology

    def ports_of_switch(self, switch: str) -> tuple[LabPort, ...]:
        """The machines that are on a plain switch when the lab starts."""
        return tuple(port for port in self.ports.values() if port.switch == switch)

    def ports_of(self, host: str) -> tuple[LabPort, ...]:
        """The ports that are on a host when the lab starts."""
        return tuple(port for port in self.ports.values() if port.host == host)

    @property
    def legs(self) -> tuple[tuple[Lan, RouterLeg], ...]:
        """The router's legs, each with its LAN. None means that there is no router."""
        return tuple((lan, lan.router) for lan in self.lans if lan.router is not None)


@dataclass(frozen=True, slots=True)
class InstanceChanges:
    """The instances and hosts that change when a lab follows another network; each by name."""

    made: tuple[str, ...]
    changed: tuple[str, ...]
    """Those that get another MAC address, MTU, address or route, while what runs in them goes on."""
    ended: tuple[str, ...]
    """Those that go, with all that runs in them."""
    hosts_made: tuple[str, ...] = ()
    hosts_ended: tuple[str, ...] = ()


def instance_changes(old: Topology, new: Topology) -> InstanceChanges:
    """What becomes of instances between two descriptions. Moves are not counted."""
    both = old.ports.keys() & new.ports.keys()
    return InstanceChanges(
        tuple(name for name in new.ports if name not in old.ports),
        tuple(name for name in new.ports if name in both and not old.ports[name].is_same_instance(new.ports[name])),
        tuple(name for name in old.ports if name not in new.ports),
        tuple(name for name in new.hosts if name not in old.hosts),
        tuple(name for name in old.hosts if name not in new.hosts),
    )


def check_change(old: Topology, new: Topology) -> None:
    """Raise :class:`LabError` when a running lab cannot become another one: only its ports and hosts come and go."""
    owners = {host.tunnel_ip: host.name for host in old.hosts.values()}
    for name, host in new.hosts.items():
        if name in old.hosts and not old.hosts[name].is_same_machine(host):
            raise LabError(f"a running lab cannot change host '{name}', only add and remove hosts; {_ANEW}")
        leaving = owners.get(host.tunnel_ip, name)
        if leaving != name:
            raise LabError(
                f"host '{name}' gets the tunnel address of '{leaving}', which is still there; "
                f"apply a file without '{leaving}' first, and then this one"
            )
    if new.lans != old.lans or new.plain != old.plain:
        raise LabError(f"a running lab cannot get other racks, switches, links or routers; {_ANEW}")


def describe(network: Network, numbers: Mapping[str, int] | None = None) -> Topology:
    """The lab of a valid network. ``numbers``: hosts that are there already, with the number that each keeps.

    Raises :class:`LabError` for what a lab cannot have.
    """
    lans = _lans(network.underlay)
    physical = _physical(network)
    hosts = {
        name: _host(network.hosts[name], index, lans[_rack(network, network.hosts[name])], physical)
        for name, index in _numbered(network.hosts, numbers or {}).items()
    }
    _check_management(network)
    interfaces = interface_names(network.ports, {name for host in network.hosts.values() for name in _own_nics(host)})
    ports = {port.name: _port(network, port, interfaces[port.name]) for port in network.ports.values()}
    plain = describe_plain(network, _LAST_OF_HOSTS)
    return Topology(tuple(lans.values()), tuple(physical.values()), hosts, ports, plain)


def _numbered(hosts: Iterable[str], known: Mapping[str, int]) -> dict[str, int]:
    """A number for each host: the one that it has, else one that nobody has, not even a host that is about to go."""
    taken = set(known.values())
    free = (number for number in count(1) if number not in taken)
    return {host: known[host] if host in known else next(free) for host in hosts}


def _host(host: Host, index: int, lan: Lan, physical: Mapping[str, Lan]) -> LabHost:
    nics = tuple((interface, physical[network]) for network, interface in host.physical.items())
    return LabHost(host.name, index, _mac(_HOST, index), host.tunnel_ip, CONTROLLER_ADDRESS + index, lan, nics)


def _physical(network: Network) -> dict[str, Lan]:
    """The LAN of each physical network that a host is connected to."""
    wanted = dict.fromkeys(name for host in network.hosts.values() for name in host.physical)
    return {name: Lan(bridge, network.underlay.mtu) for name, bridge in interface_names(wanted).items()}


def _own_nics(host: Host) -> Iterable[str]:
    """The interfaces of a host in physical networks. Raises :class:`LabError` for one that it cannot have."""
    for network, interface in host.physical.items():
        if not _can_be_interface(interface):
            raise LabError(
                f"host '{host.name}' has the interface '{interface}' for the physical network '{network}', "
                "a name that is taken in a lab; use another one, like eth1"
            )
        yield interface


def _rack(network: Network, host: Host) -> str | None:
    rack = network.underlay.rack_of(host.tunnel_ip)
    return rack.name if rack else None


def _check_management(network: Network) -> None:
    for host in network.hosts.values():
        if host.tunnel_ip in MANAGEMENT_NETWORK:
            raise LabError(
                f"host '{host.name}' has the tunnel address {host.tunnel_ip}, "
                f"but a lab needs {MANAGEMENT_NETWORK} for itself; use another address"
            )
    for rack in network.underlay.racks.values():
        if rack.cidr.overlaps(MANAGEMENT_NETWORK):
            raise LabError(
                f"rack '{rack.name}' has the range {rack.cidr}, "
                f"but a lab needs {MANAGEMENT_NETWORK} for itself; use another range"
            )


def _lans(underlay: Underlay) -> dict[str | None, Lan]:
    """The LAN of each rack, or the only one under None."""
    if not underlay.racks:
        return {None: Lan("lan", underlay.mtu)}
    names = interface_names(underlay.racks)
    return {
        rack.name: Lan(
            names[rack.name],
            underlay.mtu,
            RouterLeg(_mac(_ROUTER, number), IPv4Interface((rack.router, rack.cidr.prefixlen))),
        )
        for number, rack in enumerate(underlay.racks.values(), start=1)
    }


def _mac(owner: int, number: int) -> str:
    # 0e: locally administered, unicast, and no instance's derived MAC, which begins with 0a.
    return ":".join(f"{byte:02x}" for byte in (0x0E, owner, *number.to_bytes(4)))


def _port(network: Network, port: AnyPort, interface: str) -> LabPort:
    addresses: tuple[IPv4Interface, ...]
    gateway: IPv4Address | None
    match port:
        case SwitchPort():
            return _on_switch(network, port)
        case VpcPort():
            addresses, gateway = _in_subnet(network, port)
        case SegmentPort():
            addresses, gateway = tuple(filter(None, [port.ip])), port.gateway
    return LabPort(port.name, port.host, port.mac_address, addresses, gateway, network.instance_mtu, interface)


def _on_switch(network: Network, port: SwitchPort) -> LabPort:
    """A machine on a plain switch, which finds the cable by its name."""
    cable = interface_name(port.name)
    addresses = tuple(filter(None, [port.ip]))
    mtu = network.underlay.mtu
    mac = port.mac_address
    return LabPort(port.name, None, mac, addresses, port.gateway, mtu, cable, port.switch, port.routes)


def _in_subnet(network: Network, port: VpcPort) -> tuple[tuple[IPv4Interface, ...], IPv4Address]:
    subnet = network.subnet_of(port.vpc, port.ips[0])
    if subnet is None:
        raise LabError(f"port '{port.name}' has the address {port.ips[0]}, which is in no subnet of its VPC")
    return tuple(IPv4Interface((address, subnet.cidr.prefixlen)) for address in port.ips), subnet.gateway


def interface_names(wanted: Iterable[str], taken: Collection[str] = ()) -> dict[str, str]:
    """An interface name for each port or LAN: its own name where that can be one, else its start and a digest.

    It depends on no other name but those that are ``taken``. Raises :class:`LabError` when two digests meet.
    """
    names: dict[str, str] = {}
    owners: dict[str, str] = {}
    for name in wanted:
        names[name] = name if _can_be_interface(name) and name not in taken else _shortened(name)
        owner = owners.setdefault(names[name], name)
        if owner != name:
            raise LabError(f"'{owner}' and '{name}' get the same interface name {names[name]}; rename one")
    return names
