"""The smallest change of a network file that lets two ports reach each other: found by trying.

Each change is made in what the file says and checked as a file is. Then the flows are compiled again, and packets are
traced through them, there and back. So each proposed change has been tried.
"""

import json
from copy import deepcopy
from dataclasses import dataclass
from ipaddress import IPv4Address

from flows.compile.declared import Snapshot, plugged_in
from flows.model import AnyPort, InvalidModel, Network, SwitchPort, VpcPort, parse
from flows.model.file.written import Data, written
from flows.model.problem import listed
from flows.model.reach.candidates import a_host, candidates, hopeless
from flows.model.reach.steps import Change, Write
from flows.simulate.packet import Unsupported
from flows.simulate.receivers import Gateway, Receiver, RouterLeg, UnassignedAddress, gateways_at, having, with_first
from flows.simulate.routed import arrives, is_routed
from flows.simulate.tracing import simulated, trace
from flows.simulate.traffic import Traffic
from flows.simulate.world import World


@dataclass(frozen=True, slots=True)
class Remedy:
    """Steps that together let packets pass both ways; none of them can be left out. No steps: none are needed."""

    steps: Change = ()
    unless: str = ""
    """Why there are none, where no small change helps."""


def remedy(network: Network, source: AnyPort, target: AnyPort, traffic: Traffic) -> Remedy:
    """What to change so that packets pass from one port to another, and back. Now they do not."""
    said = written(network)
    refused = ""
    for change in candidates(network, source, target, traffic.services):
        try:
            changed = _changed(said, change)
        except InvalidModel:
            refused = refused or _refusal(said, change)
            continue
        if passes(changed, source.name, target.name, traffic):
            return Remedy(change)
    return Remedy(unless=refused or hopeless(source, target))


def remedy_for(network: Network, source: AnyPort, target: Receiver, traffic: Traffic) -> Remedy:
    """The same for whomever a packet is for: a port, whichever of its addresses is meant, a gateway, a router, nobody.

    No steps and no reason where nothing in the model has to be changed.
    """
    match target:
        case UnassignedAddress():
            return _for_nobody(network, source, target.address, traffic)
        case Gateway() if traffic.protocol != "icmp":
            return Remedy(unless="a gateway answers pings, and nothing else")
        case Gateway() | RouterLeg():
            return _for_host(network, source, target, traffic)
        case _:
            # Its first address is the one that is tried.
            network = network.with_ports({**network.ports, target.name: target})
            return remedy(network, source, target, traffic)


def _for_nobody(network: Network, source: AnyPort, address: IPv4Address, traffic: Traffic) -> Remedy:
    """Some port that the sender does not reach may be the one that is meant."""
    found = [port for port in having(network, address) if port.name != source.name]
    if len(found) == 1:
        return remedy_for(network, source, with_first(found[0], address), traffic)
    if found:
        names = listed([port.name for port in found])
        return Remedy(unless=f"several ports have {address}: {names}; trace the way to the one that is meant")
    if isinstance(source, VpcPort) and (ends := gateways_at(network, address)):
        return Remedy(unless=f"{address} is the gateway of {listed(ends)}, which answers ports of its own VPC only")
    return Remedy(unless=f"no port in the model has {address}")


def _for_host(network: Network, source: AnyPort, target: Receiver, traffic: Traffic) -> Remedy:
    """All that a sender needs for what is no port is a host of its own."""
    if isinstance(source, SwitchPort) or source.host is not None or (host := a_host(network, source)) is None:
        return Remedy()
    change = (Write(source, "host", host),)
    changed = _changed(written(network), change)
    snapshot = plugged_in(changed)
    arrives = trace(snapshot, simulated(snapshot), changed.ports[source.name], target, traffic).is_delivered
    return Remedy(change) if arrives else Remedy(unless=f"{source.name} declares no host")


def passes(network: Network, source: str, target: str, traffic: Traffic) -> bool:
    """Whether a connection comes about between two ports, with everything plugged in as declared.

    Its first packet arrives, and so does the answer.
    """
    snapshot = plugged_in(network)
    world = simulated(snapshot)
    one, other = network.ports[source], network.ports[target]
    ways = ((one, other, traffic), (other, one, traffic.answer))
    return all(_arrives(snapshot, world, *way) for way in ways)


def _arrives(snapshot: Snapshot, world: World, source: AnyPort, target: AnyPort, traffic: Traffic) -> bool:
    try:
        match source, target:
            case SwitchPort(), SwitchPort() if is_routed(snapshot, source, target):
                return arrives(snapshot, world, source, target, traffic)
            case _:
                return trace(snapshot, world, source, target, traffic).is_delivered
    except Unsupported:
        return False


def _changed(said: Data, change: Change) -> Network:
    """The network with some steps done. Raises :class:`InvalidModel`."""
    data = deepcopy(said)
    for step in change:
        step.edit(data)
    return parse(json.dumps(data), "")[0]


def _refusal(said: Data, change: Change) -> str:
    """Why a change cannot be made: what is wrong after the first of its steps that cannot."""
    for number in range(1, len(change) + 1):
        try:
            _changed(said, change[:number])
        except InvalidModel as invalid:
            return f"'{change[number - 1]}' is not possible: {invalid.problems[0].message}"
    raise AssertionError("all steps together were refused")
