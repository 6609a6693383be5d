"""Stable numbers for names: a name keeps its number for as long as it exists, and nobody gets it again soon.

Numbers of names that are gone are not used again: while a change is under way a switch may hold flows of both
the old and the new model, and one tenant's flows must not meet another's under the same number. Where there are only
so many numbers, they are used in turn, so that one that became free is used as late as possible.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import chain

from controller.store.errors import StoreError


class NoNumberLeft(StoreError):  # noqa: N818 - it is what it says of the numbers
    """More names than numbers."""


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers in use, and the one to be used next."""

    of: Mapping[str, int]
    next: int = 1

    def allocate(self, names: Iterable[str], largest: int | None = None) -> "Numbers":
        """Numbers for these names: the old ones where there are, else new ones, counted from 1.

        ``largest``: the last number that there is. Raises :class:`NoNumberLeft`.
        """
        wanted = list(names)
        of: dict[str, int] = {name: self.of.get(name, 0) for name in wanted}
        if largest is not None and len(of) > largest:
            raise NoNumberLeft(f"{len(of)} names, and numbers up to {largest}")
        fresh, taken = self.next, set(self.of.values())
        for name in (name for name, number in of.items() if not number):
            if largest is not None:
                fresh = _free(fresh, taken, largest)
                taken.add(fresh)
            of[name] = fresh
            fresh += 1
        return Numbers(of, fresh)


def _free(fresh: int, taken: set[int], largest: int) -> int:
    """The first number that is free, from one on and then from 1."""
    for number in chain(range(fresh, largest + 1), range(1, min(fresh, largest + 1))):
        if number not in taken:
            return number
    raise NoNumberLeft(f"the numbers up to {largest} are all in use, or were until now")
