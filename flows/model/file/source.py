"""YAML text to plain values, each with the line and column it came from.

Scalars stay text, whatever YAML 1.1 would make of them (``01`` octal, ``1:30`` base 60, ``no`` false): the
model's types read them, so that nothing turns into something else unseen.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any
from unicodedata import name as character_name

import yaml

from flows.model.file.syntax import explain
from flows.model.objects.types import BareFlag, is_no_flag
from flows.model.problem import Problem, shown

Path = tuple[str | int, ...]

UNREADABLE = object()
"""In place of a value that could not be read. What is wrong with it is reported already."""

_NULLS = frozenset({"", "~", "null", "Null", "NULL"})
_BOOLS = frozenset(
    spelling
    for word in ("yes", "no", "on", "off", "true", "false")
    for spelling in (word, word.capitalize(), word.upper())
)
"""What YAML 1.1 reads as true or false."""

_DEEPEST = 16
"""No network file needs more levels; recursion stays far from its limit."""

_OBJECT = 2
"""So many keys lead to an object: its section and its name."""

_FORBIDDEN = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufffe\uffff]|(?<!^)\ufeff")
"""Characters that YAML forbids, or that editors and YAML disagree on whether they begin a new line."""


@dataclass(slots=True)
class Source:
    """A file's values, and where each of them and each key stands."""

    file: str
    value: Any = None
    problems: list[Problem] = field(default_factory=list)
    keys: dict[Path, tuple[int, int]] = field(default_factory=dict)
    values: dict[Path, tuple[int, int]] = field(default_factory=dict)
    twice: set[Path] = field(default_factory=set)
    """Keys that are there more than once: what was meant is not known."""
    unread: set[Path] = field(default_factory=set)
    """Keys and values of which some key could not be read: what else they lack is not known."""

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


_PLAIN_NAMES = {"\t": "a tab", "\n": "a line break"}


def read(text: str, file: str) -> Source:
    """Read YAML text. When it cannot be read to its end, the value is None and ``problems`` says why."""
    source = Source(file)
    for wrong in _FORBIDDEN.finditer(text):
        before = re.split("\r\n|\r|\n", text[: wrong.start()])
        message = f"there is {_named(wrong.group())} here, which YAML does not allow; remove it"
        source.problems.append(Problem(file, len(before), len(before[-1]) + 1, message))
        return source
    try:
        source.value = _Reader(source, yaml.parse(text.removeprefix("\ufeff"), Loader=yaml.CSafeLoader)).document()
    except _NestedTooDeeplyError:
        pass
    except yaml.MarkedYAMLError as error:
        source.problems.append(Problem(file, *explain(error, text)))
    except yaml.YAMLError as error:
        source.problems.append(Problem(file, 1, 1, f"this is not YAML: {' '.join(str(error).split())}"))
    return source


def _named(character: str) -> str:
    """A character that cannot be seen, in words."""
    if character in _PLAIN_NAMES:
        return _PLAIN_NAMES[character]
    name = character_name(character, "")
    return f"the character U+{ord(character):04X}" + (f" ({name})" if name else "")


def _place(event: Any) -> tuple[int, int]:
    mark = event.start_mark
    return mark.line + 1, mark.column + 1


class _NestedTooDeeplyError(Exception):
    """Ends the reading: the parser takes time that grows with the square of the depth."""


class _Reader:
    """Builds the values from the parser's events. (Composed nodes would cost three times as much.)"""

    def __init__(self, source: Source, events: Iterator[yaml.Event]) -> None:
        self._source = source
        self._events = events

    def document(self) -> Any:
        next(self._events)
        event = next(self._events)
        if not isinstance(event, yaml.DocumentStartEvent):
            return None
        value = self._value(next(self._events), ())
        next(self._events)
        event = next(self._events)
        if isinstance(event, yaml.DocumentStartEvent):
            self._error(event, "a second YAML document begins here; a network is one document: remove the '---'")
        return value

    def _value(self, event: yaml.Event, path: Path) -> Any:
        self._source.values[path] = _place(event)
        if isinstance(event, yaml.ScalarEvent):
            return self._scalar(event)
        if isinstance(event, yaml.AliasEvent):
            self._error(event, f"YAML aliases (*{event.anchor}) are not supported; write the value out")
            return UNREADABLE
        self._not_too_deep(event, len(path))
        if not self._no_tag(event):
            self._skip(event)
            return UNREADABLE
        if isinstance(event, yaml.MappingStartEvent):
            found = dict(self._items(path))
            return UNREADABLE if path in self._source.unread else found
        return list(self._elements(path))

    def _elements(self, path: Path) -> Iterator[Any]:
        index = 0
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            yield self._value(event, (*path, index))
            index += 1

    def _items(self, path: Path) -> Iterator[tuple[str, Any]]:
        seen: dict[str, int] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._key(event)
            if key is None:
                if len(path) >= _OBJECT or _may_stand_for_many(event):
                    self._source.unread.add(path)
                self._skip(next(self._events))
                continue
            if key in seen:
                self._error(event, f"{shown(key)} is here twice; it is already on line {seen[key]}")
                self._source.twice.add((*path, key))
                self._skip(next(self._events))
                continue
            here = (*path, key)
            place = self._source.keys[here] = _place(event)
            seen[key] = place[0]
            yield key, self._value(next(self._events), here)

    def _key(self, event: yaml.Event) -> str | None:
        """A key, or None when it cannot be one."""
        if isinstance(event, yaml.AliasEvent):
            self._error(event, f"YAML aliases (*{event.anchor}) are not supported; write the key out")
            return None
        if not isinstance(event, yaml.ScalarEvent):
            self._error(event, "a key must be a plain word")
            self._skip(event)
            return None
        text = self._scalar(event, is_key=True)
        if text is UNREADABLE:
            return None
        if event.value == "<<" and event.implicit[0]:
            self._error(event, "YAML merge keys (<<) are not supported; write the values out")
            return None
        if text is None:
            word = event.value
            self._error(
                event,
                f"YAML reads the bare word {word} as no value; write '{word}' in quotes"
                if word
                else "a key is missing here",
            )
            return None
        if ":" in event.value and event.implicit[0]:
            self._error(event, f"a space is missing after the ':' of {shown(event.value)}")
            return None
        return str(text)

    def _scalar(self, event: yaml.ScalarEvent, *, is_key: bool = False) -> Any:
        text: str = event.value
        if event.implicit[0]:
            if text in _NULLS:
                return None
            if text in _BOOLS and is_key:
                self._error(event, is_no_flag(text))
            elif text in _BOOLS:
                return BareFlag(text)
        if not text.isprintable():
            wrong = next(character for character in text if not character.isprintable())
            self._error(event, f"there is {_named(wrong)} in this text; remove it, or write a space")
            return UNREADABLE
        if event.tag is not None and not self._no_tag(event):
            return UNREADABLE
        return text

    def _no_tag(self, event: Any) -> bool:
        if event.tag is None:
            return True
        tag = event.tag.replace("tag:yaml.org,2002:", "!!")
        self._error(event, f"YAML tags ({shown(tag)[1:-1]}) are not supported; write the value without")
        return False

    def _skip(self, event: yaml.Event) -> None:
        """Pass over the rest of a value whose first event this is."""
        depth = _step(event)
        while depth:
            event = next(self._events)
            depth += _step(event)
            self._not_too_deep(event, depth)

    def _not_too_deep(self, event: yaml.Event, depth: int) -> None:
        if depth >= _DEEPEST:
            self._error(event, "this is nested too deeply; is a bracket too many, or the indentation wrong?")
            raise _NestedTooDeeplyError

    def _error(self, event: yaml.Event, message: str) -> None:
        self._source.problems.append(Problem(self._source.file, *_place(event), message))


def _may_stand_for_many(key: yaml.Event) -> bool:
    """Whether a key that is not read may bring several: objects that others then refer to."""
    return not isinstance(key, yaml.ScalarEvent) or key.value == "<<"


def _step(event: yaml.Event) -> int:
    if isinstance(event, yaml.MappingStartEvent | yaml.SequenceStartEvent):
        return 1
    return -1 if isinstance(event, yaml.MappingEndEvent | yaml.SequenceEndEvent) else 0
