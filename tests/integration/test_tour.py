"""The tour: a wrong peering is found, explained and mended by the commands that the page shows, with what they print.

``pytest tests/integration/test_tour.py --regenerate`` writes what they print into the page.
"""

from pathlib import Path

import pytest

from tests.integration import console
from tests.scenario import ROOT

pytestmark = pytest.mark.lab

PAGE = ROOT / "docs" / "tour.md"


def test_tour(base: Path, request: pytest.FixtureRequest) -> None:
    shown = console.commands(PAGE)
    try:
        outputs = console.run(shown, base)
    finally:
        (ROOT / "tour.yaml").unlink(missing_ok=True)
    if request.config.getoption("--regenerate"):
        console.rewrite(PAGE, shown, outputs)
        return
    assert all(lines for command, lines in shown if not command.startswith(("cp ", "sed "))), "a command shows nothing"
    console.compare(shown, outputs)
