"""The VLANs that hosts give to segments: each host its own, from 1 upward, as long as it knows the segment.

A segment is known here by the number that the store gave it, which nobody gets again. So a segment that was removed
and one that is new are never taken for each other, whatever their names.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field

from flows.model.segment import LARGEST_VLAN


@dataclass(frozen=True, slots=True)
class Vlans:
    """The VLANs in use."""

    of: Mapping[str, Mapping[int, int]] = field(default_factory=dict)
    """Host -> a segment's number -> its VLAN there."""

    def allocate(self, needed: Mapping[str, Iterable[int]]) -> "Vlans":
        """The VLANs for these hosts: those that they have, and for each segment that needs one the lowest free one.

        A host that is not named loses all of its VLANs. When all 4094 are in use a segment gets none.
        """
        return Vlans({host: _with(self.of.get(host, {}), segments) for host, segments in needed.items()})

    def release(self, host: str, segments: Set[int]) -> "Vlans":
        """The VLANs without those that a host gave to other segments than these."""
        kept = {segment: vlan for segment, vlan in self.of.get(host, {}).items() if segment in segments}
        return Vlans({**self.of, host: kept})

    def named(self, numbers: Mapping[str, int]) -> dict[str, dict[str, int]]:
        """Host -> name of a segment -> its VLAN there."""
        return {
            host: {name: vlans[number] for name, number in numbers.items() if number in vlans}
            for host, vlans in self.of.items()
        }


def _with(vlans: Mapping[int, int], segments: Iterable[int]) -> Mapping[int, int]:
    given = dict(vlans)
    used = set(given.values())
    free = (vlan for vlan in range(1, LARGEST_VLAN + 1) if vlan not in used)
    for segment in segments:
        if segment not in given and (vlan := next(free, None)) is not None:
            given[segment] = vlan
    return given
