"""A picture of all figures that have a reference and a goal: how far each is from its goal."""

from collections.abc import Sequence
from pathlib import Path

import pygal

_HEIGHT, _MARGIN, _WIDTH = 24, 90, 1000
_REACHED, _MISSED = "#2f7d32", "#b3412e"
_TICKS = [0.01, 0.1, 1, 10, 100]
"""Anything less than the first is drawn as that: a logarithmic axis has no 0."""


def draw(rows: Sequence[Sequence[str]], file: Path) -> None:
    """Write the picture of rows of the page's tables: one bar for each that has a reference and a goal.

    It shows the ratio over the goal, so that up to 1 the goal is reached.
    """
    shown = [(_label(row), over) for row in rows if (over := _over_goal(row)) is not None]
    shown.reverse()  # the first bar is drawn at the bottom
    style = pygal.style.Style(background="white", plot_background="white", value_font_size=11, value_colors=("black",))
    chart = pygal.HorizontalBar(style=style, width=_WIDTH, height=_MARGIN + _HEIGHT * len(shown), logarithmic=True)
    chart.config(js=[], truncate_label=-1, show_legend=False, print_values=True, no_prefix=True, zero=_TICKS[0])
    chart.title = "ratio over goal (logarithmic): green up to 1, where the goal is reached"
    chart.value_formatter = lambda value: f"{value:,.3g}" if value < 1000 else f"{value:,.0f}"
    chart.x_labels = [what for what, _ in shown]
    chart.y_labels = _TICKS
    chart.add("", [{"value": over, "color": _REACHED if over <= 1 else _MISSED} for _, over in shown])
    file.write_text(chart.render(is_unicode=True))


def _label(row: Sequence[str]) -> str:
    """What it is and what it is compared with."""
    what, _, reference, *_ = row
    return f"{what}; {reference.partition(':')[0]}"


def _over_goal(row: Sequence[str]) -> float | None:
    _, _, _, ratio, goal, _ = row
    if not ratio or not goal.endswith(" x"):
        return None
    sign, number, _ = goal.split()
    target, reached = float(number), float(ratio.replace(",", ""))
    if not target or not reached:
        return None if not target else _TICKS[0]
    return max(target / reached if sign == "≥" else reached / target, _TICKS[0])
