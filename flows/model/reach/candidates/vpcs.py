"""Two ports of different VPCs: what would let their subnets exchange packets."""

from collections.abc import Iterator
from ipaddress import IPv4Address, IPv4Network

from flows.model.objects.network import Network
from flows.model.objects.port import VpcPort
from flows.model.objects.vpc import Subnet
from flows.model.reach.steps import AddRoute, Change, Connect, RemoveRoute, Step, new_name


def peered(network: Network, source: VpcPort, target: VpcPort) -> Change:
    """A peering of their subnets, if there is none, and the routes that lead there and back."""
    one, other = (_Side(network, port) for port in (source, target))
    known = (p for p in network.peerings.values() if set(p.between) == {one.end, other.end})
    peering = next(known, None)
    name = peering.name if peering else new_name(f"{source.vpc}-{target.vpc}", network.peerings)
    steps: list[Step] = [] if peering else [Connect("peerings", name, (one.end, other.end))]
    for near, far in ((one, other), (other, one)):
        steps += near.route(far.subnet.cidr, far.address, name)
    return tuple(steps)


class _Side:
    """One of two ports of VPCs, and its subnet."""

    def __init__(self, network: Network, port: VpcPort) -> None:
        subnet = network.subnet_of(port.vpc, port.ips[0])
        assert subnet is not None, f"{port.name} has an address of no subnet: the model was not checked"
        self.subnet: Subnet = subnet
        self.end = f"{port.vpc}/{subnet.name}"
        self.address: IPv4Address = port.ips[0]

    def route(self, to: IPv4Network, address: IPv4Address, via: str) -> Iterator[Step]:
        """The steps by which packets for an address take a peering: the longest route to it must."""
        routes = [route for route in self.subnet.routes if address in route.to]
        longest = max(routes, key=lambda route: route.to.prefixlen, default=None)
        if longest is not None and longest.via == via:
            return
        alone = IPv4Network(address)
        if longest is not None and longest.to == alone:
            yield RemoveRoute(self.end, longest.origin, longest.to)
            rest = [route for route in routes if route is not longest]
            longest = max(rest, key=lambda route: route.to.prefixlen, default=None)
            if longest is not None and longest.via == via:
                return
        # A longer route goes before one that leads elsewhere, and a route to a peer has no holes.
        holes = any(route.to.subnet_of(to) and route.to != alone for route in self.subnet.routes if route.via != via)
        is_free = not holes and (longest is None or longest.to.prefixlen < to.prefixlen)
        yield AddRoute(self.end, self.subnet.origin, to if is_free else alone, via, not self.subnet.routes)
