"""Tables that lose nothing: a pipe gets whole values, a narrow terminal a list."""

from collections.abc import Iterable, Sequence

from rich.measure import Measurement
from rich.table import Table

from controller.cli.common.consoles import out

_ENDLESS = 1_000_000
_READABLE = 200
"""Characters of a line of a matrix, where no terminal says how many."""


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """Print rows of cells, which may have rich's markup. Where the lines are too long for a terminal, cell by cell."""
    rows = list(rows)
    table = Table(*columns, title=title or None, title_justify="left", title_style="bold")
    for row in rows:
        table.add_row(*row)
    table.width = _width(table)
    if not out.is_terminal or table.width <= out.width:
        out.print(table)
        return
    if title:
        out.print(f"[bold]{title}[/]")
    for first, *others in rows:
        out.print(f"[bold]{columns[0]} {first}[/]")
        for column, cell in zip(columns[1:], others, strict=True):
            out.print(f"  {column}: {cell}")


def print_matrix(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> bool:
    """Print a matrix, unless its lines are too long to be read; whether it was printed."""
    table = Table(*columns, pad_edge=False)
    for row in rows:
        table.add_row(*row)
    table.width = _width(table)
    fits = table.width <= (out.width if out.is_terminal else _READABLE)
    if fits:
        out.print(table)
    return fits


def _width(table: Table) -> int:
    """Of the table when nothing in it is cut or wrapped."""
    return Measurement.get(out, out.options.update(width=_ENDLESS), table).maximum
