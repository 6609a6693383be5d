"""Through the real command line: a broken file is explained, changes nothing and shows no traceback."""

import subprocess
import sys
from pathlib import Path

import pytest

from controller.store import Store
from tests.scenario import ROOT, SHIPPED, load

BROKEN = Path(__file__).parent / "broken"
SOME = ["a-bit-of-everything", "empty", "markup", "not-utf8"]
PEERED = SHIPPED / "peered-vpcs.yaml"


def _run(*arguments: str | Path, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "controller", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment or None)


def _files(directory: Path) -> dict[str, tuple[bytes, int]]:
    """Every file of a directory: its content, and when it was changed last."""
    return {path.name: (path.read_bytes(), path.stat().st_mtime_ns) for path in directory.iterdir()}


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A controller's state directory in which a network was applied."""
    with Store(tmp_path / "state") as store:
        store.apply(load(PEERED))
    return tmp_path / "state"


@pytest.mark.parametrize("name", SOME)
def test_broken_file_changes_nothing(name: str, state: Path) -> None:
    before = _files(state)
    file = BROKEN / f"{name}.yaml"
    for result in (_run("validate", file), _run("apply", "--yes", file, "--state", state)):
        assert result.returncode == 1
        assert "Traceback" not in result.stderr + result.stdout
        assert f"{file}:" in result.stderr
    assert _files(state) == before


@pytest.mark.parametrize("file", ["no-such-file.yaml", ".", "/dev/null"])
def test_not_a_file(file: str, state: Path) -> None:
    before = _files(state)
    result = _run("apply", "--yes", file, "--state", state)
    assert result.returncode == 1
    assert "error:" in result.stderr
    assert "Traceback" not in result.stderr
    assert _files(state) == before


def test_terminal_without_utf8(tmp_path: Path) -> None:
    file = tmp_path / "network.yaml"
    file.write_text("hosts:\n  été: {tunnel_ip: 192.168.50.1}\n", encoding="utf-8")
    result = _run("validate", file, PYTHONIOENCODING="ascii", LC_ALL="C", PYTHONUTF8="0")
    assert result.returncode == 1
    assert r"'\xe9t\xe9' is not a name" in result.stderr


def test_right_file_is_stored(state: Path) -> None:
    before = _files(state)
    result = _run("apply", "--yes", SHIPPED / "one-vpc.yaml", "--state", state)
    assert "generation 2 is stored, but no controller runs" in result.stderr
    assert _files(state) != before
