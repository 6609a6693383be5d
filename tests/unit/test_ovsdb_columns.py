"""The part of a host's database that the controller replicates."""

import json
import subprocess
import sys
from typing import Any

import pytest

from controller.ovsdb.database.columns import COLUMNS
from tests.switch import SCHEMA


def base(kind: Any) -> Any:
    """A base type without its constraints: the server checks those."""
    return {k: v for k, v in kind.items() if k in ("type", "refTable")} if isinstance(kind, dict) else {"type": kind}


def normal(kind: Any) -> dict[str, Any]:
    kind = kind if isinstance(kind, dict) else {"key": kind}
    value = base(kind["value"]) if "value" in kind else None
    return {"key": base(kind["key"]), "value": value, "min": kind.get("min", 1), "max": kind.get("max", 1)}


@pytest.mark.parametrize("table", COLUMNS)
def test_columns_are_those_of_open_vswitch(table: str) -> None:
    theirs = json.loads(SCHEMA.read_text())["tables"][table]["columns"]
    assert {name: normal(kind) for name, kind in COLUMNS[table].items()} == {
        name: normal(theirs[name]["type"]) for name in COLUMNS[table]
    }


def test_python_ovs_does_not_load_eventlet() -> None:
    """It does where that is installed. Sockets and threads that eventlet patched would break the native ones."""
    program = (
        "import controller.ovsdb, ovs.poller, sys; sys.exit(any(name.startswith('eventlet.') for name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-W", "error", "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
