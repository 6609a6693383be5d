"""The difference between two networks, regardless of where their objects stand in the files."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from pydantic import BaseModel

from flows.model.objects.network import SECTIONS, Network
from flows.model.objects.types import Declared


def same(one: Any, other: Any) -> bool:
    """Whether two objects, or values of them, say the same, but for the line that they are written on."""
    if one is other:
        return True
    if isinstance(one, BaseModel):
        return type(one) is type(other) and all(
            same(getattr(one, name), getattr(other, name)) for name in type(one).model_fields if name != "origin"
        )
    if isinstance(one, dict):
        return isinstance(other, dict) and one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, tuple):
        return isinstance(other, tuple) and len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


@dataclass(frozen=True)
class NetworkDifference:
    """Two networks, and which of their objects are different."""

    old: Network
    new: Network

    @cached_property
    def changed(self) -> Mapping[str, frozenset[str]]:
        """Of each section, the names of the objects that were added, removed or changed."""
        return {section: frozenset(self._changed(section)) for section in SECTIONS}

    def _changed(self, section: str) -> set[str]:
        old, new = self._section(self.old, section), self._section(self.new, section)
        return {name for name in old.keys() | new.keys() if not same(old.get(name), new.get(name))}

    @staticmethod
    def _section(network: Network, section: str) -> Mapping[str, Declared]:
        objects: Mapping[str, Declared] = getattr(network, section)
        return objects

    @cached_property
    def settings_differ(self) -> bool:
        """Whether a setting of all hosts is different: the encapsulation or the underlay."""
        return not (same(self.old.encapsulation, self.new.encapsulation) and same(self.old.underlay, self.new.underlay))

    @cached_property
    def changed_ends(self) -> frozenset[str]:
        """The subnets, written ``vpc/subnet``, that were added, removed or changed, and those whose peering was."""
        vpcs = self.changed["vpcs"]
        ends = {
            end
            for network in (self.old, self.new)
            for end, (vpc, _) in network.ends.items()
            if vpc.name in vpcs and not same(self._subnet(self.old, end), self._subnet(self.new, end))
        }
        for network in (self.old, self.new):
            for name in self.changed["peerings"] & network.peerings.keys():
                ends.update(network.peerings[name].between)
        return frozenset(ends)

    @staticmethod
    def _subnet(network: Network, end: str) -> object:
        return network.ends[end][1] if end in network.ends else None

    @cached_property
    def aligned(self) -> Network:
        """The new network, in which unchanged objects are the old ones, with the lines of the old file."""
        pairs = {name: (getattr(self.old, name), getattr(self.new, name)) for name in Network.model_fields}
        fields = {name: old if same(old, new) else new for name, (old, new) in pairs.items() if name not in SECTIONS}
        for section in SECTIONS:
            old, new, changed = self._section(self.old, section), self._section(self.new, section), self.changed
            fields[section] = {name: item if name in changed[section] else old[name] for name, item in new.items()}
        return Network.model_construct(**fields)
