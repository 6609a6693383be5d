"""The page of the benchmarks' figures, written where only some groups were measured."""

import shutil
from pathlib import Path

import pytest

from tests.benchmarks import figures, report

ROOT = Path(__file__).parents[2]


def test_groups_that_were_not_measured_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A fault of this kind: whoever measures one group in a fresh clone deletes the figures of all the others."""
    monkeypatch.setattr(figures, "RESULTS", tmp_path / "nothing was measured")
    page = Path(shutil.copy(ROOT / "docs" / "performance.md", tmp_path))
    report.write_page(page)
    assert page.read_text() == (ROOT / "docs" / "performance.md").read_text()


def test_a_group_that_was_measured_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its old figures go, and those of the others stay."""
    monkeypatch.setattr(figures, "RESULTS", tmp_path)
    figures.show("scan", [figures.Figure("scan", "something new", "ms", [1.0], [2.0], target=1)], 0.0)
    page = Path(shutil.copy(ROOT / "docs" / "performance.md", tmp_path))
    report.write_page(page)
    text = page.read_text()
    assert "| something new | 1 ms | OVN: 2 ms | 0.5 | ≤ 1 x | yes |" in text
    assert "megaflows at the source | 250" not in text
    assert "| restart: changes of flows | 0 (0-0) |" in text
