"""The smallest change of a network that lets a packet pass: found by trying, the smaller changes first.

Each change is made in what the file says and checked as a file is; the flows are compiled anew, and the packet is
traced through them. What is advised has therefore been seen to work.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass
from functools import reduce
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from operator import add
from typing import Any

from pydantic import BaseModel

from flows.model import NOTHING, AnyPort, InvalidModel, Network, SegmentPort, SwitchPort, VpcPort, parse
from flows.model.types import Declared
from flows.plugged import plugged_in
from flows.simulate.packet import Unsupported
from flows.simulate.tracing import simulated, trace
from flows.simulate.traffic import Traffic

Data = dict[str, Any]
"""A network as its file says it."""


@dataclass(frozen=True, slots=True)
class Advice:
    """What to change so that a packet passes, in words; or that nothing small helps, and why."""

    words: str
    network: Network | None
    """The changed network, in which it does pass; None: there is none."""

    def __str__(self) -> str:
        return f"it would pass with {self.words}" if self.network else f"no small change lets it pass{self.words}"


@dataclass(frozen=True, slots=True)
class _Change:
    """``words``: what would be there then."""

    words: str
    make: Callable[[Data], None]

    def __add__(self, other: "_Change") -> "_Change":
        def both(data: Data) -> None:
            self.make(data)
            other.make(data)

        return _Change(f"{self.words}, and {other.words}", both)


def advise(network: Network, source: AnyPort, target: AnyPort, traffic: Traffic) -> Advice:
    """The smallest change that lets a packet pass which does not."""
    said = written(network)
    refused = ""
    for change in _changes(network, source, target):
        data = deepcopy(said)
        change.make(data)
        try:
            changed, _ = parse(json.dumps(data), "")
        except InvalidModel as invalid:
            refused = refused or f": {change.words} cannot be, for {invalid.problems[0].message}"
            continue
        snapshot = plugged_in(changed)
        ports = changed.ports
        try:
            tried = trace(snapshot, simulated(snapshot), ports[source.name], ports[target.name], traffic)
        except Unsupported:
            continue
        if tried.is_delivered:
            return Advice(change.words, changed)
    return Advice(refused, None)


_SPELLED: Mapping[str, Callable[[int], str]] = {"dpid": "{:016x}".format}
"""Keys whose numbers a file spells in a form of its own."""


def written(value: object) -> Any:
    """A model as a network file has it: what was declared, without what follows from it."""
    match value:
        case BaseModel():
            declared = [name for name in type(value).model_fields if name in value.model_fields_set]
            parts = {name: getattr(value, name) for name in declared if name not in Declared.model_fields}
            return {
                name: _SPELLED[name](part) if name in _SPELLED else written(part)
                for name, part in parts.items()
                if part is not None
            }
        case dict():
            return {name: written(part) for name, part in value.items()}
        case list() | tuple():
            return [written(part) for part in value]
        case IPv4Address() | IPv4Network() | IPv4Interface():
            return str(value)
        case _:
            return value


def _changes(network: Network, source: AnyPort, target: AnyPort) -> Iterator[_Change]:
    """What may help, the smallest first."""
    hosts = [
        _Change(f"a host for port {port.name}", _set_key(port, "host", next(iter(network.hosts))))
        for port in (source, target)
        if not isinstance(port, SwitchPort) and port.host is None and network.hosts
    ]
    if hosts:
        yield reduce(add, hosts)
    for change in _by_kind(network, source, target):
        yield reduce(add, [*hosts, change])


def _by_kind(network: Network, source: AnyPort, target: AnyPort) -> Iterator[_Change]:
    match source, target:
        case VpcPort(), VpcPort():
            yield from _between_vpcs(network, source, target)
        case SegmentPort(), SegmentPort():
            yield from _in_segments(network, source, target)
        case SwitchPort(), SwitchPort():
            yield from _on_switches(source, target)


def _between_vpcs(network: Network, source: VpcPort, target: VpcPort) -> Iterator[_Change]:
    here, there = _end(network, source), _end(network, target)
    if here == there or source.vpc == target.vpc:
        return
    to, back = str(network.ends[there][1].cidr), str(network.ends[here][1].cidr)
    for name, peering in network.peerings.items():
        if set(peering.between) == {here, there}:
            yield _Change(f"a route in subnet {here} to {to} via {name}", _add_routes((here, to, name)))
            yield _Change(f"a route in subnet {there} back to {back} via {name}", _add_routes((there, back, name)))
            both = _add_routes((here, to, name), (there, back, name))
            yield _Change(f"a route in subnet {here} to {to} via {name}, and one in {there} back to {back}", both)
            return
    name = f"{here.replace('/', '-')}-{there.replace('/', '-')}"

    def peer(data: Data) -> None:
        data.setdefault("peerings", {})[name] = {"between": [here, there]}
        _add_routes((here, to, name), (there, back, name))(data)

    yield _Change(
        f"a peering between subnets {here} and {there}, a route in {here} to {to} via it and one in {there} to {back}",
        peer,
    )


def _end(network: Network, port: VpcPort) -> str:
    subnet = network.subnet_of(port.vpc, port.ips[0])
    assert subnet is not None, f"{port.name} has an address of no subnet: the model was not checked"
    return f"{port.vpc}/{subnet.name}"


def _add_routes(*routes: tuple[str, str, str]) -> Callable[[Data], None]:
    """Each route: its subnet, destination and peering. It takes the place of one with the same destination."""

    def change(data: Data) -> None:
        for end, to, via in routes:
            vpc, _, name = end.partition("/")
            subnet = data["vpcs"][vpc]["subnets"][name]
            # What is less than all of the destination and goes nowhere would still be in the way.
            kept = [each for each in subnet.get("routes", []) if each["to"] != to or each["via"] not in (NOTHING, via)]
            subnet["routes"] = [*kept, {"to": to, "via": via}]

    return change


def _in_segments(network: Network, source: SegmentPort, target: SegmentPort) -> Iterator[_Change]:
    for mover, other in ((target, source), (source, target)):
        for segment in network.segments_of(other):
            if mover.segment is not None:
                words = f"port {mover.name} in segment {segment.name} instead of {mover.segment}"
                yield _Change(words, _set_key(mover, "segment", segment.name))
            elif mover.trunk:
                words = f"segment {segment.name} in the trunk of port {mover.name}"
                yield _Change(words, _set_key(mover, "trunk", [*mover.trunk, segment.name]))


def _on_switches(source: SwitchPort, target: SwitchPort) -> Iterator[_Change]:
    for mover, other in ((target, source), (source, target)):
        if mover.trunk is None and other.trunk is None and mover.vlan != other.vlan:
            yield _Change(f"port {mover.name} in VLAN {other.vlan}", _set_key(mover, "vlan", other.vlan))
    if source.switch != target.switch:

        def link(data: Data) -> None:
            data.setdefault("links", {})["advised"] = {"between": [source.switch, target.switch]}

        yield _Change(f"a link between switches {source.switch} and {target.switch}", link)


def _set_key(port: AnyPort, key: str, value: object) -> Callable[[Data], None]:
    def change(data: Data) -> None:
        data["ports"][port.name][key] = value

    return change
