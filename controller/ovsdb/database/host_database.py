"""The present content of one host's database, read once for all who need it. Reading a column costs about 10 us, so
only ports and interfaces that have changed are read.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Any

from controller.ovsdb.database.columns import Replica, Row
from controller.ovsdb.database.devices import Devices
from controller.ovsdb.database.interfaces import InterfaceRow, Interfaces
from flows.model.contract import INTEGRATION_BRIDGE, PHYSICAL_BRIDGE

IFACE_ID = "iface-id"
"""Key of ``Interface:external_ids`` by which libvirt, OpenStack and OVN name the port that an interface is."""

BOUND_MARK = "ovs-vpc-bound"
"""Key of ``Interface:external_ids``: the ``iface-id`` that the controller found here first.

It holds the name, not "true": an interface whose ``iface-id`` is changed loses the mark by that.
"""

BOUND_ROW = "ovs-vpc-bound-row"
"""Key of ``Interface:external_ids``, beside the mark: the ``_uuid`` of the row that was marked.

External ids get copied, by people and by programs that make an interface like another one. A copied mark says nothing.
"""

PHYSICAL_MARK = "ovs-vpc-physical"
"""Key of ``Interface:external_ids``: the physical network for which the controller put the interface on the bridge."""


@dataclass(frozen=True, slots=True)
class HostDatabase:
    """What one host's database says."""

    switch: Row
    """The only row of Open_vSwitch."""
    integration: Row | None
    physical: Row | None
    interfaces: Interfaces
    """All interfaces on the integration bridge. It is kept up to date."""
    ports: Mapping[str, Row]
    """All ports of the integration bridge, by name."""
    protected: frozenset[str]
    """The protected ports: the switch passes nothing between them."""
    elsewhere: Mapping[str, str]
    """Ports on other bridges: port name -> bridge name."""
    underlay: dict[str, "Nic"]
    """The interfaces of the physical bridge, by name. It is kept up to date."""
    stale: Set[str]
    """Interfaces whose device is gone and was made again: the switch still has the old one."""


@dataclass(frozen=True, slots=True)
class Nic:
    """An interface on the physical bridge."""

    type: str
    mtu: int | None
    is_down: bool
    """Whether it was set down (``ip link set down``)."""
    has_link: bool


class DatabaseReader:
    """Reads one replica again after each change."""

    def __init__(self, database: Replica) -> None:
        self._database = database
        self._seen: HostDatabase | None = None
        self._devices = Devices()

    def look(self) -> HostDatabase | None:
        """The present content; None when the database was never initialised (``ovs-vsctl init``)."""
        changed, others_changed = self._database.take_changed("Interface")
        switch = next(iter(self._database.tables["Open_vSwitch"].rows.values()), None)
        if switch is None:
            self._seen = None
        elif self._seen is None or self._seen.switch is not switch or others_changed:
            self._seen = _see(self._database, switch, self._devices.stale)
            self._devices.keep(self._seen.interfaces.by_name.keys() | self._seen.underlay.keys())
        else:
            self._seen.underlay.update({row.name: _nic(row) for row in changed if row.name in self._seen.underlay})
            interfaces = self._seen.interfaces
            read = [_interface(self._database, row) for row in changed]
            interfaces.put(interface for interface in read if interface.name in interfaces.by_name)
        if self._seen is not None:
            self._note_devices(self._seen, changed)
        return self._seen

    def _note_devices(self, seen: HostDatabase, changed: Iterable[Row]) -> None:
        present = self._database.tables["Interface"].rows
        for row in changed:
            if row.uuid in present and (row.name in seen.interfaces.by_name or row.name in seen.underlay):
                self._devices.note(row, row.name, _optional(row.ofport))


def _see(database: Replica, switch: Row, stale: Set[str]) -> HostDatabase:
    bridges = {bridge.name: bridge for bridge in switch.bridges}
    integration = bridges.get(INTEGRATION_BRIDGE)
    ports = [] if integration is None else [(row, *_port(database, row)) for row in _ports(database, integration)]
    physical = bridges.get(PHYSICAL_BRIDGE)
    return HostDatabase(
        switch=switch,
        integration=integration,
        physical=physical,
        interfaces=Interfaces(_interface(database, row) for _, _, rows, _ in ports for row in rows),
        ports={name: row for row, name, _, _ in ports},
        protected=frozenset(name for _, name, _, is_protected in ports if is_protected),
        elsewhere={p.name: name for name, b in bridges.items() if b is not integration for p in _ports(database, b)},
        stale=stale,
        underlay={row.name: _nic(row) for port in (physical.ports if physical else ()) for row in port.interfaces},
    )


def _ports(database: Replica, bridge: Row) -> list[Row]:
    found: list[Row] | None = database.read.get(bridge.uuid)
    return found if found is not None else database.remember(bridge, bridge.ports)


def _port(database: Replica, row: Row) -> tuple[str, list[Row], bool]:
    """A port's name and interfaces, and whether it is protected."""
    found: tuple[str, list[Row], bool] | None = database.read.get(row.uuid)
    return found if found is not None else database.remember(row, (row.name, row.interfaces, row.protected))


def _nic(row: Row) -> Nic:
    return Nic(row.type, _optional(row.mtu), _optional(row.admin_state) == "down", _optional(row.link_state) != "down")


def _interface(database: Replica, row: Row) -> InterfaceRow:
    found: InterfaceRow | None = database.read.get(row.uuid)
    return found if found is not None else database.remember(row, _read(row))


def _read(row: Row) -> InterfaceRow:
    ids = row.external_ids
    ofport = _optional(row.ofport)
    return InterfaceRow(
        row=row,
        name=row.name,
        iface_id=ids.get(IFACE_ID),
        ofport=ofport if ofport is not None and ofport > 0 else None,
        ofport_request=_optional(row.ofport_request),
        mark=ids.get(BOUND_MARK),
        is_own_mark=ids.get(BOUND_ROW) == str(row.uuid),
        physical=ids.get(PHYSICAL_MARK),
        error=_optional(row.error),
        is_down=_optional(row.admin_state) == "down",
        mtu=_optional(row.mtu),
    )


def _optional(values: list[Any]) -> Any:
    return values[0] if values else None


def datapath_type(bridge: Row) -> str:
    """A bridge's datapath type; an empty column means ``system``."""
    return str(bridge.datapath_type or "system")
