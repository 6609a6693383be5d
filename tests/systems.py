"""`pytest --systems`: run the tests that show a row of the system table, keep what they found, and print the table.

A run of all tests keeps what it found too; ``python -m tests.system_table`` writes what was kept into the docs. A test
says which row it shows by its marker: ``@pytest.mark.system("S7")``.
"""

from collections.abc import Sequence

import pytest

from tests import system_table

_outcomes: dict[str, list[str]] = {}


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--systems", action="store_true", help="run the tests of the system table, and of zones, and print the table"
    )
    parser.addoption(
        "--briefly", action="store_true", help="of each test the first set of parameters, and of each row one"
    )


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    for item in items:
        for marker in item.iter_markers("system"):
            unknown = set(marker.args) - system_table.ROWS.keys()
            if unknown or not marker.args:
                raise pytest.UsageError(f"{item.nodeid}: the system table has no row {unknown}")
    if config.getoption("--systems"):
        # Zones are no system, but what some stand on, and they are missing in some kernels.
        items[:] = [item for item in items if item.get_closest_marker("system") or item.get_closest_marker("zones")]
    if config.getoption("--briefly"):
        items[:] = _brief(items)


def _brief(items: Sequence[pytest.Item]) -> list[pytest.Item]:
    """Of each test the first set of its parameters, and what shows a row that none of these shows."""
    chosen = list({item.nodeid.partition("[")[0]: item for item in reversed(items)}.values())
    shown = set().union(*map(_rows, chosen))
    for item in items:
        if _rows(item) - shown:
            chosen.append(item)
            shown |= _rows(item)
    return [item for item in items if item in chosen]


def _rows(item: pytest.Item) -> set[str]:
    return {str(row) for marker in item.iter_markers("system") for row in marker.args}


def pytest_runtest_setup(item: pytest.Item) -> None:
    # Reports go with what they say to the process that prints, whichever ran the test.
    item.user_properties += [("row", row) for row in sorted(_rows(item))]


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    if report.when == "call" or not report.passed:
        for name, value in report.user_properties:
            if name == "row":
                _outcomes.setdefault(str(value), []).append(report.outcome)


def pytest_terminal_summary(config: pytest.Config) -> None:
    if config.getoption("--systems") or _is_everything(config):
        system_table.keep(_outcomes)
    if config.getoption("--systems"):
        system_table.show({system_table.datapath(): system_table.kept()[system_table.datapath()]})


def _is_everything(config: pytest.Config) -> bool:
    """Whether no test was chosen, so that every row has met its tests."""
    return config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.getoption("keyword")
