"""The interfaces on a host's integration bridge, with an index for each question about them. A host may have thousands,
of which few change at a time. So the indexes follow each change, and no code goes through all interfaces.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from controller.ovsdb.database.columns import Row
from flows.inputs.facts import Interface


@dataclass(frozen=True, slots=True)
class InterfaceRow:
    """A row of Interface on the integration bridge."""

    row: Row
    name: str
    iface_id: str | None
    ofport: int | None
    """None until the switch has made the port, and when it could not."""
    ofport_request: int | None
    mark: str | None
    physical: str | None
    """The physical network for which the controller put it there."""
    error: str | None
    """Why the switch could not make it, in the switch's words."""
    is_down: bool
    """Whether its device was set down."""
    mtu: int | None
    """Bytes of the largest packet that gets through it; None: it does not say."""
    is_own_mark: bool = True
    """Whether the mark was made for this very row. One that was copied from another interface was not."""

    @property
    def has_port(self) -> bool:
        """Whether it is marked as the one that has the port which it says it is."""
        return self.mark is not None and self.mark == self.iface_id and self.is_own_mark

    @property
    def rank(self) -> tuple[bool, bool, str]:
        """Of several that claim a port the lowest is taken: first the one that has it, then a marked one, then the
        first name.
        """
        return not self.has_port, self.mark != self.iface_id, self.name

    @property
    def claims(self) -> tuple[str, ...]:
        """The port that it claims; None for an interface that does not work."""
        return () if self.iface_id is None or self.ofport is None else (self.iface_id,)


class Interfaces:
    """All interfaces on the integration bridge. Only :meth:`put` changes it."""

    def __init__(self, interfaces: Iterable[InterfaceRow]) -> None:
        self.by_name: dict[str, InterfaceRow] = {}
        self.unpinned: dict[str, InterfaceRow] = {}
        """Those that are ports and whose number is not pinned yet, by name."""
        self.faulty: dict[str, InterfaceRow] = {}
        """Those that the switch cannot use."""
        self.physical: dict[str, InterfaceRow] = {}
        """Those that the controller put there for a physical network."""
        self.down: dict[str, InterfaceRow] = {}
        """Those that are ports, or lead to a physical network, and were taken down."""
        self.by_mtu: dict[int, dict[str, InterfaceRow]] = {}
        """Those that are ports, by the largest packet that they take."""
        self.marks: dict[str, str] = {}
        """Name of an interface -> its mark; "" for a mark that is not its own."""
        self.taken: dict[str, Interface] = {}
        """``iface-id`` -> the interface that is taken for it, by :attr:`InterfaceRow.rank`."""
        self.rivals: dict[str, list[str]] = {}
        """``iface-id`` -> the names of all that claim it, where there are several; the first is taken."""
        self._claims: dict[str, dict[str, InterfaceRow]] = {}
        for interface in interfaces:
            self._sort(interface)
        for iface_id in self._claims:
            self._take(iface_id)
        self.instances = frozenset(self.taken.values())
        """All that are taken."""

    def put(self, interfaces: Iterable[InterfaceRow]) -> None:
        """Take in the present state of some interfaces."""
        affected: set[str] = set()
        for interface in interfaces:
            before = self.by_name[interface.name]
            for iface_id in before.claims:
                del self._claims[iface_id][before.name]
            self._sort(interface)
            affected.update(before.claims, interface.claims)
        gone = {self.taken.pop(iface_id) for iface_id in affected & self.taken.keys()}
        for iface_id in affected:
            self._take(iface_id)
        self.instances = self.instances - gone | {self.taken[iface_id] for iface_id in affected & self.taken.keys()}

    def _sort(self, interface: InterfaceRow) -> None:
        name = interface.name
        if (before := self.by_name.get(name)) and before.mtu is not None:
            of_size = self.by_mtu.get(before.mtu, {})
            of_size.pop(name, None)
            if not of_size:
                self.by_mtu.pop(before.mtu, None)
        if interface.mtu is not None and interface.claims:
            self.by_mtu.setdefault(interface.mtu, {})[name] = interface
        self.by_name[name] = interface
        for found, belongs in (
            (self.unpinned, interface.claims and interface.ofport_request is None),
            (self.faulty, interface.error is not None),
            (self.physical, interface.physical is not None),
            (self.down, interface.is_down and (interface.claims or interface.physical is not None)),
        ):
            if belongs:
                found[name] = interface
            else:
                found.pop(name, None)
        self.marks.pop(name, None)
        if interface.mark is not None:
            self.marks[name] = interface.mark if interface.is_own_mark else ""
        for iface_id in interface.claims:
            self._claims.setdefault(iface_id, {})[name] = interface

    def _take(self, iface_id: str) -> None:
        """Find out which interface is taken for a port; none when no interface claims it any more."""
        claims = self._claims[iface_id]
        self.rivals.pop(iface_id, None)
        if not claims:
            del self._claims[iface_id]
            return
        taken = min(claims.values(), key=lambda interface: interface.rank)
        if len(claims) > 1:
            self.rivals[iface_id] = [taken.name, *sorted(claims.keys() - {taken.name})]
        assert taken.ofport is not None
        self.taken[iface_id] = Interface(iface_id, taken.name, taken.ofport, bound=taken.has_port)
