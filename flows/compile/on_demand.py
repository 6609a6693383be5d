"""Values by name that are made when they are first asked for."""

from collections.abc import Callable, Iterator, Mapping
from typing import TypeVar

_T = TypeVar("_T")


class OnDemand(Mapping[str, _T]):
    """A mapping whose values cost much, and of which few are asked for. Each is made once."""

    def __init__(self, makers: Mapping[str, Callable[[], _T]]) -> None:
        self._makers = makers
        self._made: dict[str, _T] = {}

    def __getitem__(self, name: str) -> _T:
        if name not in self._made:
            self._made[name] = self._makers[name]()
        return self._made[name]

    def __contains__(self, name: object) -> bool:
        return name in self._makers

    def __iter__(self) -> Iterator[str]:
        return iter(self._makers)

    def __len__(self) -> int:
        return len(self._makers)
