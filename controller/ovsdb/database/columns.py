"""The tables and columns of a host's database that the controller replicates (ovs-vswitchd.conf.db(5)).

They are declared here, not read from a schema file of the controller's machine. That machine need not have Open
vSwitch, and a host may have another version of it. Columns that change by themselves every few seconds (statistics,
status) are left out on purpose: each change would wake the controller, for every host.
"""

from typing import Any, TypeVar

import ovs.json
from ovs.db.idl import Idl, SchemaHelper

from controller.jsonstream import Parser

_Read = TypeVar("_Read")

Row = Any
"""A row (``ovs.db.idl.Row``): columns are attributes. It is valid until its database's next ``Idl.run()``."""

PROBE_INTERVAL = 5000
"""Milliseconds of silence until a host's database gets an echo request; after as many more the connection is closed."""

RETRY_INTERVAL = 1000
"""Milliseconds between attempts to connect: the shortest that python-ovs allows."""

if ovs.json.PARSER == ovs.json.PARSER_PY:
    # Without its part in C, as pip installs it, python-ovs takes 20 times as long. That part counts in other units.
    ovs.json.Parser = Parser

_ROUNDS = {"next_cfg", "cur_cfg"}
"""Columns by which a client waits until ovs-vswitchd has read what was written. All clients change them."""

_TEXTS = {"key": "string", "min": 0, "max": "unlimited"}
_OPTIONAL_TEXT = {"key": "string", "min": 0, "max": 1}
_OPTIONAL_NUMBER = {"key": "integer", "min": 0, "max": 1}
_MAP = {"key": "string", "value": "string", "min": 0, "max": "unlimited"}


def _rows(table: str) -> dict[str, Any]:
    return {"key": {"type": "uuid", "refTable": table}, "min": 0, "max": "unlimited"}


COLUMNS: dict[str, dict[str, Any]] = {
    "Open_vSwitch": {
        "bridges": _rows("Bridge"),
        "other_config": _MAP,
        "datapath_types": _TEXTS,
        "next_cfg": "integer",
        "cur_cfg": "integer",
    },
    "Bridge": {
        "name": "string",
        "datapath_type": "string",
        "datapath_id": _OPTIONAL_TEXT,
        "ports": _rows("Port"),
        "controller": _rows("Controller"),
        "protocols": _TEXTS,
        "fail_mode": _OPTIONAL_TEXT,
        "stp_enable": "boolean",
        "rstp_enable": "boolean",
        "other_config": _MAP,
        "flow_tables": {**_rows("Flow_Table"), "key": "integer", "value": {"type": "uuid", "refTable": "Flow_Table"}},
    },
    "Port": {"name": "string", "interfaces": {**_rows("Interface"), "min": 1}, "protected": "boolean"},
    "Interface": {
        "name": "string",
        "type": "string",
        "options": _MAP,
        "external_ids": _MAP,
        "ofport": _OPTIONAL_NUMBER,
        "ofport_request": _OPTIONAL_NUMBER,
        "error": _OPTIONAL_TEXT,
        "admin_state": _OPTIONAL_TEXT,
        "link_state": _OPTIONAL_TEXT,
        "mtu": _OPTIONAL_NUMBER,
        "ifindex": _OPTIONAL_NUMBER,
    },
    "Controller": {
        "target": "string",
        "max_backoff": _OPTIONAL_NUMBER,
        "inactivity_probe": _OPTIONAL_NUMBER,
        "connection_mode": _OPTIONAL_TEXT,
        "controller_rate_limit": _OPTIONAL_NUMBER,
        "controller_burst_limit": _OPTIONAL_NUMBER,
    },
    "Flow_Table": {"name": _OPTIONAL_TEXT},
}
"""Table -> column -> type, in the notation of RFC 7047 section 3.2."""


class Replica(Idl):  # type: ignore[misc]
    """The replica of one host's database. It knows which rows have changed since somebody read them."""

    lock_name: str | None

    def __init__(self, target: str, helper: SchemaHelper) -> None:
        super().__init__(target, helper, leader_only=False)
        self.read: dict[Any, Any] = {}
        """What was read from a row, by the row's uuid, for as long as the row stays the same."""
        self._changed: dict[str, set[Row]] = {}

    @property
    def has_news(self) -> bool:
        """Whether anything has changed since the last call, apart from the columns by which clients wait for
        ovs-vswitchd.
        """
        return bool(self._changed)

    def forget_lock(self) -> None:
        """The connection has ended, so the lock is lost: the next connection does not ask for it by itself."""
        self.lock_name = None
        self.has_lock = self.is_lock_contended = False

    def take_changed(self, table: str) -> tuple[set[Row], bool]:
        """The rows of a table that are new, changed or gone since the last call, and whether rows of other tables
        are.
        """
        changed, self._changed = self._changed, {}
        return changed.pop(table, set()), bool(changed)

    def remember(self, row: Row, what: _Read) -> _Read:
        """Note what was read from a row, and return it. While a transaction is under way, rows look as if it were
        done.
        """
        if self.txn is None:
            self.read[row.uuid] = what
        return what

    def notify(self, event: str, row: Row, updates: Row | None = None) -> None:
        """Called by python-ovs for each row that has changed."""
        if updates is not None and updates._data.keys() <= _ROUNDS:
            return
        self.read.pop(row.uuid, None)
        self._changed.setdefault(row._table.name, set()).add(row)


def open_database(target: str) -> Replica:
    """The replica of the database at ``target`` (``unix:PATH``, ``tcp:IP:PORT``); it connects and reconnects by itself.

    It never waits for the leader of a cluster: a host's database stands alone.
    """
    tables = {
        table: {"columns": {name: {"type": kind} for name, kind in columns.items()}, "isRoot": table == "Open_vSwitch"}
        for table, columns in COLUMNS.items()
    }
    helper = SchemaHelper(schema_json={"name": "Open_vSwitch", "version": "8.0.0", "tables": tables})
    helper.register_all()
    database = Replica(target, helper)
    # The Idl's own parameter for the probe is ignored for unix sockets, and there is none for the back-off (8 s).
    database._session.reconnect.set_backoff(RETRY_INTERVAL, RETRY_INTERVAL)
    database._session.reconnect.max_backoff = RETRY_INTERVAL
    database._session.reconnect.set_probe_interval(PROBE_INTERVAL)
    return database


def is_live(database: Idl) -> bool:
    """Whether the replica is complete and connected. python-ovs has no public function for the second."""
    return bool(database._session.is_connected() and database.state == Idl.IDL_S_MONITORING)
