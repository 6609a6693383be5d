"""Names of other objects: each must be declared. Fields say what they name, by :class:`Reference`."""

from collections.abc import Iterator
from functools import cache
from typing import get_args

from flows.model.check.checker import Checker
from flows.model.file.source import Path
from flows.model.objects.network import SECTIONS
from flows.model.objects.types import Declared, Reference
from flows.model.problem import Problem


def references(c: Checker) -> Iterator[Problem]:
    for section in SECTIONS:
        for name, item in getattr(c.network, section).items():
            yield from _of_object(c, (section, name), item)


def _of_object(c: Checker, path: Path, item: Declared) -> Iterator[Problem]:
    for field, section in _fields(type(item)):
        value = getattr(item, field)
        known = getattr(c.network, section)
        if isinstance(value, tuple):
            for index, name in enumerate(value):
                yield from c.unknown((*path, field, index), section, name, known)
        elif value is not None:
            yield from c.unknown((*path, field), section, value, known)
    for field in _parts(type(item)):
        for name, part in getattr(item, field).items():
            yield from _of_object(c, (*path, field, name), part)


@cache
def _fields(kind: type[Declared]) -> list[tuple[str, str]]:
    """The fields that name objects of a section, each with the section. Some names have checks of their own."""
    sections = {of.kind: section for section, of in SECTIONS.items()}
    return [
        (name, sections[reference.kind])
        for name, field in kind.model_fields.items()
        for reference in field.metadata
        if isinstance(reference, Reference) and reference.kind in sections and reference.nobody is None
    ]


@cache
def _parts(kind: type[Declared]) -> list[str]:
    """The fields that hold objects by name."""
    found = {name: get_args(field.annotation) for name, field in kind.model_fields.items()}
    return [
        name for name, of in found.items() if len(of) == 2 and isinstance(of[1], type) and issubclass(of[1], Declared)
    ]
