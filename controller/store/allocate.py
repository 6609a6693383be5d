"""Stable numbers for names: a name keeps its number for as long as it exists."""

from collections.abc import Iterable, Mapping


def allocate(old: Mapping[str, int], names: Iterable[str]) -> dict[str, int]:
    """Numbers from 1 for these names: the old ones where there are, else the smallest that are free."""
    numbers = {name: old[name] for name in names if name in old}
    taken = set(numbers.values())
    free = 1
    for name in names:
        if name in numbers:
            continue
        while free in taken:
            free += 1
        numbers[name] = free
        taken.add(free)
    return numbers
