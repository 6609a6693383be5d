"""The state of one host: what its database says and, where commands can be run there, what the switch says.

Columns: ovs-vswitchd.conf.db(5). It is read once, and nothing is written. What the host's kernel takes in is
tried by packets.
"""

import json
import sys
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass, field
from typing import Any

from controller.inspect.checkup.kernel import KernelBehaviour
from controller.inspect.checkup.run import Run, SilentError
from controller.inspect.checkup.zones import zones_by_database, zones_by_switch
from controller.store.errors import WrongDatabase
from controller.store.server.rpc import Connection
from flows.model.contract import INTEGRATION_BRIDGE, PHYSICAL_BRIDGE

Row = Mapping[str, Any]


_COLUMNS = {
    "Open_vSwitch": [
        "bridges",
        "manager_options",
        "ovs_version",
        "datapath_types",
        "iface_types",
        "next_cfg",
        "cur_cfg",
    ],
    "Manager": ["target"],
    "Bridge": ["name", "ports", "controller", "datapath_type", "fail_mode"],
    "Controller": ["target", "is_connected"],
    "Port": ["name", "interfaces"],
    "Interface": ["name", "type", "options", "error", "mtu", "ofport", "link_state"],
}
_MAPS = {"Open_vSwitch": ["other_config", "external_ids"], "Bridge": ["other_config"], "Interface": ["external_ids"]}
_SECONDS = 5.0
_PROBE_SECONDS = 30.0
"""For a program that has to start first."""


@dataclass(frozen=True, slots=True)
class Bridge:
    """A bridge with what is on it."""

    row: Row
    controllers: tuple[Row, ...]
    interfaces: tuple[Row, ...]

    @property
    def name(self) -> str:
        return str(self.row["name"])

    @property
    def datapath_type(self) -> str:
        return str(self.row["datapath_type"] or "system")


@dataclass(frozen=True, slots=True)
class HostState:
    """One host as it was found."""

    switch: Row
    bridges: Mapping[str, Bridge] = field(default_factory=dict)
    managers: tuple[str, ...] = ()
    version: str | None = None
    """Of ovs-vswitchd; None: it is not known."""
    flows: str | None = None
    """What ``ovs-ofctl dump-flows`` prints of the integration bridge; None: it could not be asked."""
    is_silent: bool = False
    """Whether ovs-vswitchd was asked and gave no answer."""
    has_zones: bool | None = None
    """Whether connections can be tracked in zones on the datapath of its bridges; None: nothing says it."""
    kernel: KernelBehaviour | None = None
    """What its kernel takes in of what instances send; None: it could not be tried."""

    @property
    def integration(self) -> Bridge | None:
        return self.bridges.get(INTEGRATION_BRIDGE)

    @property
    def physical(self) -> Bridge | None:
        return self.bridges.get(PHYSICAL_BRIDGE)


def read_host(target: str, run: Run | None) -> HostState | None:
    """Look at the host whose database answers at a target; None when that was never initialised.

    ``run``: runs commands there, if that can be done. Raises :class:`controller.store.StoreError` when nobody answers.
    """
    with closing(Connection(target)) as connection:
        tables = _read(connection, target)
        switch = next(iter(tables["Open_vSwitch"].values()), None)
        if switch is None:
            return None
        bridges = {bridge.name: bridge for bridge in (_bridge(tables, uuid) for uuid in _many(switch["bridges"]))}
        ours = [bridge for bridge in (bridges.get(INTEGRATION_BRIDGE), bridges.get(PHYSICAL_BRIDGE)) if bridge]
        has_zones = zones_by_database(connection, ours[0].datapath_type) if ours else None
    version, flows, is_silent = switch["ovs_version"] or None, None, False
    try:
        if run is not None:
            said = (run(["ovs-appctl", "version"]) or "").splitlines()
            version = said[0].rpartition(" ")[2] if said else version
            flows = run(["ovs-ofctl", "-OOpenFlow10,OpenFlow14", "dump-flows", INTEGRATION_BRIDGE])
            told = zones_by_switch(run, [bridge.name for bridge in ours])
            has_zones = has_zones if told is None else told
    except SilentError:
        is_silent = True
    kernel = _kernel(run) if run is not None else None
    managers = tuple(str(tables["Manager"][uuid]["target"]) for uuid in _many(switch["manager_options"]))
    return HostState(switch, bridges, managers, version, flows, is_silent, has_zones, kernel)


def _kernel(run: Run) -> KernelBehaviour | None:
    try:
        said = run([sys.executable, "-m", "controller.inspect.kernel_probe"], _PROBE_SECONDS)
    except SilentError:
        return None
    return None if said is None else KernelBehaviour(**json.loads(said))


def _read(connection: Connection, target: str) -> dict[str, dict[str, Row]]:
    selects = [
        {"op": "select", "table": table, "where": [], "columns": ["_uuid", *columns, *_MAPS.get(table, ())]}
        for table, columns in _COLUMNS.items()
    ]
    results = connection.call("transact", ["Open_vSwitch", *selects], _SECONDS)
    try:
        return {
            table: {row["_uuid"][1]: {name: _plain(value) for name, value in row.items()} for row in result["rows"]}
            for table, result in zip(_COLUMNS, results, strict=True)
        }
    except (ValueError, TypeError, KeyError):
        raise WrongDatabase(f"{target}: this is not an Open_vSwitch database") from None


def _bridge(tables: Mapping[str, Mapping[str, Row]], uuid: str) -> Bridge:
    row = tables["Bridge"][uuid]
    ports = (tables["Port"][port] for port in _many(row["ports"]))
    interfaces = (tables["Interface"][interface] for port in ports for interface in _many(port["interfaces"]))
    controllers = (tables["Controller"][controller] for controller in _many(row["controller"]))
    return Bridge(row, tuple(controllers), tuple(sorted(interfaces, key=lambda one: str(one["name"]))))


def _plain(value: Any) -> Any:
    """A value of RFC 7047 (5.1) as Python has it; a set of one is that one, as the server writes it."""
    match value:
        case ["uuid", uuid]:
            return uuid
        case ["set", items]:
            return [_plain(item) for item in items]
        case ["map", items]:
            return {_plain(key): _plain(item) for key, item in items}
    return value


def _many(value: Any) -> list[str]:
    return value if isinstance(value, list) else [value]
