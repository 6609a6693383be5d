"""What the README shows is what a newcomer gets: its commands are run in order and print what it says."""

from pathlib import Path

import pytest

from tests.integration import console
from tests.scenario import ROOT

pytestmark = pytest.mark.lab


def test_readme(base: Path) -> None:
    shown = console.commands(ROOT / "README.md")
    assert len(shown) > 8
    try:
        console.compare(shown, console.run(shown, base))
    finally:
        (ROOT / "my.yaml").unlink(missing_ok=True)
