"""Two machines on plain switches that are in different networks: what would lead packets over the routers there are."""

from collections import deque
from collections.abc import Iterator, Sequence
from ipaddress import IPv4Address

from flows.model.objects.lans import IpNode, LanHop, Leg
from flows.model.objects.network import Network
from flows.model.objects.switch import SwitchPort
from flows.model.reach.steps import AddRoute, Change, Step, Write


def over_routers(network: Network, source: SwitchPort, target: SwitchPort) -> Change:
    """Gateways and routes along the shortest way, there and back; no steps where there is no way."""
    if source.ip is None or target.ip is None:
        return ()
    sender, receiver = network.lans.machine(source), network.lans.machine(target)
    way = _shortest(network, sender, receiver)
    nodes = [sender, *(hop.node for hop in way)]
    there = [(node, hop.into.ip.ip) for node, hop in zip(nodes, way, strict=False)]
    back = [(hop.node, hop.out.ip.ip) for hop in reversed(way)]
    return (*_steps(network, there, target), *_steps(network, back, source))


def _shortest(network: Network, sender: IpNode, receiver: IpNode) -> Sequence[LanHop]:
    """The hops over as few routers as possible; none where there is no way."""
    ways: deque[tuple[IpNode, tuple[LanHop, ...]]] = deque([(sender, ())])
    seen = {sender.name}
    while ways:
        node, way = ways.popleft()
        for hop in _neighbours(network, node):
            if hop.node == receiver:
                return (*way, hop)
            if hop.node.is_router and hop.node.name not in seen:
                seen.add(hop.node.name)
                ways.append((hop.node, (*way, hop)))
    return ()


def _neighbours(network: Network, node: IpNode) -> Iterator[LanHop]:
    for out in node.legs:
        for other in network.lans.nodes:
            yield from (LanHop(out, into, other) for into in other.legs if other != node and _meet(network, out, into))


def _meet(network: Network, one: Leg, other: Leg) -> bool:
    """Whether two interfaces are on one LAN and in one network."""
    lans = network.lans
    in_one = one.ip.ip in other.ip.network and other.ip.ip in one.ip.network
    return in_one and lans.of(one.switch, one.vlan) == lans.of(other.switch, other.vlan)


def _steps(network: Network, senders: Sequence[tuple[IpNode, IPv4Address]], target: SwitchPort) -> Iterator[Step]:
    """What those lack that pass a packet on. ``senders``: each with the next hop that it should have."""
    assert target.ip is not None
    for node, via in senders:
        found = node.next_hop(target.ip.ip)
        if found is not None and found[1] == via:
            continue
        if node.is_router:
            router = network.routers[node.name]
            yield AddRoute(str(router), router.origin, target.ip.network, str(via), not router.routes)
        else:
            yield Write(network.switch_ports[node.name], "gateway", str(via))
