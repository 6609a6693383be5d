"""Tests that need connection tracking with zones (``@pytest.mark.zones``): one that is skipped has failed.

Without that, a kernel that lacks them would leave everything that follows connections untested on its datapath, and
nobody would notice.
"""

from collections.abc import Generator

import pytest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    if report.skipped and item.get_closest_marker("zones"):
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} needs conntrack zones, so it must run everywhere; it was skipped"
    return report
