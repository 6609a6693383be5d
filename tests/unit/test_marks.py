"""Marks of tests that change what becomes of them."""

import subprocess
import sys
from pathlib import Path

TESTS = """
import pytest

@pytest.mark.zones
def test_skips_itself():
    pytest.skip("no zones here")

@pytest.mark.zones
@pytest.mark.skipif(True, reason="no zones here")
def test_is_skipped():
    pass

@pytest.mark.zones
def test_runs():
    pass

def test_of_something_else():
    pytest.skip("not here")
"""


def test_a_zone_test_that_is_skipped_fails(tmp_path: Path) -> None:
    """The kind of fault: a machine lacks what tests need, so they do not run, and everything is green."""
    (tmp_path / "test_them.py").write_text(TESTS)
    (tmp_path / "pytest.ini").write_text("[pytest]\nmarkers = zones: as in ours\n")
    command = [sys.executable, "-m", "pytest", "-p", "tests.zones", "-p", "no:cacheprovider", "-rA", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 1
    assert "1 failed, 1 passed, 1 skipped, 1 error" in done.stdout
    assert "test_is_skipped needs conntrack zones, so it must run everywhere; it was skipped" in done.stdout
