"""Files with one trap each, and exactly what ``ovs-vpc validate`` says of them: kept beside each file as text."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from controller.cli.main import command_line
from tests.conftest import Golden

BROKEN = Path(__file__).parent / "broken"
WARNED = Path(__file__).parent / "warned"


def _said_of(path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[int, str]:
    monkeypatch.chdir(path.parent)
    result = CliRunner().invoke(command_line(), ["validate", path.name])
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.exit_code, result.output


@pytest.mark.parametrize("path", sorted(BROKEN.glob("*.yaml")), ids=lambda path: path.stem)
def test_broken_file(path: Path, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    exit_code, said = _said_of(path, monkeypatch)
    assert exit_code == 1
    golden.check(path.with_suffix(".txt"), said)


@pytest.mark.parametrize("path", sorted(WARNED.glob("*.yaml")), ids=lambda path: path.stem)
def test_valid_file(path: Path, golden: Golden, monkeypatch: pytest.MonkeyPatch) -> None:
    """Files that can be applied: with a warning, or odd and still right."""
    exit_code, said = _said_of(path, monkeypatch)
    assert exit_code == 0
    golden.check(path.with_suffix(".txt"), said)


@pytest.mark.parametrize("directory", [BROKEN, WARNED], ids=lambda path: path.name)
def test_no_text_is_left_over(directory: Path) -> None:
    assert {path.stem for path in directory.glob("*.txt")} == {path.stem for path in directory.glob("*.yaml")}
