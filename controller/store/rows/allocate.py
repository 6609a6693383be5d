"""Stable numbers for names: a name keeps its number for as long as it exists, and the number is never given again.

Numbers of names that are gone are not used again. While a change is under way a switch may hold flows of both the old
and the new model. One tenant's flows must not meet another's under the same number.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class NumberAllocator:
    """The numbers in use, and the first that was never used."""

    of: Mapping[str, int]
    next: int = 1

    def allocate(self, names: Iterable[str]) -> "NumberAllocator":
        """Numbers for these names: the old ones where there are, else new ones, counted from 1."""
        fresh = self.next
        of: dict[str, int] = {}
        for name in names:
            if name in self.of:
                of[name] = self.of[name]
            else:
                of[name] = fresh
                fresh += 1
        return NumberAllocator(of, fresh)
