"""The content of the database, kept up to date by the server's updates."""

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from controller.store.rows.mapping import ColumnMapping, Multiplicity, tables
from controller.store.rows.rows import NETWORK, Key, Values, part
from controller.store.rows.schema import GENERATION, NUMBERS, POOLS, VLANS, Json, given
from controller.store.rows.wire import VERSION, changed, decode

_DEFAULTS: Mapping[str, Any] = {"string": "", "integer": 0, "boolean": False}
"""What a column holds that the server leaves out, unless it may be empty."""


class Replica:
    """The watched tables. Rows go by uuid inside, by :class:`Key` for everybody else.

    Longer than most classes: names, parents and uuids of rows depend on each other and change together.
    """

    def __init__(self) -> None:
        self._rows: dict[str, dict[str, dict[str, Any]]] = {}
        self._table_of: dict[str, str] = {}
        self._parent: dict[str, tuple[str, ColumnMapping]] = {}
        self._keys: dict[str, Key] = {}
        self.uuids: dict[Key, str] = {}
        """The database's name of each row of the model."""
        self.revision = 0
        """Counts the changes of all but the local VLANs."""
        self._numbers: dict[str, dict[str, tuple[str, int]]] | None = None
        self._vlans: dict[str, dict[int, int]] | None = None

    def update(self, updates: Json, *, is_all: bool) -> set[Key]:
        """Take in an update of the server. ``is_all``: it is complete, so rows that it lacks are gone. Returns the rows
        of the model that have changed; rows that are gone by their old names.
        """
        touched: set[str] = set()
        gone: set[Key] = set()
        if is_all:
            updates = {**updates, **self._missing(updates)}
        for table, rows in updates.items():
            for uuid, change in rows.items():
                self._take(table, uuid, change, touched, gone)
        for uuid in touched:
            self._adopt(uuid)
        if NUMBERS in updates:
            self._numbers = None
        if VLANS in updates:
            self._vlans = None
        return gone | {self._name(uuid) for uuid in touched}

    def _missing(self, updates: Json) -> Json:
        """The updates of each table, with the deletion of every row that they do not mention."""
        return {
            table: {
                **{uuid: {"delete": None} for uuid in rows.keys() - updates.get(table, {}).keys()},
                **updates.get(table, {}),
            }
            for table, rows in self._rows.items()
        }

    def _take(self, table: str, uuid: str, change: Json, touched: set[str], gone: set[Key]) -> None:
        rows = self._rows.setdefault(table, {})
        ((kind, content),) = change.items()
        old = rows.get(uuid)
        if kind == "delete":
            if old is not None:
                self.revision += table != VLANS
                gone |= self._forget(table, uuid)
            return
        columns: Mapping[str, ColumnMapping] = tables()[table].columns if table in tables() else {}
        if kind == "modify":
            assert old is not None, f"a change of a row of {table} that was never seen"
            new = old | {name: changed(old.get(name), value, columns.get(name)) for name, value in content.items()}
        else:
            # Most values are text, which is what it is.
            new = {
                name: value if value.__class__ is str else decode(value, columns.get(name))
                for name, value in content.items()
            }
            if "file" in new:
                new["file"] = sys.intern(new["file"])  # one text for all of its objects
        rows[uuid] = new
        if old is not None and _without_version(old) == _without_version(new):
            return
        self.revision += table != VLANS
        if table in tables():
            self._table_of[uuid] = table
            touched.add(uuid)

    def _forget(self, table: str, uuid: str) -> set[Key]:
        del self._rows[table][uuid]
        if table not in tables():
            return set()
        del self._table_of[uuid]
        self._parent.pop(uuid, None)
        key = self._keys.pop(uuid, None)
        if key is None:
            return set()
        if self.uuids.get(key) == uuid:
            del self.uuids[key]
        return {key}

    def _adopt(self, uuid: str) -> None:
        """Note whose parts the rows are that a row holds."""
        table = self._table_of[uuid]
        row = self._rows[table][uuid]
        for column in tables()[table].children:
            held = row.get(column.name)
            for child in [held] if isinstance(held, str) else held or ():
                self._parent[child] = (uuid, column)

    def _name(self, uuid: str) -> Key:
        key = self._keys.get(uuid)
        if key is None:
            key = self._keys[uuid] = Key(self._table_of[uuid], self._path(uuid))
            self.uuids[key] = uuid
        return key

    def _path(self, uuid: str) -> str:
        table = tables()[self._table_of[uuid]]
        name: str = self._rows[table.name][uuid]["name"] if table.is_declared else ""
        if table.section is not None or table.name == NETWORK.table:
            return name
        parent, column = self._parent[uuid]
        return part(self._name(parent), column, name or column.name)

    def __contains__(self, key: Key) -> bool:
        return key in self.uuids

    def __iter__(self) -> Iterator[Key]:
        return iter(self.uuids)

    def owner(self, key: Key) -> Key:
        """The object of a section that a row is, or is a part of; the network's own row for its parts."""
        uuid = self.uuids[key]
        while uuid in self._parent:
            uuid, _ = self._parent[uuid]
        return self._name(uuid)

    def with_parts(self, key: Key) -> Iterator[Key]:
        """A row, the rows that it holds, and those that they hold; nothing where there is no such row."""
        if key not in self.uuids:
            return
        yield key
        row = self._rows[key.table][self.uuids[key]]
        for column in tables()[key.table].children:
            held = row.get(column.name)
            for child in [held] if isinstance(held, str) else held or ():
                yield from self.with_parts(self._name(child))

    def values(self, key: Key) -> Values:
        """The values of a row of the model."""
        row = self._rows[key.table][self.uuids[key]]
        table = tables()[key.table]
        found: Values = {}
        if table.is_declared:
            found = {"name": row["name"], "file": row.get("file", "")}
            found |= {"line": row.get("line", 0), "column": row.get("column", 0)}
        for column in table.columns.values():
            value = row.get(column.name, None if column.is_optional else _DEFAULTS.get(column.atom))
            if column.is_nullable:
                found[given(column)] = bool(row.get(given(column), False))
            if value is None or (column.many is not Multiplicity.ONE and not value):
                continue
            found[column.name] = self._plain(value, column)
        return found

    def _plain(self, value: Any, column: ColumnMapping) -> Any:
        if column.many is Multiplicity.MAP:
            return dict(value)
        if column.table is None:
            return list(value) if column.many is Multiplicity.LIST else value
        if column.many is Multiplicity.ONE:
            return self._name(value).path
        paths = [self._name(uuid).path for uuid in value]
        return sorted(paths) if column.many is Multiplicity.SET else paths

    def version(self, key: Key) -> str:
        """What the server changes with every change of a row."""
        version: str = self._rows[key.table][self.uuids[key]][VERSION]
        return version

    @property
    def generation(self) -> int:
        """How often the model was changed; 0 when there is none."""
        if NETWORK not in self.uuids:
            return 0
        return int(self._rows[NETWORK.table][self.uuids[NETWORK]].get(GENERATION, 0))

    @property
    def numbers(self) -> Mapping[str, Mapping[str, tuple[str, int]]]:
        """Of each pool, the uuid of each name's row and the name's number."""
        if self._numbers is None:
            self._numbers = {}
            rows = self._rows.get(NUMBERS, {}).items()
            for uuid, row in sorted(rows, key=lambda item: item[1].get("number", 0)):
                self._numbers.setdefault(row["pool"], {})[row["name"]] = (uuid, row.get("number", 0))
        return self._numbers

    @property
    def vlans(self) -> Mapping[str, Mapping[int, int]]:
        """Of each host, the VLAN of each segment, which goes by its number."""
        if self._vlans is None:
            self._vlans = {}
            for row in self._rows.get(VLANS, {}).values():
                self._vlans.setdefault(row["host"], {})[row.get("segment", 0)] = row.get("vlan", 0)
        return self._vlans

    def pools(self) -> dict[str, tuple[str, str, int]]:
        """Every pool: its row's uuid and version, and its first number that was never given away."""
        rows = self._rows.get(POOLS, {}).items()
        return {row["name"]: (uuid, row[VERSION], row.get("next", 0)) for uuid, row in rows}

    def allocated(self, pool: str) -> tuple[dict[str, int], int]:
        """The numbers of a pool by name, and the first one that was never given away."""
        _, _, first = self.pools().get(pool, ("", "", 1))
        return {name: number for name, (_, number) in self.numbers.get(pool, {}).items()}, first


def _without_version(row: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in row.items() if name != VERSION}
