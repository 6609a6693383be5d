"""From two states of the model to one transaction, which fails when somebody else changed rows in between."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from controller.store.rows.allocate import NumberAllocator
from controller.store.rows.mapping import tables
from controller.store.rows.replica import Replica
from controller.store.rows.rows import NETWORK, Key, Rows, Values, references
from controller.store.rows.schema import GENERATION, NUMBERS, ORIGIN, POOLS, Json, given
from controller.store.rows.wire import VERSION, Names, encode

_COMMIT: Json = {"op": "commit", "durable": True}


@dataclass(frozen=True, slots=True)
class RowChange:
    """A row before and after; None: it is not there."""

    old: Values | None
    new: Values | None


Changes = dict[Key, RowChange]


def changes(replica: Replica, keys: Iterable[Key], rows: Rows) -> Changes:
    """What makes some rows of a replica these rows."""
    return between({key: replica.values(key) for key in {*keys, *rows} if key in replica}, rows)


def between(old: Rows, new: Rows) -> Changes:
    """What makes some rows of others."""
    found = {key: RowChange(values, None) for key, values in old.items() if key not in new}
    for key, values in new.items():
        if old.get(key) != values:
            found[key] = RowChange(old.get(key), values)
    return found


def is_the_same(key: Key, change: RowChange) -> bool:
    """Whether an object is the same but for the line it is written on, and its parts, which are rows themselves."""
    return change.old is not None and change.new is not None and own(key, change.old) == own(key, change.new)


def own(key: Key, values: Values) -> Values:
    """What of a row's values a user wrote for this very object, as it was written."""
    columns = tables()[key.table].columns.values()
    marks = {given(column): column.name for column in columns if column.is_nullable}
    hidden = {*ORIGIN, *marks, *(column.name for column in columns if column.is_child)}
    empty: Values = {name: [] for mark, name in marks.items() if values.get(mark) and name not in values}
    keys = tables()[key.table].keys
    found = {name: value for name, value in values.items() if name not in hidden} | empty
    return {keys.get(name, name): value for name, value in found.items()}


class Transaction:
    """The operations of one change of the model."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._names = Names(replica.uuids)
        self._waits: dict[Key, Json] = {}
        self._operations: list[Json] = []

    @property
    def operations(self) -> list[Json]:
        """All of it: first that nothing is different from what was read, at the end that it is on the disk."""
        return [*self._waits.values(), *self._operations, _COMMIT]

    def change(self, made: Mapping[Key, RowChange]) -> None:
        """Change rows of the model, if they and those they name are as they were read."""
        for key, change in made.items():
            if change.old is None:
                self._names.make(key)
        for key, change in made.items():
            if change.old is not None:
                self.expect(key)
            if change.new is not None:
                self._expect_all(references(key, change.new), made)
            self._row(key, change)

    def count(self) -> None:
        """Make this the next generation of the model."""
        row = {GENERATION: self._replica.generation + 1}
        if NETWORK in self._replica:
            self.expect(NETWORK)
            self.update(NETWORK.table, self._replica.uuids[NETWORK], row)
        else:
            self._operations.append(
                {"op": "update", "table": NETWORK.table, "where": [["_uuid", "==", self._names[NETWORK]]], "row": row}
            )

    def expect(self, key: Key) -> None:
        """Fail when a row is not as it was read any more."""
        version = self._replica.version(key)
        self._waits[key] = _unchanged(key.table, self._replica.uuids[key], version)

    def _expect_all(self, keys: Iterable[Key], made: Mapping[Key, RowChange]) -> None:
        for key in keys:
            if key not in self._waits and key in self._replica:
                self.expect(key)

    def _row(self, key: Key, change: RowChange) -> None:
        if change.new is None:
            where = [["_uuid", "==", ["uuid", self._replica.uuids[key]]]]
            self._operations.append({"op": "delete", "table": key.table, "where": where})
            return
        row = encode(key, change.new, self._names)
        if change.old is None:
            name = self._names.make(key)
            self._operations.append({"op": "insert", "table": key.table, "row": row, "uuid-name": name})
            return
        before = encode(key, change.old, Names(self._replica.uuids))
        different = {name: value for name, value in row.items() if before[name] != value}
        self.update(key.table, self._replica.uuids[key], different)

    def update(self, table: str, uuid: str, row: Mapping[str, Any]) -> None:
        """Change columns of a row."""
        where = [["_uuid", "==", ["uuid", uuid]]]
        self._operations.append({"op": "update", "table": table, "where": where, "row": row})

    def insert(self, table: str, row: Mapping[str, Any]) -> None:
        """Add a row to one of the store's own tables."""
        self._operations.append({"op": "insert", "table": table, "row": row})

    def delete(self, table: str, where: list[Json]) -> None:
        """Remove rows from one of the store's own tables."""
        self._operations.append({"op": "delete", "table": table, "where": where})

    def number(self, pool: str, names: Iterable[str]) -> None:
        """Numbers for all names that a pool knows from now on: the numbers they have, else new ones."""
        rows = self._replica.numbers.get(pool, {})
        uuid, version, _ = self._replica.pools().get(pool, (None, "", 1))
        old, first = self._replica.allocated(pool)
        new = NumberAllocator(old, first).allocate(names)
        if new.of == old:
            return
        for name in old.keys() - new.of.keys():
            self.delete(NUMBERS, [["_uuid", "==", ["uuid", rows[name][0]]]])
        for name in new.of.keys() - old.keys():
            self.insert(NUMBERS, {"pool": pool, "name": name, "number": new.of[name]})
        if uuid is None:
            self.insert(POOLS, {"name": pool, "next": new.next})
        else:
            self._waits[Key(POOLS, pool)] = _unchanged(POOLS, uuid, version)
            self.update(POOLS, uuid, {"next": new.next})


def _unchanged(table: str, uuid: str, version: str) -> Json:
    where, row = [["_uuid", "==", ["uuid", uuid]]], {VERSION: ["uuid", version]}
    query = {"op": "wait", "table": table, "timeout": 0, "where": where, "columns": [VERSION]}
    return {**query, "until": "==", "rows": [row]}
