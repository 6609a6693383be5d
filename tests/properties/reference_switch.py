"""A learning VLAN switch in plain Python: what IEEE 802.1Q and the Open vSwitch manual say, without any flows.

It knows nothing of tables, registers or the modules that make flows. Frames are those of the tests.
"""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.switching.frame import Frame, Tag

Vlan = Hashable
Place = Hashable
"""A local port, or a tunnel from a host under a key."""


@dataclass(frozen=True)
class Carried:
    """A VLAN on a port."""

    wire: int | None
    """Its tag there; None: untagged."""
    learns: bool = True


@dataclass(frozen=True)
class Port:
    """A local port: access (one VLAN, untagged) or trunk."""

    carries: Mapping[Any, Carried]
    every: Carried | None = None
    """A trunk for all VLANs: those that ``carries`` does not name have their own number as their tag."""

    def vlan_of(self, tag: int | None) -> Any:
        """The VLAN of a frame with this tag; VLAN 0 is no VLAN but a priority, as good as no tag."""
        wire = tag or None
        for vlan, carried in self.carries.items():
            if carried.wire == wire:
                return vlan
        return wire if self.every else None

    def how(self, vlan: Vlan) -> Carried | None:
        """How the port carries a VLAN; None: not at all."""
        found = self.carries.get(vlan)
        if found is None and self.every and isinstance(vlan, int) and vlan != 0:
            return replace(self.every, wire=vlan)
        return found


@dataclass
class ReferenceSwitch:
    """The switch. ``tunnels``: which VLAN comes and goes by which tunnels."""

    ports: Mapping[Place, Port]
    tunnels: Mapping[Place, Vlan] = field(default_factory=dict)
    limits: Mapping[Vlan, tuple[Hashable, int]] = field(default_factory=dict)
    """Which VLANs share a limit of addresses, and which; those not named have none."""
    silent: frozenset[Vlan] = frozenset()
    """VLANs that learn nothing from tunnels."""
    declared: Mapping[tuple[Vlan, int], Place] = field(default_factory=dict)
    default_limit: tuple[Hashable, int] = ("all", 1 << 30)
    _places: dict[tuple[Vlan, int], Place] = field(default_factory=dict)
    _admitted: dict[Hashable, set[tuple[Vlan, int]]] = field(default_factory=dict)

    def receive(self, place: Place, frame: Frame) -> dict[Place, Frame]:
        """What goes out, and where, when a frame comes in."""
        if _is_group(frame.src):
            return {}
        if place in self.tunnels:
            vlan, priority, payload, learns = self.tunnels[place], 0, frame.tags, self.tunnels[place] not in self.silent
        else:
            port = self.ports[place]
            outer = frame.tags[0] if frame.tags else None
            found = port.vlan_of(outer.vlan if outer else None)
            how = port.how(found) if found is not None else None
            if found is None or how is None:
                return {}
            vlan, learns = found, how.learns
            priority, payload = (outer.priority if outer else 0), frame.tags[1:]
        copies: dict[Place, Frame] = {
            to: replace(frame, tags=(*self._tag(to, vlan, priority), *payload))
            for to in self._receivers(place, vlan, frame.dst, is_tagged=bool(payload))
            if to != place and not (place in self.tunnels and to in self.tunnels)
        }
        if learns:  # after the look: a frame to its own sender is forwarded by what was known before it came
            self._learn(vlan, frame.src, place)
        return copies

    def _learn(self, vlan: Vlan, station: int, place: Place) -> None:
        group, limit = self.limits.get(vlan, self.default_limit)
        admitted = self._admitted.setdefault(group, set())
        if (vlan, station) in admitted or len(admitted) < limit:
            admitted.add((vlan, station))
            self._places[vlan, station] = place

    def _receivers(self, place: Place, vlan: Vlan, station: int, *, is_tagged: bool) -> set[Place]:
        everybody = {to for to, port in self.ports.items() if port.how(vlan)}
        everybody |= {to for to, carried in self.tunnels.items() if carried == vlan}
        if _is_group(station):
            return everybody
        if (vlan, station) in self.declared:
            return {self.declared[vlan, station]}
        if (vlan, station) in self._places and not (is_tagged and place in self.tunnels):
            return {self._places[vlan, station]}
        return everybody

    def _tag(self, place: Place, vlan: Vlan, priority: int) -> tuple[Tag, ...]:
        if place in self.tunnels:
            return ()
        how = self.ports[place].how(vlan)
        return () if how is None or how.wire is None else (Tag(how.wire, priority),)


def _is_group(station: int) -> bool:
    return bool(station >> 40 & 1)
