"""Reasons in the running network why packets do not reach a port although the model lets them pass, from the status."""

from collections.abc import Iterator

from controller.status.status import NodeStatus, Status
from controller.status.unreached import reported_unreached, sentences
from flows.model import AnyPort, Network, SegmentPort, SwitchPort


def obstacles(network: Network, status: Status, port: AnyPort) -> Iterator[str]:
    """What is wrong with a port where it is, each in a sentence."""
    if isinstance(port, SwitchPort):
        yield from _on_switch(status, port)
        return
    place = status.ports.get(port.name)
    if place is None:
        yield f"{port.name} is on no host: no interface of any host says external_ids:iface-id={port.name}"
        return
    known = status.hosts.get(place)
    if known is None or known.datapath is None:
        yield f"{port.name}: the controller has not reached {place} yet"
        return
    if port.name not in {iface_id for iface_id, _, _ in known.interfaces}:
        elsewhere = [name for name, host in status.hosts.items() if _has(host, port.name)]
        where = f", but on {', '.join(elsewhere)}" if elsewhere else ""
        yield f"{port.name} is not plugged in on {place}{where}"
    if not known.switch:
        yield f"{port.name}: the switch of {place} is not connected; it keeps forwarding with the flows it has"
    if known.problem:
        yield f"{port.name}: {place}: {known.problem}"
    yield from (f"{place}: {one}" for one in known.problems if _concerns(one, port.name))
    if isinstance(port, SegmentPort):
        carried = {segment.name for segment in network.segments_of(port)}
        for segment in carried.intersection(known.cut_off):
            yield f"{port.name}: segment {segment} is cut off on {place}: no VLAN is left for it"


def _concerns(problem: str, port: str) -> bool:
    """Whether a problem of a host may be one of a port there: it is, unless it says that it is of another port."""
    return not problem.startswith("port ") or problem.startswith(f"port {port}: ")


def _has(node: NodeStatus, port: str) -> bool:
    return any(iface_id == port for iface_id, _, _ in node.interfaces)


def _on_switch(status: Status, port: SwitchPort) -> Iterator[str]:
    known = status.switches.get(port.switch)
    if known is None or not known.plugs:
        yield f"{port.name}: switch {port.switch} has not connected to the controller yet"
    elif not _has(known, port.name):
        yield f"{port.name} is not plugged in on switch {port.switch}"
    elif not known.switch:
        yield f"{port.name}: switch {port.switch} is not connected; it keeps forwarding with the flows it has"


def between(network: Network, status: Status, one: AnyPort, other: AnyPort) -> Iterator[str]:
    """What is wrong with the way between the hosts of two ports, each in a sentence."""
    places = {status.ports.get(port.name) for port in (one, other)} & network.hosts.keys()
    yield from sentences(way for way in reported_unreached(status) if {way.sender, way.receiver} == places)
