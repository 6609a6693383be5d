"""Values as they travel to and from the database (RFC 7047)."""

import sys
from collections.abc import Mapping
from typing import Any

from controller.store.rows.mapping import ColumnMapping, Multiplicity, TableMapping, tables
from controller.store.rows.rows import Key, Values
from controller.store.rows.schema import GENERATION, NUMBERS, ORIGIN, POOLS, VLANS, Json, given

VERSION = "_version"
"""The column that the server changes with every change of a row."""

_NOTHING: Json = ["set", []]

_TWO_TO_64 = 2**64
"""OVSDB's integers have a sign, the model's have none: the upper half travels as negative numbers."""


def watched() -> Mapping[str, list[str]]:
    """The tables and columns that are the model, with the numbers given to its names."""
    columns = {table.name: [*_columns(table), VERSION] for table in tables().values()}
    columns[next(iter(tables()))].append(GENERATION)
    numbers = {NUMBERS: ["pool", "name", "number"], POOLS: ["name", "next", VERSION]}
    return {**columns, **numbers, VLANS: ["host", "segment", "vlan"]}


def _columns(table: TableMapping) -> list[str]:
    own = ["name", *ORIGIN] if table.is_declared else []
    return [*own, *table.columns, *(given(column) for column in table.columns.values() if column.is_nullable)]


def decode(value: Json, column: ColumnMapping | None) -> Any:
    """A column's value. Of a column that is none of the model's classes, always one atom."""
    many = column.many if column else Multiplicity.ONE
    if many is Multiplicity.ONE:
        return _atom(value) if value != _NOTHING else None
    if many is Multiplicity.LIST:
        return tuple([_atom(item) for _, item in sorted(value[1])])
    if many is Multiplicity.MAP:
        return {key: _atom(item) for key, item in value[1]}
    return frozenset(_atoms(value))


def changed(old: Any, value: Json, column: ColumnMapping | None) -> Any:
    """A column's value after a change, which the server tells by what is different where there are many."""
    match column.many if column else Multiplicity.ONE:
        case Multiplicity.ONE:
            return decode(value, column)
        case Multiplicity.SET:
            return (old or frozenset()) ^ frozenset(_atoms(value))
        case Multiplicity.LIST:
            return tuple(item for _, item in sorted(_changed(dict(enumerate(old or ())), value).items()))
        case Multiplicity.MAP:
            return _changed(old or {}, value)


def _changed(old: dict[Any, Any], value: Json) -> dict[Any, Any]:
    new = dict(old)
    for key, wire in value[1]:
        item = _atom(wire)
        if key in old and old[key] == item:
            del new[key]
        else:
            new[key] = item
    return new


def _atoms(value: Json) -> list[Any]:
    if isinstance(value, list) and value[0] == "set":
        return [_atom(item) for item in value[1]]
    return [_atom(value)]


def _atom(value: Json) -> Any:
    if isinstance(value, list):
        # The same few rows are named by very many.
        return sys.intern(value[1])
    if isinstance(value, int) and value < 0:
        return value + _TWO_TO_64
    return value


class Names:
    """The database's names of rows: of those that are there already, and of those that are being made."""

    def __init__(self, uuids: Mapping[Key, str]) -> None:
        self._uuids = uuids
        self._made: dict[Key, str] = {}

    def make(self, key: Key) -> str:
        """A name for a row that is being made."""
        return self._made.setdefault(key, f"row{len(self._made)}")

    def __getitem__(self, key: Key) -> Json:
        made = self._made.get(key)
        return ["named-uuid", made] if made is not None else ["uuid", self._uuids[key]]


def encode(key: Key, values: Values, names: Names) -> Json:
    """A row of the model, in full."""
    table = tables()[key.table]
    row: dict[str, Json] = {name: values[name] for name in ("name", *ORIGIN)} if table.is_declared else {}
    for column in table.columns.values():
        row[column.name] = _encode(values.get(column.name), column, names)
        if column.is_nullable:
            row[given(column)] = values[given(column)]
    return row


def _encode(value: Any, column: ColumnMapping, names: Names) -> Json:
    def atom(item: Any) -> Json:
        if column.table is not None:
            return names[Key(column.table, item)]
        if isinstance(item, int) and item >= _TWO_TO_64 // 2:
            return item - _TWO_TO_64
        return item

    match column.many:
        case Multiplicity.ONE:
            return ["set", []] if value is None else atom(value)
        case Multiplicity.SET:
            return ["set", [atom(item) for item in value or ()]]
        case Multiplicity.LIST:
            return ["map", [[position, atom(item)] for position, item in enumerate(value or ())]]
        case Multiplicity.MAP:
            return ["map", [[name, atom(item)] for name, item in (value or {}).items()]]


def error_of(results: list[Json]) -> str | None:
    """The error of a transaction, if there was one: what follows it was not done, and neither was what is before."""
    for result in results:
        if result is not None and "error" in result:
            return ": ".join(str(result[key]) for key in ("error", "details") if result.get(key))
    return None
