"""What may let two ports reach each other that do not: changes of the network file, the smaller ones first.

Nothing here is known to help: :mod:`flows.simulate.remedy` tries them.
"""

from collections.abc import Iterator

from flows.model.intervals import Intervals
from flows.model.objects.network import AnyPort, Network
from flows.model.objects.port import SegmentPort, VpcPort
from flows.model.objects.switch import SwitchPort
from flows.model.reach.candidates import groups, lans, vpcs
from flows.model.reach.steps import Change, Write
from flows.model.services import PING


def candidates(network: Network, source: AnyPort, target: AnyPort, services: Intervals = PING) -> list[Change]:
    """The changes to try, in order. Each has at least one step. ``services``: what the target is to be reached for."""
    hosts = tuple(
        Write(port, "host", host)
        for port in (source, target)
        if not isinstance(port, SwitchPort) and port.host is None and (host := a_host(network, port))
    )
    allowed = (
        groups.rules(network, source, target, services)
        if isinstance(source, VpcPort) and isinstance(target, VpcPort)
        else ()
    )
    found = dict.fromkeys((*hosts, *way, *allowed) for way in ((), *_ways(network, source, target)))
    return sorted(filter(None, found), key=len)


def a_host(network: Network, port: VpcPort | SegmentPort) -> str | None:
    """The first host that a port can be on: it is connected to the physical networks that carry the port's segments."""
    segments = network.segments_of(port) if isinstance(port, SegmentPort) else ()
    needed = {segment.physical.network for segment in segments if segment.physical is not None}
    return next((name for name, host in network.hosts.items() if needed <= host.physical.keys()), None)


def _ways(network: Network, source: AnyPort, target: AnyPort) -> Iterator[Change]:
    match source, target:
        case VpcPort(), VpcPort():
            if source.vpc != target.vpc:
                yield vpcs.peered(network, source, target)
        case SegmentPort(), SegmentPort():
            yield from lans.in_one_segment(network, source, target)
        case SwitchPort(), SwitchPort():
            yield from lans.on_one_lan(network, source, target)


def hopeless(source: AnyPort, target: AnyPort) -> str:
    """Why nothing small helps, where no better reason is known."""
    match source, target:
        case SwitchPort(), SwitchPort():
            return "it takes another way over switches and routers, and there are many"
        case (VpcPort(), VpcPort()) | (SegmentPort(), SegmentPort()):
            return "it takes more than one peering, segment or address"
        case (VpcPort(), _) | (_, VpcPort()):
            return "a port of a VPC reaches ports of VPCs only; declare the other one in a VPC too"
        case _:
            return "hosts and plain switches have no connection that a network file could declare"
