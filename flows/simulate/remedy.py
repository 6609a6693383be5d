"""The smallest change of a network file that lets two ports reach each other: found by trying.

Each change is made in what the file says and checked as a file is. Then the flows are compiled anew, and packets are
traced through them, there and back. What is proposed has therefore been seen to work.
"""

import json
from copy import deepcopy
from dataclasses import dataclass

from flows.compile.declared import Snapshot, plugged_in
from flows.model import AnyPort, InvalidModel, Network, SwitchPort, parse
from flows.model.file.written import Data, written
from flows.model.reach.candidates import candidates, hopeless
from flows.model.reach.steps import Change
from flows.simulate.packet import Unsupported
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
    for change in candidates(network, source, target):
        try:
            changed = _changed(said, change)
        except InvalidModel:
            refused = refused or _refusal(said, change)
            continue
        if passes(changed, source.name, target.name, traffic):
            return Remedy(change)
    return Remedy(unless=refused or hopeless(source, target))


def passes(network: Network, source: str, target: str, traffic: Traffic) -> bool:
    """Whether packets pass both ways between two ports, with everything plugged in as declared."""
    snapshot = plugged_in(network)
    world = simulated(snapshot)
    one, other = network.ports[source], network.ports[target]
    return all(_arrives(snapshot, world, *way, traffic) for way in ((one, other), (other, one)))


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
            return f"'{change[number - 1]}' cannot be, for {invalid.problems[0].message}"
    raise AssertionError("all steps together were refused")
