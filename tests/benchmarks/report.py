"""All benchmarks and the page of their figures: ``python -m tests.benchmarks.report [GROUP ...]``.

Without arguments it measures every group, with arguments those. Then it writes docs/performance.md of what was
measured last of each group. What the page says of a group that was not measured in this working tree stays.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks import bulk, control, groups, growth, path, scan, traffic
from tests.benchmarks.figures import HEADERS, Figure, kept, run_group

_ROOT = Path(__file__).parents[2]
_PAGE = _ROOT / "docs" / "performance.md"
_PICTURE = _PAGE.with_suffix(".svg")
_BEGIN, _END = "<!-- figures: written by tests/benchmarks/report.py -->\n", "<!-- end of figures -->\n"

GROUPS = {module.GROUP: module for module in (control, path, traffic, scan, groups, bulk, growth)}


def table(figures: Sequence[Figure]) -> str:
    """Figures as a table of the page."""
    rows = [HEADERS, ("---",) * len(HEADERS), *(figure.cells() for figure in figures)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def write_page(page: Path = _PAGE) -> None:
    """Put what was measured last into the page."""
    before, _, rest = page.read_text().partition(_BEGIN)
    there, _, after = rest.partition(_END)
    sections = {title: text for title, _, text in (part.partition("\n") for part in there.split("### ")[1:])}
    parts = [f"![each ratio over its goal]({_PICTURE.name})\n"]
    for name, module in GROUPS.items():
        title = (module.__doc__ or "").partition(": ``")[0]
        if (found := kept(name)) is not None:
            machine, figures = found
            parts.append(f"### {title}\n\n{table(figures)}\n{machine}. `python -m {module.__name__}`\n")
        elif title in sections:
            parts.append(f"### {title}\n{sections[title].rstrip()}\n")
    page.write_text("\n".join([f"{before}{_BEGIN}", *parts, f"{_END}{after}"]))


def draw_page(page: Path = _PAGE) -> None:
    """Draw the picture of all figures that the page has."""
    from tests.benchmarks.plot import draw  # noqa: PLC0415 - only who measures has installed what draws

    text = page.read_text().partition(_BEGIN)[2].partition(_END)[0]
    draw(_rows(text), page.with_name(_PICTURE.name))


def _rows(text: str) -> list[list[str]]:
    """The cells of the rows of all tables of a text, without the headings."""
    rows = ([cell.strip() for cell in line[1:-1].split("|")] for line in text.splitlines() if line.startswith("| "))
    return [row for row in rows if row[0] not in (HEADERS[0], "---")]


def main() -> int:
    """Measure the groups that were named, or all, and write the page."""
    unknown = set(sys.argv[1:]) - GROUPS.keys()
    if unknown:
        print(f"no such group: {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}", file=sys.stderr)
        return 2
    for name in sys.argv[1:] or GROUPS:
        run_group(name, GROUPS[name].measure)
    write_page()
    draw_page()
    return 0


if __name__ == "__main__":
    sys.exit(main())
