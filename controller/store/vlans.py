"""The VLANs that hosts give to segments: each host its own, from 1 upward, as long as it knows the segment.

A segment is known here by the number that the store gave it, which nobody gets again. So a segment that was removed
and one that is new are never taken for each other, whatever their names.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass, field

from controller.store.errors import RequestFailed, StoreError
from controller.store.rows.schema import VLANS, Json
from controller.store.rows.wire import error_of
from controller.store.server.database import Database
from flows.model.objects.segment import LARGEST_VLAN


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

    def common(self, other: "Vlans") -> "Vlans":
        """The VLANs that are the same in another."""
        return Vlans(
            {host: dict(of_host.items() & other.of.get(host, {}).items()) for host, of_host in self.of.items()}
        )

    def named(self, numbers: Mapping[str, int]) -> dict[str, dict[str, int]]:
        """Host -> name of a segment -> its VLAN there."""
        names = {number: name for name, number in numbers.items()}
        return {
            host: {names[number]: vlan for number, vlan in sorted(vlans.items()) if number in names}
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


class VlanTable:
    """The VLANs in the database. One writes them at a time: the controller."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._rows: dict[tuple[str, int], tuple[str, int]] | None = None
        """Host and segment -> the row's uuid and the VLAN. None: not known."""

    def write(self, vlans: Vlans) -> None:
        """Make these the VLANs, in one transaction that is on the disk when this returns."""
        try:
            rows = self._rows if self._rows is not None else self._read()
            self._rows = self._replace(rows, vlans)
        except StoreError:
            self._rows = None
            raise

    def _read(self) -> dict[tuple[str, int], tuple[str, int]]:
        rows = self._database.select(VLANS, ["_uuid", "host", "segment", "vlan"])
        return {(row["host"], row["segment"]): (row["_uuid"][1], row["vlan"]) for row in rows}

    def _replace(
        self, rows: dict[tuple[str, int], tuple[str, int]], vlans: Vlans
    ) -> dict[tuple[str, int], tuple[str, int]]:
        wanted = {(host, segment): vlan for host, of_host in vlans.of.items() for segment, vlan in of_host.items()}
        kept = {key: row for key, row in rows.items() if wanted.get(key) == row[1]}
        new = [key for key in wanted if key not in kept]
        operations: list[Json] = [
            {"op": "insert", "table": VLANS, "row": {"host": host, "segment": segment, "vlan": wanted[host, segment]}}
            for host, segment in new
        ]
        operations += [
            {"op": "delete", "table": VLANS, "where": [["_uuid", "==", ["uuid", uuid]]]}
            for key, (uuid, _) in rows.items()
            if key not in kept
        ]
        if not operations:
            return kept
        results = self._database.transact([*operations, {"op": "commit", "durable": True}])
        if error := error_of(results):
            raise RequestFailed(f"the local VLANs cannot be kept: {error}")
        return kept | {key: (result["uuid"][1], wanted[key]) for key, result in zip(new, results, strict=False)}
