"""Sets of whole numbers as intervals, how several of them cut each other, and intervals as values with masks."""

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

_T = TypeVar("_T")

Interval = tuple[int, int]
"""The first and the last number."""


@dataclass(frozen=True, slots=True)
class Intervals:
    """A set of numbers: intervals in ascending order, of which no two overlap or touch."""

    parts: tuple[Interval, ...] = ()

    @classmethod
    def of(cls, parts: Iterable[Interval]) -> "Intervals":
        """The set of all numbers of some intervals, in any order, overlapping or not."""
        joined: list[Interval] = []
        for first, last in sorted(parts):
            if joined and first <= joined[-1][1] + 1:
                joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
            else:
                joined.append((first, last))
        return cls(tuple(joined))

    def __bool__(self) -> bool:
        return bool(self.parts)

    def __contains__(self, number: int) -> bool:
        index = bisect_right(self.parts, number, key=lambda part: part[0]) - 1
        return index >= 0 and number <= self.parts[index][1]

    def __or__(self, other: "Intervals") -> "Intervals":
        return Intervals.of((*self.parts, *other.parts))

    def __and__(self, other: "Intervals") -> "Intervals":
        return Intervals(tuple(self._common(other)))

    def __sub__(self, other: "Intervals") -> "Intervals":
        return Intervals(tuple(self._without(other)))

    def __le__(self, other: "Intervals") -> bool:
        return not self - other

    def _common(self, other: "Intervals") -> Iterator[Interval]:
        one, two = 0, 0
        while one < len(self.parts) and two < len(other.parts):
            first = max(self.parts[one][0], other.parts[two][0])
            last = min(self.parts[one][1], other.parts[two][1])
            if first <= last:
                yield first, last
            if self.parts[one][1] < other.parts[two][1]:
                one += 1
            else:
                two += 1

    def _without(self, other: "Intervals") -> Iterator[Interval]:
        others = iter(other.parts)
        out = next(others, None)
        for first, last in self.parts:
            begin = first
            while out is not None and out[0] <= last:
                if begin < out[0]:
                    yield begin, out[0] - 1
                begin = max(begin, out[1] + 1)
                if out[1] > last:
                    break
                out = next(others, None)
            if begin <= last:
                yield begin, last


def cut(items: Iterable[tuple[Intervals, _T]]) -> list[tuple[Interval, tuple[_T, ...]]]:
    """Disjoint intervals in ascending order, each with the items that cover it, in their order.

    Every number of every item is in exactly one of them. n items of one interval each make at most 2n - 1.
    """
    begins: dict[int, list[int]] = {}
    ends: dict[int, list[int]] = {}
    values: list[_T] = []
    for index, (covered, value) in enumerate(items):
        values.append(value)
        for first, last in covered.parts:
            begins.setdefault(first, []).append(index)
            ends.setdefault(last + 1, []).append(index)
    found: list[tuple[Interval, tuple[_T, ...]]] = []
    here: set[int] = set()
    borders = sorted(begins.keys() | ends.keys())
    for first, end in pairwise(borders):
        here.difference_update(ends.get(first, ()))
        here.update(begins.get(first, ()))
        if here:
            found.append(((first, end - 1), tuple(values[index] for index in sorted(here))))
    return found


def masks(first: int, last: int, bits: int = 16) -> Iterator[tuple[int, int]]:
    """The fewest values with masks, of so many bits, that together match exactly the numbers of an interval."""
    everything = (1 << bits) - 1
    while first <= last:
        size = first & -first or 1 << bits
        while first + size - 1 > last:
            size >>= 1
        yield first, everything & ~(size - 1)
        first += size
