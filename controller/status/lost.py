"""Ports that were plugged in, and are not plugged in anywhere now.

What switches hold depends on what is there, never on what was. This is for people: a port that nobody has plugged in
yet is no fault, one that was there and is gone is one. It is a part of the status, so that a next controller knows it.
"""

from collections.abc import Container, Iterable, Mapping, Set


class Lost:
    """Which ports each place (a host or a plain switch) was the last to have. A change costs what it changes."""

    def __init__(self, before: Mapping[str, Iterable[str]]) -> None:
        """``before``: what an earlier controller saw plugged in at each place, or knew as lost there."""
        self._before = {place: frozenset(ports) for place, ports in before.items()}
        """Of places that were not observed yet."""
        self._places: dict[str, set[str]] = {}
        """Where each port is plugged in."""
        self._last: dict[str, str] = {}
        """Of each lost port the place that had it last."""
        self._lost: dict[str, set[str]] = {}
        """The same by place."""
        self._changed = set(self._before)

    def at(self, place: str) -> list[str]:
        """The ports that were plugged in at a place last and are nowhere now; of one that was not observed, all."""
        return sorted(self._lost.get(place, set()) | self._before.get(place, set()))

    def take_changed(self) -> set[str]:
        """The places that have other lost ports than at the last call."""
        changed, self._changed = self._changed, set()
        return changed

    def observed(self, place: str, gone: Iterable[str], come: Set[str], declared: Container[str]) -> None:
        """A place was looked at: ports that are not plugged in there any more, and others that are now.

        Only those that are declared can be lost.
        """
        before = self._before.pop(place, None)
        if before is not None:
            gone = {*gone, *before}
            self._changed.add(place)
        for port in sorted(gone):
            places = self._places.get(port, set())
            places.discard(place)
            if not places:
                self._places.pop(port, None)
                if port in declared and port not in come and port not in self._last:
                    self._lose(port, place)
        for port in come:
            self._places.setdefault(port, set()).add(place)
            self.forget(port)

    def keep(self, declared: Container[str]) -> None:
        """Only these ports are declared now."""
        for port in [port for port in self._last if port not in declared]:
            self.forget(port)

    def forget(self, port: str) -> None:
        """A port is not lost any more."""
        place = self._last.pop(port, None)
        if place is not None:
            self._lost[place].discard(port)
            self._changed.add(place)

    def _lose(self, port: str, place: str) -> None:
        self._last[port] = place
        self._lost.setdefault(place, set()).add(port)
        self._changed.add(place)
