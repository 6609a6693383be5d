"""What each change of the model did: kept in a table that no controller watches, and only so much of it."""

import json
import time
import zlib
from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from controller.store.errors import NotFound
from controller.store.rows.changes import Changes, Transaction, is_the_same, own
from controller.store.rows.rows import Key, Values
from controller.store.rows.schema import GENERATION, HISTORY
from controller.store.server.database import Database

LONGEST = 1000
"""So many changes are kept."""
LARGEST = 64 * 2**20
"""So many bytes of them are kept, compressed; of the last change always all."""

_COLUMNS = [GENERATION, "time", "who", "verb", "comment", "file", "added", "changed", "removed"]


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One change of the model."""

    generation: int
    """Of the model, after it."""
    time: datetime
    who: str
    verb: str
    comment: str
    file: str
    added: int
    changed: int
    removed: int

    def __str__(self) -> str:
        comment = f": {self.comment}" if self.comment else ""
        return f"generation {self.generation}, {self.verb} by {self.who} at {self.time:%Y-%m-%d %H:%M:%S} UTC{comment}"


@dataclass(frozen=True, slots=True)
class ChangedObject:
    """An object before and after; None: it was not there."""

    key: Key
    old: Values | None
    new: Values | None


def record(transaction: Transaction, database: Database, about: Mapping[str, Any], made: Changes) -> None:
    """Add a change to the history, in the transaction that makes it; forget what is too old."""
    told = {key: change for key, change in made.items() if not is_the_same(key, change)}
    objects = [
        [*key, change.old and own(key, change.old), change.new and own(key, change.new)] for key, change in told.items()
    ]
    packed = b64encode(zlib.compress(json.dumps(objects, separators=(",", ":")).encode(), 1)).decode()
    row = {
        **about,
        "time": time.time_ns() // 1_000_000,
        "added": sum(change.old is None for change in told.values()),
        "removed": sum(change.new is None for change in told.values()),
        "changed": sum(None not in (change.old, change.new) for change in told.values()),
        "size": len(packed),
        "changes": packed,
    }
    oldest = _oldest_to_keep(database, len(packed))
    if oldest is not None:
        transaction.delete(HISTORY, [[GENERATION, "<", oldest]])
    transaction.insert(HISTORY, row)


def _oldest_to_keep(database: Database, size: int) -> int | None:
    """The first generation that stays in the history when another entry of some size comes; None: all stay."""
    rows = database.select(HISTORY, [GENERATION, "size"])
    rows.sort(key=lambda row: -int(row[GENERATION]))
    for position, row in enumerate(rows):
        size += row["size"]
        if position >= LONGEST - 1 or size > LARGEST:
            return int(row[GENERATION]) + 1
    return None


def entries(database: Database) -> list[HistoryEntry]:
    """The changes that are remembered, the last one first."""
    return sorted(map(_entry, database.select(HISTORY, _COLUMNS)), key=lambda entry: -entry.generation)


def entry(database: Database, generation: int) -> tuple[HistoryEntry, list[ChangedObject]]:
    """One change and its objects. Raises :class:`NotFound`."""
    rows = database.select(HISTORY, [*_COLUMNS, "changes"], [[GENERATION, "==", generation]])
    if not rows:
        raise NotFound(f"the history has no generation {generation}; 'ovs-vpc history' lists those it has")
    objects = json.loads(zlib.decompress(b64decode(rows[0]["changes"])))
    return _entry(rows[0]), [ChangedObject(Key(table, path), old, new) for table, path, old, new in objects]


def is_recorded(database: Database, identity: str) -> bool:
    """Whether a change took place, of which only its identity is known."""
    return bool(database.select(HISTORY, [GENERATION], [["id", "==", identity]]))


def _entry(row: Mapping[str, Any]) -> HistoryEntry:
    known = {name: row[name] for name in _COLUMNS}
    return HistoryEntry(**{**known, "time": datetime.fromtimestamp(row["time"] / 1000, UTC)})
