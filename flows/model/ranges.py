"""Ranges of addresses, sorted, to find fast which one holds an address and which ones overlap."""

from bisect import bisect_right
from collections.abc import Iterable
from ipaddress import IPv4Address, IPv4Network
from typing import Generic, TypeVar

_T = TypeVar("_T")


class Ranges(Generic[_T]):
    """Objects by the range that each has.

    Two CIDR ranges overlap only when one holds the other. Of such only the wider one is kept, and each narrower
    one is in ``overlaps`` together with it: the one that was given first, then the other.
    """

    def __init__(self, items: Iterable[tuple[IPv4Network, _T]]) -> None:
        order = ((int(cidr.network_address), cidr.prefixlen, at, item) for at, (cidr, item) in enumerate(items))
        self.overlaps: list[tuple[_T, _T]] = []
        self._first: list[int] = []
        self._last: list[int] = []
        self._items: list[_T] = []
        widest = -1
        for first, length, at, item in sorted(order, key=lambda entry: entry[:3]):
            if self._last and first <= self._last[-1]:
                pair = (self._items[-1], item)
                self.overlaps.append(pair if widest < at else (item, self._items[-1]))
                continue
            self._first.append(first)
            self._last.append(first + (1 << 32 - length) - 1)
            self._items.append(item)
            widest = at

    def holding(self, address: IPv4Address) -> _T | None:
        """The object whose range holds an address."""
        return self._meeting(int(address), int(address))

    def overlapping(self, cidr: IPv4Network) -> _T | None:
        """An object whose range overlaps this one."""
        first = int(cidr.network_address)
        return self._meeting(first, first + cidr.num_addresses - 1)

    def _meeting(self, first: int, last: int) -> _T | None:
        index = bisect_right(self._first, last) - 1
        return self._items[index] if index >= 0 and self._last[index] >= first else None
