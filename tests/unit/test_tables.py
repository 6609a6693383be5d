"""What is printed is whole, however narrow the terminal, and whether there is one at all."""

import re

import pytest

from controller.cli.common.consoles import out
from controller.cli.common.tables import print_table
from controller.cli.lab.ping import _show, _show_wrong
from flows.model.reach.reachability import Verdict
from mininet_topos.probes.comparing import Pair

COLUMNS = ("port", "mac", "since", "what")
ROWS = [(f"port-{number}", f"fe:16:3e:aa:bb:{number:02x}", "2026-11-30 19:42:24", "word " * 9) for number in range(3)]


@pytest.fixture(params=[None, 20, 40, 80, 250])
def width(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int | None:
    """The columns of a terminal; None: a pipe."""
    columns: int | None = request.param
    if columns is not None:
        monkeypatch.setattr(out, "_force_terminal", True)
        monkeypatch.setattr(out, "_width", columns)
        monkeypatch.setattr(out, "_color_system", None)
    return columns


def test_no_cell_is_cut_or_wrapped(width: int | None, capsys: pytest.CaptureFixture[str]) -> None:
    print_table(COLUMNS, ROWS, "ports")
    printed = capsys.readouterr().out.splitlines()
    for row in ROWS:
        for cell in row:
            assert any(cell.rstrip() in line for line in printed), cell
    is_list = width is not None and width <= 80
    assert any(line.startswith("port port-0") for line in printed) == is_list
    assert any("│" in line for line in printed) != is_list


@pytest.mark.parametrize("number", [3, 12, 100])
def test_a_matrix_that_does_not_fit_shows_what_is_wrong(
    number: int, width: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [f"instance-{each}" for each in range(number)]
    right, lost = Verdict(True, "both are in VPC blue"), Verdict(True, "peering a-b")
    pairs = [
        Pair(one, other, one != names[0], lost if one == names[0] else right)
        for one in names
        for other in names
        if one != other
    ]
    _show(pairs, names, names)
    _show_wrong([pair for pair in pairs if not pair.is_right])
    printed = capsys.readouterr().out
    has_matrix = "│" in printed
    assert has_matrix == (number * len(names[0]) < (width or 200) - 30)
    if has_matrix:
        assert len(re.findall("no!", printed)) == number - 1
    else:
        assert f"{number} x {number} ports do not fit" in printed
    assert f"instance-0 does not reach {', '.join(names[1:])}, but should: peering a-b" in printed
    assert printed.count("does not reach") == 1
