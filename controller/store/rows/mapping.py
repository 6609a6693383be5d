"""Maps the model's classes to database tables. It is derived from the classes, so a new kind of object needs no code
here.

Each class is a table and each field a column. What an object holds (a VPC its subnets) is rows of their own, held by
the row of the object. A field that names another object (:class:`flows.model.objects.types.Reference`) refers to its
row.
"""

import types
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from functools import cache
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel
from pydantic.fields import FieldInfo

from flows.model import Network
from flows.model.objects.types import Declared, Reference

_ATOMS: Mapping[type, str] = {
    str: "string",
    int: "integer",
    bool: "boolean",
    IPv4Address: "string",
    IPv4Network: "string",
    IPv4Interface: "string",
}


class Multiplicity(Enum):
    """How many values a column has."""

    ONE = "one"
    LIST = "list"
    """In an order: a map from the position, as sets of OVSDB have none."""
    MAP = "map"
    SET = "set"


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """A field of a class as a column."""

    name: str
    atom: str
    """OVSDB's type of each value."""
    many: Multiplicity
    is_optional: bool
    """Whether it may be empty: the field has a default, which stands for a column that an older schema lacked."""
    is_nullable: bool = False
    """Whether None and no values at all are two things."""
    table: str | None = None
    """The table whose rows it names."""
    is_child: bool = False
    """Whether the rows it names are parts of this one."""
    is_shared: bool = False
    """Whether there are parts of other tables' rows among those of the table that it names."""
    nobody: str | None = None
    """What a reference to nothing is called in the model."""
    limits: tuple[tuple[str, int], ...] = ()
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class TableMapping:
    """A class as a table."""

    name: str
    model: type[BaseModel]
    columns: Mapping[str, ColumnMapping]
    section: str | None
    """Where in the network its objects stand; None when they are parts of others."""

    @property
    def is_declared(self) -> bool:
        """Whether its rows have names and come from lines of a file."""
        return issubclass(self.model, Declared)

    @property
    def kind(self) -> str:
        """What users call an object of it."""
        return self.model.kind if issubclass(self.model, Declared) else self.name.lower()

    @property
    def keys(self) -> Mapping[str, str]:
        """What a user writes for each column that belongs to a key of a file."""
        spelled = self.model.spelled() if issubclass(self.model, Declared) else {}
        return {name: key for key, name in spelled.items()}

    @property
    def children(self) -> Iterator[ColumnMapping]:
        """The columns with its parts."""
        return (column for column in self.columns.values() if column.is_child)


@cache
def tables() -> Mapping[str, TableMapping]:
    """Every table of the model, by name. The first is that of the network itself."""
    found: dict[str, TableMapping] = {}
    sections = {name: _classes(field.annotation) for name, field in Network.model_fields.items()}
    roots = {name: models for name, models in sections.items() if _is_section(Network.model_fields[name].annotation)}
    _add(Network, None, found, frozenset(roots))
    for section, models in roots.items():
        for model in models:
            _add(model, section, found, frozenset())
    return {name: _with_tables(table, found) for name, table in found.items()}


@cache
def sections() -> Mapping[str, tuple[TableMapping, ...]]:
    """The tables with the objects of each section of a network."""
    names = dict.fromkeys(table.section for table in tables().values() if table.section is not None)
    return {name: tuple(table for table in tables().values() if table.section == name) for name in names}


def _add(model: type[BaseModel], section: str | None, found: dict[str, TableMapping], left_out: frozenset[str]) -> None:
    """Add the table of a class and those of its parts. ``left_out``: fields that are no columns."""
    if model.__name__ in found:
        return
    fields = {
        name: field
        for name, field in model.model_fields.items()
        if name not in left_out and name not in _OF_EVERY_OBJECT
    }
    columns = {name: _column(name, field) for name, field in fields.items()}
    found[model.__name__] = TableMapping(model.__name__, model, columns, section)
    for part in (part for field in fields.values() for part in _classes(field.annotation)):
        _add(part, None, found, frozenset())


_OF_EVERY_OBJECT = frozenset(Declared.model_fields)
"""Name and origin: the same columns in every table."""


def _column(name: str, field: FieldInfo) -> ColumnMapping:
    inner, is_nullable = _without_none(field.annotation)
    many, value = _many(inner)
    is_optional = is_nullable or not field.is_required() or many is not Multiplicity.ONE
    given = is_nullable and many is not Multiplicity.ONE
    metadata = [*field.metadata, *_metadata(inner), *_metadata(value)]
    plain = _plain(value)
    if isinstance(plain, type) and issubclass(plain, BaseModel):
        many = Multiplicity.SET if many is Multiplicity.MAP else many
        return ColumnMapping(name, "uuid", many, is_optional, given, plain.__name__, is_child=True)
    refers = next((item for item in metadata if isinstance(item, Reference)), None)
    if refers is not None:
        is_optional = is_optional or refers.nobody is not None
        return ColumnMapping(name, "uuid", many, is_optional, given, refers.kind, nobody=refers.nobody)
    if get_origin(plain) is Literal:
        return ColumnMapping(name, "string", many, is_optional, given, choices=get_args(plain))
    limits = tuple((key, getattr(item, key)) for item in metadata for key in ("ge", "le") if hasattr(item, key))
    return ColumnMapping(name, _ATOMS[plain], many, is_optional, given, limits=limits)


def _with_tables(table: TableMapping, found: Mapping[str, TableMapping]) -> TableMapping:
    """The table with each reference to a kind of object turned into one to the table of that kind."""
    kinds = {other.kind: other.name for other in found.values() if other.is_declared}
    owners = Counter(column.table for other in found.values() for column in other.children)

    def finished(column: ColumnMapping) -> ColumnMapping:
        if column.is_child:
            return replace(column, is_shared=owners[column.table] > 1)
        return column if column.table is None else replace(column, table=kinds[column.table])

    columns = {name: finished(column) for name, column in table.columns.items()}
    return replace(table, columns=columns)


def _is_section(annotation: Any) -> bool:
    """Whether a field of the network holds objects by name."""
    return get_origin(_plain(annotation)) is dict


def _classes(annotation: Any) -> list[type[BaseModel]]:
    """The classes of the objects that a field holds."""
    plain = _plain(annotation)
    if isinstance(plain, type) and issubclass(plain, BaseModel):
        return [plain]
    return [model for argument in get_args(plain) for model in _classes(argument)]


def _without_none(annotation: Any) -> tuple[Any, bool]:
    """A type without None, and whether None was a part of it."""
    if get_origin(annotation) in (Union, types.UnionType):
        others = [argument for argument in get_args(annotation) if argument is not type(None)]
        if len(others) == 1:
            return others[0], True
    return annotation, False


def _many(annotation: Any) -> tuple[Multiplicity, Any]:
    """How many values a type holds, and the type of each."""
    plain = _plain(annotation)
    if get_origin(plain) is tuple:
        return Multiplicity.LIST, get_args(plain)[0]
    if get_origin(plain) is dict:
        return Multiplicity.MAP, get_args(plain)[1]
    return Multiplicity.ONE, annotation


def _plain(annotation: Any) -> Any:
    return get_args(annotation)[0] if get_origin(annotation) is Annotated else annotation


def _metadata(annotation: Any) -> Iterator[Any]:
    if get_origin(annotation) is Annotated:
        for item in get_args(annotation)[1:]:
            yield item
            if isinstance(item, FieldInfo):
                yield from item.metadata
