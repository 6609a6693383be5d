"""Tests side by side: what is marked ``alone`` is, and one report tells the whole (tests/parallel.py)."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.scenario import ROOT

INI = """
[pytest]
markers =
    alone
    system(row)
addopts = --dist=loadfile --no-loadscope-reorder -p no:cacheprovider
timeout = 2
"""

FILE = """
import os, pathlib, time
import pytest

@pytest.fixture(autouse=True)
def noted(request):
    began = time.monotonic()
    yield
    name, ended = request.node.name, time.monotonic()
    pathlib.Path({notes!r}, f"{{name}}-{number}").write_text(f"{{began}} {{ended}} {{os.getpid()}}")

@pytest.mark.parametrize("turn", range(5))
def test_one_of_many(turn):
    time.sleep(0.1)

{marks}
def test_in_between():
    time.sleep({seconds})
"""


@pytest.fixture
def notes(tmp_path: Path) -> Path:
    """Three files of tests were run by three workers: when each test began and ended, and where."""
    notes, tests = tmp_path / "notes", tmp_path / "tests" / "unit"
    notes.mkdir()
    tests.mkdir(parents=True)
    (tmp_path / "pytest.ini").write_text(INI)
    for number in range(3):
        marks, seconds = ("@pytest.mark.alone\n@pytest.mark.timeout(60)", 2.5) if number == 0 else ("", 0.1)
        text = FILE.format(notes=str(notes), number=number, marks=marks, seconds=seconds)
        (tests / f"test_{number}.py").write_text(text)
    command = [sys.executable, "-m", "pytest", "-p", "tests.parallel", "-n", "3", "--rootdir", str(tmp_path)]
    environment = {"PYTHONPATH": str(ROOT), "PATH": os.defpath}
    done = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)
    # Also: those that wait for the one that is alone do so longer than their time limit.
    assert re.findall(r"(\d+ passed.*) in ", done.stdout) == ["18 passed"], done.stdout + done.stderr
    return notes


def test_nothing_runs_beside_a_test_that_is_alone(notes: Path) -> None:
    times = {path.name: [float(word) for word in path.read_text().split()] for path in notes.iterdir()}
    began, ended, _ = times.pop("test_in_between-0")
    assert all(until <= began or since >= ended for since, until, _ in times.values())
    assert len({worker for _, _, worker in times.values()}) == 3
