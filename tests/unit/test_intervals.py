"""Sets of numbers as intervals, against Python's own sets."""

from hypothesis import given
from hypothesis import strategies as st

from flows.model.intervals import Intervals, cut, masks

_LARGEST = 40
_PARTS = st.tuples(st.integers(0, _LARGEST), st.integers(0, _LARGEST)).map(lambda pair: (min(pair), max(pair)))
_INTERVALS = st.lists(_PARTS, max_size=6)


def _numbers(parts: Intervals) -> set[int]:
    return {number for first, last in parts.parts for number in range(first, last + 1)}


def _is_tidy(parts: Intervals) -> bool:
    """No two parts overlap or touch, so that equal sets are equal values."""
    return all(one[1] + 1 < other[0] for one, other in zip(parts.parts, parts.parts[1:], strict=False))


@given(_INTERVALS, _INTERVALS)
def test_operations(one: list[tuple[int, int]], other: list[tuple[int, int]]) -> None:
    left, right = Intervals.of(one), Intervals.of(other)
    a, b = _numbers(left), _numbers(right)
    assert a == {number for first, last in one for number in range(first, last + 1)}
    for made, expected in ((left | right, a | b), (left & right, a & b), (left - right, a - b)):
        assert _numbers(made) == expected
        assert _is_tidy(made)
    assert (left <= right) == (a <= b)
    assert {number for number in range(-1, _LARGEST + 2) if number in left} == a
    assert bool(left) == bool(a)


@given(st.lists(_INTERVALS, max_size=5))
def test_cut(many: list[list[tuple[int, int]]]) -> None:
    """Each number has exactly the items that cover it, and is in one interval."""
    items = [(Intervals.of(parts), index) for index, parts in enumerate(many)]
    found = cut(items)
    covered = [number for (first, last), _ in found for number in range(first, last + 1)]
    assert len(covered) == len(set(covered))
    told = {number: here for (first, last), here in found for number in range(first, last + 1)}
    for number in range(_LARGEST + 1):
        assert told.get(number, ()) == tuple(index for parts, index in items if number in parts)
    assert len(found) <= max(2 * sum(len(parts.parts) for parts, _ in items) - 1, 0)


@given(st.tuples(st.integers(0, 65535), st.integers(0, 65535)).map(sorted))
def test_masks(ends: list[int]) -> None:
    first, last = ends
    made = list(masks(first, last))
    at = first
    for value, mask in made:
        assert value == at
        assert value & mask == value
        at += (~mask & 0xFFFF) + 1
    assert at == last + 1
    assert len(made) <= 30


def test_masks_of_all() -> None:
    assert list(masks(0, 65535)) == [(0, 0)]
    assert next(masks(1, 65535)) == (1, 0xFFFF)
    assert len(list(masks(1, 65535))) == 16
    assert list(masks(8125, 8130)) == [(8125, 0xFFFF), (8126, 0xFFFE), (8128, 0xFFFE), (8130, 0xFFFF)]
