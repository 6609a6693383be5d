"""All benchmarks and the page of their figures: ``python -m tests.benchmarks.report [GROUP ...]``.

Without arguments it measures every group, with arguments those. Then it writes docs/performance.md of what was
measured last of each group.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from tests.benchmarks import bulk, control, growth, path, scan, traffic
from tests.benchmarks.figures import HEADERS, Figure, kept, run_group
from tests.benchmarks.plot import draw

_ROOT = Path(__file__).parents[2]
_PAGE = _ROOT / "docs" / "performance.md"
_PICTURE = _PAGE.with_suffix(".svg")
_BEGIN, _END = "<!-- figures: written by tests/benchmarks/report.py -->\n", "<!-- end of figures -->\n"

GROUPS = {module.GROUP: module for module in (control, path, traffic, scan, bulk, growth)}


def table(figures: Sequence[Figure]) -> str:
    """Figures as a table of the page."""
    rows = [HEADERS, ("---",) * len(HEADERS), *(figure.cells() for figure in figures)]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def write_page() -> None:
    """Put what was measured last into the page."""
    parts = [f"![each ratio over its goal]({_PICTURE.name})\n"]
    every: list[Figure] = []
    for name, module in GROUPS.items():
        if (found := kept(name)) is not None:
            machine, figures = found
            every += figures
            title = (module.__doc__ or "").partition(": ``")[0]
            parts.append(f"### {title}\n\n{table(figures)}\n{machine}. `python -m {module.__name__}`\n")
    draw(every, _PICTURE)
    before, _, rest = _PAGE.read_text().partition(_BEGIN)
    _PAGE.write_text("\n".join([f"{before}{_BEGIN}", *parts, f"{_END}{rest.partition(_END)[2]}"]))


def main() -> int:
    """Measure the groups that were named, or all, and write the page."""
    unknown = set(sys.argv[1:]) - GROUPS.keys()
    if unknown:
        print(f"no such group: {', '.join(sorted(unknown))}; there are {', '.join(GROUPS)}", file=sys.stderr)
        return 2
    for name in sys.argv[1:] or GROUPS:
        run_group(name, GROUPS[name].measure)
    write_page()
    return 0


if __name__ == "__main__":
    sys.exit(main())
