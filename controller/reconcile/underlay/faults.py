"""Paths over the underlay that are broken now, and what is said of them."""

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from controller.status.unreached import Unreached, recovered, sentences

HostPair = tuple[str, str]
"""The names of sender and receiver."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Fault:
    since: float
    small_only: bool
    again_at: float
    """When the path is tried again."""


class Faults:
    """All broken paths, those first that were tried the longest ago. Times to try are those of the monitor's clock."""

    def __init__(self, touch: Callable[[str], object], clock: Callable[[], float]) -> None:
        """``touch`` is told the host of which something else is to be reported; ``clock``: seconds since 1970."""
        self._touch = touch
        self._time = clock
        self._faults: dict[HostPair, _Fault] = {}
        self._of: dict[str, dict[str, _Fault]] = {}
        """The same by the sender."""
        self._news: list[Unreached] = []
        self._well: list[HostPair] = []

    def __contains__(self, path: HostPair) -> bool:
        return path in self._faults

    def __iter__(self) -> Iterator[HostPair]:
        return iter(list(self._faults))

    def of(self, host: str) -> list[Unreached]:
        """The hosts that one does not reach now."""
        faults = dict(self._of.get(host, {}))
        return sorted(Unreached(host, other, fault.since, fault.small_only) for other, fault in faults.items())

    def found(self, path: HostPair, *, small_only: bool, again_at: float) -> None:
        """Nothing came through, or small frames only. ``again_at``: when it is tried again."""
        fault = self._faults.get(path)
        if fault is None or fault.small_only != small_only:
            fault = self._faults[path] = _Fault(self._time(), small_only, 0.0)
            self._of.setdefault(path[0], {})[path[1]] = fault
            self._news.append(Unreached(*path, fault.since, fault.small_only))
            self._touch(path[0])
        fault.again_at = again_at

    def mended(self, path: HostPair) -> None:
        """Frames of full size come through again."""
        self.clear(path)
        self._well.append(path)

    def clear(self, path: HostPair) -> None:
        """Nothing is known any more of a path."""
        del self._faults[path]
        del self._of[path[0]][path[1]]
        self._touch(path[0])

    def beside(self, path: HostPair) -> Iterator[HostPair]:
        """The broken paths that have an end in common with one."""
        return (other for other in self._faults if not {*other}.isdisjoint(path))

    def due(self, now: float, again_at: float, most: int) -> Iterator[HostPair]:
        """The paths that are to be tried now, at most so many, and from then on ``again_at``."""
        for path in list(islice(self._faults, most)):
            if self._faults[path].again_at > now:
                return
            fault = self._faults[path] = self._faults.pop(path)
            fault.again_at = again_at
            yield path

    def tell(self) -> None:
        """Say what is different since the last time."""
        for sentence in sentences(self._news):
            _log.warning("tunnel: %s; packets sent that way are lost", sentence)
        for sentence in recovered(self._well):
            _log.info("tunnel: %s", sentence)
        self._news, self._well = [], []
