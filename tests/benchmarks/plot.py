"""A picture of all figures that have a reference and a goal: how far each is from its goal."""

from collections.abc import Sequence
from pathlib import Path

import pygal

from tests.benchmarks.figures import Figure

_HEIGHT, _MARGIN, _WIDTH = 26, 110, 1000
_LEAST = 0.01
"""Anything less is drawn as this: a logarithmic axis has no 0."""


def draw(figures: Sequence[Figure], file: Path) -> None:
    """Write the picture: one bar for each figure, its ratio over its goal, so that up to 1 the goal is reached."""
    shown = [(figure.label, ratio) for figure in figures if (ratio := _over_goal(figure)) is not None]
    style = pygal.style.Style(
        background="white", plot_background="white", colors=("#2f7d32", "#b3412e"), font_family="sans-serif"
    )
    chart = pygal.HorizontalBar(
        style=style, logarithmic=True, width=_WIDTH, height=_MARGIN + _HEIGHT * len(shown), js=[], truncate_label=-1,
        title="ratio over goal, logarithmic: reached up to 1", legend_at_bottom=True, print_values=True,
        value_formatter=lambda value: f"{value:.2g}", disable_xml_declaration=True, no_prefix=True,
    )  # fmt: skip
    # The first bar is drawn at the bottom.
    shown.reverse()
    chart.x_labels = [what for what, _ in shown]
    chart.add("reached", [ratio if ratio <= 1 else None for _, ratio in shown])
    chart.add("not reached", [ratio if ratio > 1 else None for _, ratio in shown])
    file.write_text(chart.render())


def _over_goal(figure: Figure) -> float | None:
    if figure.ratio is None or not figure.target or figure.is_absolute:
        return None
    over = figure.target / figure.ratio if figure.at_least else figure.ratio / figure.target
    return max(over, _LEAST)
