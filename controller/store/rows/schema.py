"""The schema of the store's database: the model's classes, and what the store keeps beside them.

``python -m pytest tests/golden --regenerate`` writes it into ovs-vpc.ovsschema, which the database is made from.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from controller.store.rows.mapping import ColumnMapping, Multiplicity, TableMapping, tables

DATABASE = "ovs_vpc"
VERSION = "1.3.0"
"""To be raised with each change of the schema: by it an older database is known and converted."""

SCHEMA_FILE = Path(__file__).parents[1] / "ovs-vpc.ovsschema"

Json = Any

_UNLIMITED = {"min": 0, "max": "unlimited"}
_LARGEST = 2**63 - 1
_LIMITS = {"ge": "minInteger", "le": "maxInteger"}
_TEXT: Json = {"type": "string"}
_FIXED_TEXT: Json = {"type": "string", "mutable": False}
_NUMBER: Json = {"type": {"key": {"type": "integer", "minInteger": 0}}}

GENERATION = "generation"
"""The column of the network's one row that counts its changes."""

ORIGIN: Mapping[str, Json] = {"file": _TEXT, "line": _NUMBER, "column": _NUMBER}
"""Columns of every object: where it was written."""

NUMBERS = "Number"
POOLS = "Pool"
VLANS = "LocalVlan"
HISTORY = "History"
STATUS = "Status"

_OWN: Mapping[str, Json] = {
    # Numbers that were given to names, each in a pool of its own.
    NUMBERS: {
        "columns": {"pool": _FIXED_TEXT, "name": _FIXED_TEXT, "number": _NUMBER},
        "indexes": [["pool", "name"], ["pool", "number"]],
        "isRoot": True,
    },
    # The first number of a pool that was never given away.
    POOLS: {"columns": {"name": _FIXED_TEXT, "next": _NUMBER}, "indexes": [["name"]], "isRoot": True},
    # The VLANs that hosts give to segments, which go by their numbers here.
    VLANS: {
        "columns": {"host": _FIXED_TEXT, "segment": _NUMBER, "vlan": _NUMBER},
        "indexes": [["host", "segment"], ["host", "vlan"]],
        "isRoot": True,
    },
    # What each change of the model did. Not watched by controllers.
    HISTORY: {
        "columns": {
            GENERATION: _NUMBER,
            "time": _NUMBER,
            "who": _TEXT,
            "verb": _TEXT,
            "comment": _TEXT,
            "file": _TEXT,
            "added": _NUMBER,
            "changed": _NUMBER,
            "removed": _NUMBER,
            "id": _TEXT,
            "size": _NUMBER,
            "changes": _TEXT,
        },
        "indexes": [[GENERATION]],
        "isRoot": True,
    },
    # What the controller says of itself (no host) and of each host. Not watched by controllers.
    STATUS: {"columns": {"host": _FIXED_TEXT, "report": _TEXT}, "indexes": [["host"]], "isRoot": True},
}


def schema() -> Json:
    """The schema as a JSON value."""
    made = {table.name: _table(table) for table in tables().values()}
    return {"name": DATABASE, "version": VERSION, "tables": {**made, **_OWN}}


def schema_text() -> str:
    """The schema as it is kept in the file."""
    return json.dumps(schema(), indent=2) + "\n"


def _table(table: TableMapping) -> Json:
    columns: dict[str, Json] = {}
    if table.is_declared:
        columns = {"name": _FIXED_TEXT, **ORIGIN}
    for column in table.columns.values():
        columns[column.name] = {"type": _type(column)}
        if column.is_nullable:
            columns[given(column)] = {"type": "boolean"}
    if table.section is not None:
        return {"columns": columns, "indexes": [["name"]], "isRoot": True}
    if next(iter(tables())) == table.name:
        return {"columns": {GENERATION: _NUMBER, **columns}, "maxRows": 1, "isRoot": True}
    # A part of something: it goes when nothing holds it any more.
    return {"columns": columns, "isRoot": False}


def given(column: ColumnMapping) -> str:
    """The column that says whether another one is there at all: a set of nothing and no set look the same."""
    return f"{column.name}_given"


def _type(column: ColumnMapping) -> Json:
    atom = _atom(column)
    match column.many:
        case Multiplicity.LIST:
            return {"key": "integer", "value": atom, **_UNLIMITED}
        case Multiplicity.MAP:
            return {"key": "string", "value": atom, **_UNLIMITED}
        case Multiplicity.SET:
            return {"key": atom, **_UNLIMITED}
    return {"key": atom, "min": 0 if column.is_optional else 1, "max": 1}


def _atom(column: ColumnMapping) -> Json:
    atom: Json = {"type": column.atom}
    if column.table is not None:
        atom["refTable"] = column.table
    if column.choices:
        atom["enum"] = ["set", list(column.choices)]
    for key, limit in column.limits:
        atom[_LIMITS[key]] = min(limit, _LARGEST)
    return atom
