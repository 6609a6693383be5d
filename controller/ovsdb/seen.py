"""One host's database as it is now, read once for all that need it: reading a column costs about 10 us.

So of ports and interfaces only those are read that have changed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from controller.ovsdb.columns import Replica, Row
from flows.model.contract import INTEGRATION_BRIDGE, PHYSICAL_BRIDGE

IFACE_ID = "iface-id"
"""Key of ``Interface:external_ids`` by which libvirt, OpenStack and OVN name the port that an interface is."""

BOUND_MARK = "ovs-vpc-bound"
"""Key of ``Interface:external_ids``: the ``iface-id`` that the controller found here first.

It holds the name, not "true": an interface whose ``iface-id`` is changed loses the mark by that.
"""


PHYSICAL_MARK = "ovs-vpc-physical"
"""Key of ``Interface:external_ids``: the physical network for which the controller put the interface on the bridge."""


@dataclass(frozen=True, slots=True)
class SeenInterface:
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
    """Why the switch could not make it, in its own words."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What one host's database says."""

    switch: Row
    """The only row of Open_vSwitch."""
    integration: Row | None
    physical: Row | None
    interfaces: tuple[SeenInterface, ...]
    """All interfaces on the integration bridge, by name."""
    ports: Mapping[str, Row]
    """All ports of the integration bridge, by name."""
    elsewhere: Mapping[str, str]
    """Ports on other bridges: port name -> bridge name."""

    def claims(self) -> dict[str, list[SeenInterface]]:
        """``iface-id`` -> the working interfaces that say they are it; the first has the lowest name and is taken."""
        claims: dict[str, list[SeenInterface]] = {}
        for interface in self.interfaces:
            if interface.iface_id is not None and interface.ofport is not None:
                claims.setdefault(interface.iface_id, []).append(interface)
        return claims

    def interface(self, name: str) -> SeenInterface | None:
        """The interface of this name on the integration bridge."""
        return next((i for i in self.interfaces if i.name == name), None)


def see(database: Replica) -> Seen | None:
    """Reads the replica; None when the database was never initialised (``ovs-vsctl init``)."""
    switch = next(iter(database.tables["Open_vSwitch"].rows.values()), None)
    if switch is None:
        return None
    bridges = {bridge.name: bridge for bridge in switch.bridges}
    integration = bridges.get(INTEGRATION_BRIDGE)
    ports = [] if integration is None else [(row, *_port(database, row)) for row in _ports(database, integration)]
    interfaces = (_interface(database, row) for _, _, rows in ports for row in rows)
    return Seen(
        switch=switch,
        integration=integration,
        physical=bridges.get(PHYSICAL_BRIDGE),
        interfaces=tuple(sorted(interfaces, key=lambda i: i.name)),
        ports={name: row for row, name, _ in ports},
        elsewhere={p.name: name for name, b in bridges.items() if b is not integration for p in _ports(database, b)},
    )


def _ports(database: Replica, bridge: Row) -> list[Row]:
    found: list[Row] | None = database.read.get(bridge.uuid)
    return found if found is not None else database.remember(bridge, bridge.ports)


def _port(database: Replica, row: Row) -> tuple[str, list[Row]]:
    """A port's name and interfaces."""
    found: tuple[str, list[Row]] | None = database.read.get(row.uuid)
    return found if found is not None else database.remember(row, (row.name, row.interfaces))


def _interface(database: Replica, row: Row) -> SeenInterface:
    found: SeenInterface | None = database.read.get(row.uuid)
    return found if found is not None else database.remember(row, _read(row))


def _read(row: Row) -> SeenInterface:
    ids = row.external_ids
    ofport = _optional(row.ofport)
    return SeenInterface(
        row=row,
        name=row.name,
        iface_id=ids.get(IFACE_ID),
        ofport=ofport if ofport is not None and ofport > 0 else None,
        ofport_request=_optional(row.ofport_request),
        mark=ids.get(BOUND_MARK),
        physical=ids.get(PHYSICAL_MARK),
        error=_optional(row.error),
    )


def _optional(values: list[Any]) -> Any:
    return values[0] if values else None


def datapath_type(bridge: Row) -> str:
    """A bridge's datapath type; an empty column means ``system``."""
    return str(bridge.datapath_type or "system")
