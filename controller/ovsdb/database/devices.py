"""Which device each interface of a switch was opened with.

A device that is deleted and made again under its name is another device. Open vSwitch on the userspace datapath keeps
the one that is gone. It reports no error, and no packet passes until the port is opened again.
"""

from collections.abc import Set
from uuid import UUID

from controller.ovsdb.database.columns import Row

_Opening = tuple[UUID, int]
"""The row of the interface and its port number: one of them changes when a port is opened again."""


class Devices:
    """What was seen of the devices so far."""

    def __init__(self) -> None:
        self._opened: dict[str, tuple[_Opening, int]] = {}
        self.stale: set[str] = set()
        """The interfaces of which the switch still has the device that is gone."""

    def note(self, row: Row, name: str, ofport: int | None) -> None:
        """Note the present state of an interface."""
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
        """Forget all interfaces but these."""
        self._opened = {name: opened for name, opened in self._opened.items() if name in names}
        self.stale &= names
