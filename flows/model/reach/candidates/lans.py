"""Two ports that are switched: what would put them into one segment, or on one LAN of plain switches."""

from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address
from itertools import product

from flows.model.objects.network import Network
from flows.model.objects.port import SegmentPort
from flows.model.objects.switch import SwitchPort
from flows.model.reach.candidates.routed import over_routers
from flows.model.reach.steps import Change, Connect, Leave, Step, Write, new_name


def in_one_segment(network: Network, source: SegmentPort, target: SegmentPort) -> Iterator[Change]:
    here, there = ({segment.name for segment in network.segments_of(port)} for port in (source, target))
    steps = [*_carry(target, here), *_carry(source, there)]
    yield from _joined([()] if here & there else [(step,) for step in steps], _addresses(network, source, target))


def _carry(port: SegmentPort, segments: set[str]) -> Iterator[Step]:
    for segment in sorted(segments):
        if port.segment is not None:
            yield Write(port, "segment", segment)
        elif port.trunk:
            yield Write(port, "trunk", (*port.trunk, segment))


def on_one_lan(network: Network, source: SwitchPort, target: SwitchPort) -> Iterator[Change]:
    yield over_routers(network, source, target)
    # Where a router is at hand the way leads through it: then other addresses would cut the port off from others.
    at_router = any(_has_router(network, port) for port in (source, target))
    addresses: Sequence[Change] = [()] if at_router else _addresses(network, source, target)
    yield from _joined(list(_lans(network, source, target)), addresses)


def _has_router(network: Network, port: SwitchPort) -> bool:
    lan = network.lans.of(port.switch, port.vlan)
    legs = (leg for router in network.routers.values() for leg in router.interfaces.values())
    return port.ip is not None and any(
        leg.ip.ip in port.ip.network and network.lans.of(leg.switch, leg.vlan) == lan for leg in legs
    )


def _lans(network: Network, source: SwitchPort, target: SwitchPort) -> Iterator[Change]:
    """What would put two ports on one LAN; nothing to do is the first, and will not do where they are on two."""
    yield ()
    vlans = [*_tagged(target, source), *_tagged(source, target)]
    cables = list(_cables(network, source, target)) if source.switch != target.switch else []
    yield from ((step,) for step in (*vlans, *cables))
    yield from product(vlans, cables)


def _tagged(port: SwitchPort, other: SwitchPort) -> Iterator[Step]:
    """What would make a port carry the VLAN of another one."""
    if other.trunk is not None:
        return
    if port.trunk is None and port.vlan != other.vlan:
        yield Write(port, "vlan", other.vlan)
    elif port.trunk and other.vlan not in port.trunk:
        yield Write(port, "trunk", (*port.trunk, other.vlan))


def _cables(network: Network, source: SwitchPort, target: SwitchPort) -> Iterator[Step]:
    """What would connect two switches: a link that is there and carries other VLANs only, else a new one."""
    one, other = source.switch, target.switch
    vlans = dict.fromkeys(port.vlan for port in (source, target) if port.trunk is None)
    for link in network.links.values():
        if set(link.between) == {one, other}:
            yield from (
                Write(link, "trunk", (*link.trunk, vlan)) for vlan in vlans if link.trunk and not link.carries(vlan)
            )
    # Links that are named after their switches, in whatever order, have the same interfaces.
    taken = {*network.links, *(f"{one}-{other}" for name in network.links if name == f"{other}-{one}")}
    yield Connect("links", new_name(f"{one}-{other}", taken), (one, other))


def _joined(lans: Sequence[Change], addresses: Sequence[Change]) -> Iterator[Change]:
    return ((*lan, *address) for lan, address in product(lans, addresses))


_AnyOf = SegmentPort | SwitchPort


def _addresses(network: Network, source: _AnyOf, target: _AnyOf) -> list[Change]:
    """What would give two ports addresses of one network; that is nothing where they have them, or have none."""
    if source.ip is None or target.ip is None:
        return [()]
    if source.ip.ip != target.ip.ip and target.ip.ip in source.ip.network and source.ip.ip in target.ip.network:
        return [()]
    return [*_renumbered(network, target, source), *_renumbered(network, source, target)]


def _renumbered(network: Network, port: _AnyOf, other: _AnyOf) -> Iterator[Change]:
    """A free address of the other one's network; next hops that are not there are no next hops any more."""
    assert other.ip is not None
    there, used = other.ip.network, set(_used(network))
    free = next((address for address in there.hosts() if address not in used), None)
    if free is None:
        return
    hops = {"gateway": [port.gateway] if port.gateway else []}
    if isinstance(port, SwitchPort):
        hops["routes"] = [route.via for route in port.routes]
    gone = (Leave(port, key) for key, next_hops in hops.items() if any(hop not in there for hop in next_hops))
    yield (*gone, Write(port, "ip", f"{free}/{there.prefixlen}"))


def _used(network: Network) -> Iterator[IPv4Address]:
    """Every address that somebody has, or is taken to have."""
    for port in network.ports.values():
        if port.address is not None:
            yield port.address
        if isinstance(port, SegmentPort | SwitchPort) and port.gateway is not None:
            yield port.gateway
    for router in network.routers.values():
        yield from (leg.ip.ip for leg in router.interfaces.values())
