"""The packages of the project and who imports whom, found in the code itself: the pictures of docs/architecture.md."""

import ast
from collections.abc import Iterator
from pathlib import Path

from tests.scenario import ROOT

PICTURES = ("flows", "controller", "mininet_topos")
"""The packages of which each has a picture."""
_LIBRARIES = frozenset({"jsonstream", "process_clock", "unused_modules", "directory", "errors", "waiting"})
"""Single modules that nearly everybody may use: they would hide the rest."""


def _imported(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.module:
            yield from (f"{node.module}.{name.name}" for name in node.names)
        elif isinstance(node, ast.Import):
            yield from (name.name for name in node.names)


def arrows(package: str) -> set[tuple[str, str]]:
    """Which parts of a package import which others; a part is what stands directly in it."""
    found: set[tuple[str, str]] = set()
    for path in (ROOT / package).rglob("*.py"):
        parts = path.relative_to(ROOT).with_suffix("").parts
        for imported in _imported(ast.parse(path.read_text())):
            words = imported.split(".")
            if words[0] == package and len(words) > 1 and (ROOT / package / words[1]).with_suffix("") != path:
                found.add((parts[1], words[1]))
    parts_of = {path.stem for path in (ROOT / package).iterdir() if path.suffix == ".py" or _is_package(path)}
    known = parts_of - _LIBRARIES - {"__init__", "__main__"}
    return {(one, other) for one, other in found if one != other and {one, other} <= known}


def _is_package(path: Path) -> bool:
    return (path / "__init__.py").exists()


def picture(package: str) -> str:
    """A picture as Mermaid draws it. An arrow that follows from two others is left out."""
    direct = arrows(package)
    following = {(a, d) for a, b in _closure(direct) for c, d in direct if b == c}
    lines = [f"    {one} --> {other}" for one, other in sorted(direct - following)]
    return "\n".join(["```mermaid", "graph TD", *lines, "```"])


def _closure(direct: set[tuple[str, str]]) -> set[tuple[str, str]]:
    found = set(direct)
    while more := {(a, d) for a, b in found for c, d in direct if b == c} - found:
        found |= more
    return found
