"""Whether the datapath of a host's bridges tracks connections in zones: ``ct(zone=...)`` of ovs-actions(7)."""

from collections.abc import Mapping, Sequence
from typing import Any

from controller.inspect.checkup.run import Run
from controller.store.server.rpc import Connection

_SECONDS = 5.0
_SELECTS = (
    {"op": "select", "table": "Open_vSwitch", "where": [], "columns": ["datapaths"]},
    {"op": "select", "table": "Datapath", "where": [], "columns": ["_uuid", "capabilities"]},
)


def zones_by_switch(run: Run, bridges: Sequence[str]) -> bool | None:
    """What ovs-vswitchd says; None: it cannot be asked. Raises :class:`SilentError` when it does not answer."""
    said = run(["ovs-appctl", "dpif/show-dp-features", bridges[0]]) if bridges else None
    return "CT zone: Yes" in said.splitlines() if said else None


def zones_by_database(connection: Connection, datapath_type: str) -> bool | None:
    """What the database says.

    None: nothing, as usual. ovs-vswitchd writes it only where somebody has made a row for the datapath, as OVN does.
    Before 2.13 there is no such table.
    """
    answers = connection.call("transact", ["Open_vSwitch", *_SELECTS], _SECONDS)
    try:
        (switch,), rows = (answer["rows"] for answer in answers)
        datapaths: Mapping[str, Any] = {name: uuid for name, (_, uuid) in switch["datapaths"][1]}
        capabilities = {row["_uuid"][1]: dict(row["capabilities"][1]) for row in rows}
        said = capabilities[datapaths[datapath_type]]["ct_zone"]
    except (ValueError, TypeError, KeyError):
        return None
    return bool(said == "true")
