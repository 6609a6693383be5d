"""Which device each interface of a switch was opened with.

A device that is deleted and made again under its name is another one. Open vSwitch on the userspace datapath goes on
with the one that is gone: it says that all is well, and no packet passes until the port is opened anew.
"""

from collections.abc import Set
from uuid import UUID

from controller.ovsdb.columns import Row

_Opening = tuple[UUID, int]
"""The row of the interface and its port number: one of them is another when a port is opened anew."""


class Devices:
    """What was seen of them, for as long as somebody looks."""

    def __init__(self) -> None:
        self._opened: dict[str, tuple[_Opening, int]] = {}
        self.stale: set[str] = set()
        """The interfaces of which the switch still has the device that is gone."""

    def note(self, row: Row, name: str, ofport: int | None) -> None:
        """An interface is this now."""
        index = next(iter(row.ifindex), 0)
        if ofport is None or not index:
            return  # there is no device at present
        opening, known = (row.uuid, ofport), self._opened.get(name)
        if known is None or known[0] != opening or row.type:
            # Other devices than those of the system are made by the switch itself.
            self._opened[name] = opening, index
            self.stale.discard(name)
        elif known[1] != index:
            self.stale.add(name)

    def keep(self, names: Set[str]) -> None:
        """There are no others than these."""
        self._opened = {name: opened for name, opened in self._opened.items() if name in names}
        self.stale &= names
