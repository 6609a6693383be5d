"""Who can reach whom, from the model alone.

This is what a user means by a network file, stated without tables or flows, so that real packets and compiled flows
can be held against it.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address

from flows.model.network import AnyPort, Network
from flows.model.port import SegmentPort, VpcPort
from flows.model.switch import SwitchPort
from flows.model.vpc import NOTHING, Subnet, SubnetRoute


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether packets from one address to another arrive, and the reason in a sentence."""

    arrives: bool
    reason: str


def verdict(network: Network, source: AnyPort, target: AnyPort) -> Verdict:
    """Whether a packet from a port's first address to another port's first address arrives.

    Both ports are taken to be plugged in, and to have an address.
    """
    match source, target:
        case VpcPort(), VpcPort():
            return _between_vpcs(network, source, target)
        case SegmentPort(), SegmentPort():
            return _in_segment(network, source, target)
        case SwitchPort(), SwitchPort():
            return _over_switches(network, source, target)
        case _:
            return Verdict(False, f"{source.where} and {target.where} have no connection")


def _in_segment(network: Network, source: SegmentPort, target: SegmentPort) -> Verdict:
    if source.segment is None or source.segment != target.segment:
        return Verdict(False, f"{source.where} and {target.where} have no connection")
    assert source.ip is not None, f"{source.name} has no address to send from"
    assert target.ip is not None, f"{target.name} has no address to send to"
    if target.ip.ip not in source.ip.network or source.ip.ip not in target.ip.network:
        return Verdict(False, f"{source.name} and {target.name} have addresses of different networks")
    return Verdict(True, f"both are in segment {source.segment}")


def _over_switches(network: Network, source: SwitchPort, target: SwitchPort) -> Verdict:
    if source.ip is None or target.ip is None:
        return Verdict(False, f"{source.name if source.ip is None else target.name} has no address")
    way = network.lans.way(source, target)
    if isinstance(way, str):
        return Verdict(False, way)
    return Verdict(True, f"by way of {', '.join(way)}" if way else "both are in one network of one LAN")


def _between_vpcs(network: Network, source: VpcPort, target: VpcPort) -> Verdict:
    if source.vpc == target.vpc:
        return Verdict(True, f"both are in VPC {source.vpc}")
    from_ip, to_ip = source.ips[0], target.ips[0]
    there = _route(network, source.vpc, from_ip, to_ip)
    if there is None:
        return Verdict(False, f"the subnet of {source.name} has no route to {to_ip} in VPC {target.vpc}")
    if there.via == NOTHING:
        return Verdict(False, f"the subnet of {source.name} routes {there.to} to nothing")
    if _end(network, target.vpc, to_ip) not in network.peerings[there.via].between:
        return Verdict(False, f"the route {there.to} leads to another VPC than {target.vpc}")
    back = _route(network, target.vpc, to_ip, from_ip)
    if back is None or back.via != there.via:
        return Verdict(False, f"the subnet of {target.name} has no route back to {from_ip}")
    return Verdict(True, f"their subnets are peered by {there.via}, with routes both ways")


def answers(network: Network, source: AnyPort, target: AnyPort) -> Verdict:
    """Whether a ping is answered: it arrives, and so does the reply."""
    there = verdict(network, source, target)
    return verdict(network, target, source) if there.arrives else there


def _subnet(network: Network, vpc: str, ip: IPv4Address) -> Subnet:
    subnet = network.subnet_of(vpc, ip)
    assert subnet is not None, f"{ip} is in no subnet of {vpc}: the model was not checked"
    return subnet


def _end(network: Network, vpc: str, ip: IPv4Address) -> str:
    return f"{vpc}/{_subnet(network, vpc, ip).name}"


def _route(network: Network, vpc: str, sender: IPv4Address, to: IPv4Address) -> SubnetRoute | None:
    """The longest of the sender's subnet's routes that covers an address."""
    routes = [route for route in _subnet(network, vpc, sender).routes if to in route.to]
    return max(routes, key=lambda route: route.to.prefixlen, default=None)
