"""What one plain switch needs of the model, of its own ports and of the links that are open: its units of compiling.

Everything in here is found by the names of interfaces (:mod:`flows.model.interfaces`). A link end that the tree of
links blocks gives no unit at all: what comes in by it is dropped, and nothing is sent out of it.
"""

from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass
from functools import cached_property
from hashlib import blake2b

from flows.inputs.facts import SwitchFacts
from flows.inputs.tree import LinkVlan, named_vlans
from flows.model import Link, Network, SwitchPort
from flows.model.interfaces import interface_name
from flows.model.objects.switch import UNTAGGED
from flows.units.copies import Copies, LocalCopy
from flows.units.said import Named, Why, why
from flows.units.subject import Subject
from flows.units.switching import (
    Flood,
    FloodOthers,
    Learning,
    LinkEnd,
    Member,
    PassesMrp,
    SwitchGroups,
    TrunkAll,
)
from flows.units.unit import Unit

_VLAN_BITS = 12
_EVERY_VLAN = 2**_VLAN_BITS - 1
"""Of the VLANs the one that no frame can have: stands for those that nobody names."""


Located = frozenset[tuple[str, str]]
"""Which machine's port is plugged in at which switch."""


def view_switch(
    network: Network, switch: str, facts: SwitchFacts, links: Set[LinkVlan], located: Located
) -> frozenset[Unit]:
    """Everything that one plain switch's flows depend on.

    ``links``: what of them is open. ``located``: the machines of all switches. What was learned in a VLAN over other
    links, or before one of its machines moved, is forgotten: a machine that moves may be silent.
    """
    return frozenset(_View(network, switch, facts, links, located).units())


def locate_machines(network: Network, facts: Mapping[str, SwitchFacts]) -> Located:
    """The machines that are plugged in at the switch that they are declared on."""
    return frozenset((port, switch) for switch, seen in facts.items() for port in plugged(network, switch, seen))


def plugged(network: Network, switch: str, facts: SwitchFacts) -> dict[str, int]:
    """The machines' ports that are on a switch and plugged in there, each with its OpenFlow number."""
    numbers = {plug.name: plug.ofport for plug in facts.plugs}
    names = (port.name for port in network.switch_ports.values() if port.switch == switch)
    return {name: numbers[interface_name(name)] for name in names if interface_name(name) in numbers}


@dataclass(frozen=True, slots=True)
class _End:
    """A port of the switch: what it carries."""

    ofport: Named
    vlans: Mapping[int, int | None]
    """The VLANs that it carries, each with its tag on the wire."""
    is_trunk_of_all: bool
    """Whether it carries every other VLAN too, under its own tag."""
    expects_bpdus: bool
    """Whether a switch that speaks a spanning tree may be behind it, directly or further on."""
    why: Why


class _View:
    def __init__(
        self, network: Network, switch: str, facts: SwitchFacts, links: Set[LinkVlan], located: Located
    ) -> None:
        self._network = network
        self._located = sorted(located)
        self._switch = network.switches[switch]
        self._numbers = {plug.name: plug.ofport for plug in facts.plugs}
        self._open: dict[str, set[int | None]] = {}
        for link, vlan in links:
            self._open.setdefault(link, set()).add(vlan)
        self._learning = Learning(self._switch.ageing, self._switch.max_macs)
        self._links_in_words = str(sorted(links, key=str))
        self._segments: dict[int, Named] = {}

    def units(self) -> Iterator[Unit]:
        ends = [*self._machines(), *self._links(), *self._routers()]
        for end in ends:
            yield LinkEnd(end.ofport, end.expects_bpdus, end.why)
            for vlan, wire in end.vlans.items():
                segment = self._segment(vlan)
                yield Member(segment, _vlan(vlan), end.ofport, wire, self._learning, str(end.ofport), end.why)
            if end.is_trunk_of_all:
                yield TrunkAll(self._segment(_EVERY_VLAN), end.ofport, self._learning, str(end.ofport), end.why)
        of_all = [end for end in ends if end.is_trunk_of_all]
        reason = why(self._switch)
        if ends:
            yield from (SwitchGroups(reason), PassesMrp(reason))
        for vlan in sorted({vlan for end in ends for vlan in end.vlans}):
            local = tuple(LocalCopy(end.ofport, end.vlans[vlan]) for end in ends if vlan in end.vlans)
            unchanged = tuple(end.ofport for end in of_all if vlan not in end.vlans)
            yield Flood(_vlan(vlan), Copies(local=local, unchanged=unchanged), reason)
        if of_all:
            yield FloodOthers(tuple(end.ofport for end in of_all), reason)

    def _segment(self, vlan: int) -> Named:
        """A VLAN as what is learned in it knows it: another one when links or machines are at other places."""
        if vlan not in self._segments:
            ports = self._network.switch_ports
            machines = [(port, switch) for port, switch in self._located if _carries(ports[port], vlan)]
            said = f"{self._links_in_words} {machines}"
            digest = int.from_bytes(blake2b(said.encode(), digest_size=5).digest())
            self._segments[vlan] = Named(digest << _VLAN_BITS | vlan, str(_vlan(vlan)))
        return self._segments[vlan]

    def _machines(self) -> Iterator[_End]:
        for port in self._network.switch_ports.values():
            ofport = self._numbers.get(interface_name(port.name))
            if port.switch == self._switch.name and ofport is not None:
                yield _machine(port, Named(ofport, port.name))

    def _routers(self) -> Iterator[_End]:
        for router in self._network.routers.values():
            for name, leg in router.interfaces.items():
                ofport = self._numbers.get(router.leg(name))
                if leg.switch == self._switch.name and ofport is not None:
                    named = Named(ofport, f"{router.name}.{name}")
                    yield _End(named, {leg.vlan: None}, False, False, why(router))

    def _links(self) -> Iterator[_End]:
        for link in self._network.links.values():
            if self._switch.name not in link.between or link.name not in self._open:
                continue
            ofport = self._numbers.get(link.end(self._switch.name))
            if ofport is not None:
                yield self._link(link, Named(ofport, f"link {link.name}"), self._open[link.name])

    def _link(self, link: Link, ofport: Named, ways: Set[int | None]) -> _End:
        if None in ways and ways >= self._named:
            return _End(ofport, {UNTAGGED: None}, True, True, why(link))
        # Some VLANs take other ways. Then it carries those that the model knows, and no others.
        vlans = {vlan for vlan in self._known if (vlan if vlan in self._named else None) in ways}
        return _End(ofport, _wires(vlans), False, True, why(link))

    @cached_property
    def _named(self) -> frozenset[int]:
        return frozenset(named_vlans(self._network.links.values()))

    @cached_property
    def _known(self) -> frozenset[int]:
        """Every VLAN that anything in the model names."""
        ports = self._network.switch_ports.values()
        legs = (leg for router in self._network.routers.values() for leg in router.interfaces.values())
        of_ports = (vlan for port in ports for vlan in (port.trunk if port.trunk is not None else [port.vlan]))
        return self._named | {*of_ports, *(leg.vlan for leg in legs)}


def _carries(port: SwitchPort, vlan: int) -> bool:
    if port.trunk is None:
        return port.vlan == vlan
    return not port.trunk or vlan in port.trunk


def _machine(port: SwitchPort, ofport: Named) -> _End:
    if port.trunk is None:
        return _End(ofport, {port.vlan: None}, False, not port.bpdu_guard, why(port))
    return _End(ofport, _wires(port.trunk or (UNTAGGED,)), not port.trunk, not port.bpdu_guard, why(port))


def _wires(vlans: Set[int] | tuple[int, ...]) -> dict[int, int | None]:
    return {vlan: vlan or None for vlan in sorted(vlans)}


def _vlan(vlan: int) -> Named:
    if vlan == _EVERY_VLAN:
        return Named(vlan, "every other VLAN")
    return Named(vlan, f"VLAN {vlan}" if vlan != UNTAGGED else "the untagged LAN")


PLAIN_SWITCHES = Subject(
    units=(Member, TrunkAll, LinkEnd, SwitchGroups, PassesMrp, Flood, FloodOthers),
    sections={"switches", "links", "routers"},
)
"""Hosts need nothing of plain switches, whose views are made by :func:`view_switch`."""
