"""The model as rows, and rows as the model.

A row is named by its table and its path: the object's name, after the name of what it is a part of and a slash.
Its values are plain: text, numbers, lists, maps. A reference is the path of the other row.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from pydantic import BaseModel

from controller.store.rows.mapping import ColumnMapping, Multiplicity, TableMapping, sections, tables
from controller.store.rows.schema import given
from flows.model import Network
from flows.model.objects.types import Declared, Origin


class Key(NamedTuple):
    """What names a row."""

    table: str
    path: str

    def __str__(self) -> str:
        return f"{tables()[self.table].kind} {self.path}".rstrip()


Values = dict[str, Any]
"""A row by column. What is empty is left out."""

Rows = dict[Key, Values]

NETWORK = Key(Network.__name__, "")
"""The one row of the network itself."""


def rows_of_settings(network: Network) -> Rows:
    """The network's own row and those of its parts."""
    found: Rows = {}
    _add(network, NETWORK, found)
    return found


def rows_of_object(section: str, item: Declared) -> Rows:
    """The rows of one object of a section and of its parts."""
    assert any(table.model is type(item) for table in sections()[section]), f"{item} is not in {section}"
    found: Rows = {}
    _add(item, Key(type(item).__name__, item.name), found)
    return found


def part(of: Key, column: ColumnMapping, name: str) -> str:
    """The path of a part: with the kind of what it is a part of, where there are several."""
    path = str(of) if column.is_shared else of.path
    return f"{path}/{name}" if path else name


def _add(item: BaseModel, key: Key, found: Rows) -> None:
    table = tables()[key.table]
    values: Values = {}
    if isinstance(item, Declared):
        origin = item.origin
        values = {"name": item.name, "file": origin.file, "line": origin.line, "column": origin.column}
    for column in table.columns.values():
        value = getattr(item, column.name)
        if column.is_nullable:
            values[given(column)] = value is not None
        if value is None or value == column.nobody:
            continue
        plain = _children(value, column, key, found) if column.is_child else _plain(value, column)
        if column.many is Multiplicity.ONE or plain:
            values[column.name] = plain
    found[key] = values


def _children(value: Any, column: ColumnMapping, key: Key, found: Rows) -> Any:
    """The paths of the parts of an object, whose rows are added."""
    assert column.table is not None
    if column.many is Multiplicity.ONE:
        child = Key(column.table, part(key, column, column.name))
        _add(value, child, found)
        return child.path
    items = value.values() if column.many is Multiplicity.SET else value
    paths = []
    for item in items:
        child = Key(column.table, part(key, column, item.name))
        _add(item, child, found)
        paths.append(child.path)
    return sorted(paths) if column.many is Multiplicity.SET else paths


def _plain(value: Any, column: ColumnMapping) -> Any:
    convert: Callable[[Any], Any] = str if column.atom in ("string", "uuid") else _same
    if column.many is Multiplicity.LIST:
        return [convert(one) for one in value]
    if column.many is Multiplicity.MAP:
        return {key: convert(one) for key, one in value.items()}
    return convert(value)


def _same(value: Any) -> Any:
    return value


Read = Callable[[Key], Values]
"""Finds the values of a row."""


def object_of(key: Key, read: Read) -> Any:
    """The object that a row and those of its parts stand for. Raises ValueError when they make none."""
    table, values = tables()[key.table], read(key)
    fields: dict[str, Any] = {}
    if table.is_declared:
        fields = {"name": values["name"], "origin": Origin(values["file"], values["line"], values["column"])}
    for column in table.columns.values():
        value = values.get(column.name)
        if value is None:
            if column.is_nullable and values.get(given(column)):
                fields[column.name] = ()
            elif column.nobody is not None:
                fields[column.name] = column.nobody
        elif column.is_child:
            fields[column.name] = _parts(column, value, read)
        else:
            fields[column.name] = value
    return table.model.model_validate(fields)


def _parts(column: ColumnMapping, value: Any, read: Read) -> Any:
    assert column.table is not None
    if column.many is Multiplicity.ONE:
        return object_of(Key(column.table, value), read)
    items = [object_of(Key(column.table, path), read) for path in value]
    return {item.name: item for item in in_order(items)} if column.many is Multiplicity.SET else items


def in_order(items: Iterable[Any]) -> list[Any]:
    """Objects in the order in which they were written."""
    return sorted(items, key=lambda item: (item.origin.file, item.origin.line, item.origin.column, item.name))


def network_of(settings: Network, objects: Mapping[str, Mapping[str, Any]]) -> Network:
    """The network of its own row and the objects of each section.

    Not validated again: each object was. Nothing is kept of what another network had computed.
    """
    own = {name: getattr(settings, name) for name in Network.model_fields if name not in sections()}
    return Network.model_construct(**{**own, **objects})


def build(rows: Mapping[Key, Values]) -> Network:
    """The network of some rows. Raises ValueError when they make none."""
    found: dict[str, list[Any]] = {name: [] for name in sections()}
    for key in rows:
        section = tables()[key.table].section
        if section is not None:
            found[section].append(object_of(key, rows.__getitem__))
    objects = {section: {item.name: item for item in in_order(items)} for section, items in found.items()}
    return network_of(object_of(NETWORK, rows.__getitem__), objects)


def references(key: Key, values: Values) -> Iterator[Key]:
    """The rows that a row names, its own parts left out."""
    for column in _referring(tables()[key.table]):
        value = values.get(column.name)
        assert column.table is not None
        if isinstance(value, str):
            yield Key(column.table, value)
        elif value:
            for path in value:
                yield Key(column.table, path)


def _referring(table: TableMapping) -> Iterator[ColumnMapping]:
    return (column for column in table.columns.values() if column.table is not None and not column.is_child)
