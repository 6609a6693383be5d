"""The store through the real command line, with no controller running."""

import json
import subprocess
import sys
from pathlib import Path

from tests.integration.store.support import NETWORK
from tests.scenario import ROOT


def _run(state: Path, *arguments: str) -> str:
    command = [sys.executable, "-m", "controller", *arguments, "--state", str(state)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env={"COLUMNS": "200"})
    assert "Traceback" not in done.stderr
    return done.stdout + done.stderr


def _apply(state: Path, text: str, *options: str) -> str:
    file = state / "network.yaml"
    file.write_text(text)
    return _run(state, "apply", "--yes", str(file), *options)


def test_history(directory: Path) -> None:
    assert "generation 1 is stored" in _apply(directory, NETWORK, "--comment", "the first [one]")
    assert "generation 1 is stored" in _apply(directory, NETWORK)
    assert "generation 2 is stored" in _apply(directory, NETWORK.replace("10.0.1.4", "10.0.1.9"))
    listed = _run(directory, "history")
    assert "the first [one]" in listed
    assert [
        (entry["generation"], entry["added"], entry["changed"])
        for entry in json.loads(_run(directory, "history", "--json"))
    ] == [
        (2, 0, 1),
        (1, 15, 0),
    ]
    shown = _run(directory, "history", "show", "2").splitlines()
    assert shown[1:] == ["~ port a", "    - ips: 10.0.1.5, 10.0.1.4", "    + ips: 10.0.1.5, 10.0.1.9"]
    (changed,) = json.loads(_run(directory, "history", "show", "2", "--json"))["objects"]
    assert changed["object"] == "port a"
    assert (changed["old"]["ips"], changed["new"]["ips"]) == (["10.0.1.5", "10.0.1.4"], ["10.0.1.5", "10.0.1.9"])
    assert "error: the history has no generation 7" in _run(directory, "history", "show", "7")
    assert not (directory / "db.sock").exists()


def test_a_database_that_is_none(directory: Path) -> None:
    (directory / "model.db").write_text("this is no database\n")
    assert "error: ovsdb-server does not start on" in _run(directory, "show")
