"""A picture of all figures that have a reference and a goal: how far each is from its goal."""

from collections.abc import Sequence
from pathlib import Path

import pygal

from tests.benchmarks.figures import Figure

_HEIGHT, _MARGIN, _WIDTH = 24, 90, 1000
_REACHED, _MISSED = "#2f7d32", "#b3412e"
_TICKS = [0.01, 0.1, 1, 10, 100]
"""Anything less than the first is drawn as that: a logarithmic axis has no 0."""


def draw(figures: Sequence[Figure], file: Path) -> None:
    """Write the picture: one bar for each figure, its ratio over its goal, so that up to 1 the goal is reached."""
    shown = [(figure.label, over) for figure in figures if (over := _over_goal(figure)) is not None]
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


def _over_goal(figure: Figure) -> float | None:
    if figure.ratio is None or not figure.target or figure.is_absolute:
        return None
    over = figure.target / figure.ratio if figure.at_least else figure.ratio / figure.target
    return max(over, _TICKS[0])
