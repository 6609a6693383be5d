"""Who can reach whom, from the model alone.

This is the meaning of a network file, stated without tables or flows. Real packets and compiled flows are compared with
it.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address

from flows.model.intervals import Intervals
from flows.model.objects.network import AnyPort, Network
from flows.model.objects.port import SegmentPort, VpcPort
from flows.model.objects.switch import SwitchPort
from flows.model.objects.vpc import NOTHING, Subnet, SubnetRoute
from flows.model.reach.admission import admission, admitted
from flows.model.reach.deciding import Decider, decider
from flows.model.services import EVERYTHING, NO_SERVICE, PING


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether packets from one address to another arrive, and the reason in a sentence."""

    arrives: bool
    reason: str
    because: tuple[Decider, ...] = ()
    """The objects that decide it, the ports themselves first."""


def verdict(network: Network, source: AnyPort, target: AnyPort, services: Intervals = PING) -> Verdict:
    """Whether a packet that begins a connection arrives, from a port's first address to another port's first address.

    ``services``: what the packet is for. Of several, whether it arrives for all of them.
    Both ports are taken to be plugged in, and to have an address.
    """
    found = way(network, source, target)
    if not found.arrives or not isinstance(source, VpcPort) or not isinstance(target, VpcPort):
        return found
    allowed = admission(network, source, target, services)
    reason = f"{found.reason}; {allowed.reason}" if allowed.allows and allowed.reason else allowed.reason
    return Verdict(allowed.allows, reason or found.reason, (*found.because, *allowed.because))


def way(network: Network, source: AnyPort, target: AnyPort) -> Verdict:
    """Whether there is a way for packets, whichever connections security groups allow."""
    ends = (decider(source), decider(target))
    match source, target:
        case VpcPort(), VpcPort():
            return _between_vpcs(network, source, target, ends)
        case SegmentPort(), SegmentPort():
            return _in_segment(network, source, target, ends)
        case SwitchPort(), SwitchPort():
            return _over_switches(network, source, target, ends)
        case _:
            return Verdict(False, f"{source.where} and {target.where} have no connection", ends)


Ends = tuple[Decider, Decider]


def _in_segment(network: Network, source: SegmentPort, target: SegmentPort, ends: Ends) -> Verdict:
    if source.segment is None or source.segment != target.segment:
        return Verdict(False, f"{source.where} and {target.where} have no connection", ends)
    assert source.ip is not None, f"{source.name} has no address to send from"
    assert target.ip is not None, f"{target.name} has no address to send to"
    if target.ip.ip not in source.ip.network or source.ip.ip not in target.ip.network:
        return Verdict(False, f"{source.name} and {target.name} have addresses of different networks", ends)
    because = (*ends, decider(network.segments[source.segment]))
    return Verdict(True, f"both are in segment {source.segment}", because)


def _over_switches(network: Network, source: SwitchPort, target: SwitchPort, ends: Ends) -> Verdict:
    if source.ip is None or target.ip is None:
        return Verdict(False, f"{source.name if source.ip is None else target.name} has no address", ends)
    found = network.lans.way(source, target)
    if isinstance(found, str):
        return Verdict(False, found, ends)
    because = (*ends, *(decider(network.routers[router]) for router in found))
    return Verdict(True, f"by way of {', '.join(found)}" if found else "both are in one network of one LAN", because)


def _between_vpcs(network: Network, source: VpcPort, target: VpcPort, ends: Ends) -> Verdict:
    if source.vpc == target.vpc:
        return Verdict(True, f"both are in VPC {source.vpc}", (*ends, decider(network.vpcs[source.vpc])))
    from_ip, to_ip = source.ips[0], target.ips[0]
    here, there = (_subnet(network, port.vpc, port.ips[0]) for port in (source, target))
    near, remote = f"{source.vpc}/{here.name}", f"{target.vpc}/{there.name}"
    way = route_to(here, to_ip)
    if way is None:
        reason = f"the subnet of {source.name} has no route to {to_ip} in VPC {target.vpc}"
        return Verdict(False, reason, (*ends, decider(here, source.vpc)))
    because: tuple[Decider, ...] = (*ends, decider(way, near))
    if way.via == NOTHING:
        return Verdict(False, f"the subnet of {source.name} routes {way.to} to nothing", because)
    peering = network.peerings[way.via]
    because = (*because, decider(peering))
    if remote not in peering.between:
        return Verdict(False, f"the route {way.to} leads to another VPC than {target.vpc}", because)
    back = route_to(there, from_ip)
    if back is None or back.via != way.via:
        found = decider(there, target.vpc) if back is None else decider(back, remote)
        return Verdict(False, f"the subnet of {target.name} has no route back to {from_ip}", (*because, found))
    because = (*because, decider(back, remote))
    return Verdict(True, f"their subnets are peered by {way.via}, with routes both ways", because)


def answers(network: Network, source: AnyPort, target: AnyPort, services: Intervals = PING) -> Verdict:
    """Whether a connection comes about, a ping without another service: it arrives, and so does the answer.

    Answers need no rule of a security group.
    """
    there = verdict(network, source, target, services)
    back = way(network, target, source)
    return there if back.arrives or not there.arrives else back


def reached_services(network: Network, source: AnyPort, target: AnyPort) -> Intervals:
    """All services for which connections from a port to another one come about."""
    if not way(network, source, target).arrives or not way(network, target, source).arrives:
        return NO_SERVICE
    if isinstance(source, VpcPort) and isinstance(target, VpcPort):
        return admitted(network, source, target)
    return EVERYTHING


def _subnet(network: Network, vpc: str, ip: IPv4Address) -> Subnet:
    subnet = network.subnet_of(vpc, ip)
    assert subnet is not None, f"{ip} is in no subnet of {vpc}: the model was not checked"
    return subnet


def route_to(subnet: Subnet, to: IPv4Address) -> SubnetRoute | None:
    """The longest of a subnet's routes that covers an address."""
    routes = [route for route in subnet.routes if to in route.to]
    return max(routes, key=lambda route: route.to.prefixlen, default=None)
