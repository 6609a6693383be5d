"""YAML text to plain values, each with the line and column it came from.

Scalars stay text, whatever YAML 1.1 would make of them (``01`` octal, ``1:30`` base 60, ``no`` false): the
model's types read them, so that nothing turns into something else unseen.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from flows.model.problem import Problem

Path = tuple[str | int, ...]

_BOOL_TAG = "tag:yaml.org,2002:bool"
_NULL_TAG = "tag:yaml.org,2002:null"


@dataclass(slots=True)
class Source:
    """A file's values, and where each of them and each key stands."""

    file: str
    value: Any = None
    problems: list[Problem] = field(default_factory=list)
    keys: dict[Path, tuple[int, int]] = field(default_factory=dict)
    values: dict[Path, tuple[int, int]] = field(default_factory=dict)

    def problem(self, path: Path, message: str, *, at_key: bool = False) -> Problem:
        """An error at ``path``, or at the closest place above it that the file has."""
        return Problem(self.file, *self.place(path, at_key=at_key), message)

    def place(self, path: Path, *, at_key: bool = False) -> tuple[int, int]:
        """Line and column of a value, or of its key."""
        places = (self.keys, self.values) if at_key else (self.values, self.keys)
        for end in range(len(path), -1, -1):
            for place in places:
                if path[:end] in place:
                    return place[path[:end]]
        return (1, 1)


def read(text: str, file: str) -> Source:
    """Read YAML text. What YAML itself refuses is in ``problems`` and the value is then None."""
    source = Source(file)
    try:
        node = yaml.compose(text, Loader=yaml.SafeLoader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        source.problems.append(Problem(file, line, column, _explain(error)))
        return source
    except yaml.YAMLError as error:
        source.problems.append(Problem(file, 1, 1, f"not YAML: {' '.join(str(error).split())}"))
        return source
    except RecursionError:
        source.problems.append(Problem(file, 1, 1, "nested too deeply"))
        return source
    if node is not None:
        source.value = _Reader(source).value(node, ())
    return source


def _explain(error: yaml.MarkedYAMLError) -> str:
    problem = error.problem or "not YAML"
    if "\\t" in problem:
        return "a tab indents here; YAML wants spaces"
    return f"not YAML: {problem}" + (f" ({error.context})" if error.context else "")


class _Reader:
    def __init__(self, source: Source) -> None:
        self._source = source
        self._seen: set[int] = set()

    def value(self, node: yaml.Node, path: Path) -> Any:
        self._source.values[path] = (node.start_mark.line + 1, node.start_mark.column + 1)
        if id(node) in self._seen:
            self._error(node, "YAML aliases (*name) are not supported; write the value out")
            return None
        if isinstance(node, yaml.MappingNode):
            self._seen.add(id(node))
            return dict(self._items(node, path))
        if isinstance(node, yaml.SequenceNode):
            self._seen.add(id(node))
            return [self.value(child, (*path, index)) for index, child in enumerate(node.value)]
        return self._scalar(node)

    def _items(self, node: yaml.MappingNode, path: Path) -> Iterator[tuple[str, Any]]:
        seen: dict[str, int] = {}
        for key_node, value_node in node.value:
            if not isinstance(key_node, yaml.ScalarNode):
                self._error(key_node, "a key must be a plain word")
                continue
            key = str(self._scalar(key_node) or "")
            if key in seen:
                self._error(key_node, f"'{key}' is declared twice; first on line {seen[key]}")
                continue
            seen[key] = key_node.start_mark.line + 1
            self._source.keys[(*path, key)] = (key_node.start_mark.line + 1, key_node.start_mark.column + 1)
            yield key, self.value(value_node, (*path, key))

    def _scalar(self, node: yaml.Node) -> str | None:
        text = str(node.value)
        if node.tag == _NULL_TAG:
            return None
        if node.tag == _BOOL_TAG and text not in ("true", "false"):
            self._error(node, f"YAML reads the bare word {text} as true or false; write '{text}' in quotes")
        return text

    def _error(self, node: yaml.Node, message: str) -> None:
        mark = node.start_mark
        self._source.problems.append(Problem(self._source.file, mark.line + 1, mark.column + 1, message))
