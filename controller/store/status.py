"""The rows of the controller's status: one for each host, and one (of no host) for what is about all of them.

What is written is JSON (:mod:`controller.status.status`). It comes in parts, so that what changes often or on one host
is written alone: ``hosts`` has the report of each, with its ports as ``located``. ``progress`` has for each the part
that changes with the model. ``on_switches`` has the switch of each port of a plain switch. There are other keys. It is
read as one: each host with its progress, and ``ports`` with the place of each.
"""

import json
import time
from collections.abc import Mapping
from typing import Any

from controller.store.errors import RequestFailed
from controller.store.rows.schema import STATUS, Json
from controller.store.rows.wire import VERSION, error_of
from controller.store.server.database import Database

_OWN: list[Json] = [["host", "==", ""]]
"""The row that is about no host alone."""


class StatusTable:
    """The status in the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._written: dict[str, Any] | None = None
        """What was written last, by host; None: what is there is not known."""
        self._read: list[Json] = []
        """The version that was read last; none before there was one."""

    def forget(self) -> None:
        """What was written may be there no more."""
        self._written = None

    def write(self, status: Mapping[str, Any]) -> None:
        """Replace the status, and note when (``written``). Only rows that are different are written."""
        own = {key: value for key, value in status.items() if key != "hosts"} | {"written": time.time()}
        reports = {**status["hosts"], "": own}
        known = self._written
        operations: list[Json] = []
        if known is None:
            operations = [{"op": "delete", "table": STATUS, "where": []}]
            known = {}
        for host in known.keys() | reports.keys():
            if known.get(host) is not reports.get(host) and known.get(host) != reports.get(host):
                if host in known:
                    operations.append({"op": "delete", "table": STATUS, "where": [["host", "==", host]]})
                if host in reports:
                    row = {"host": host, "report": json.dumps(reports[host])}
                    operations.append({"op": "insert", "table": STATUS, "row": row})
        if operations and (error := error_of(self._database.transact(operations))):
            raise RequestFailed(error)
        self._written = reports

    def read(self) -> dict[str, Any]:
        """The status that was written last, and when; empty when none ever was."""
        rows = self._database.select(STATUS, ["host", "report", VERSION])
        self._read = [{VERSION: row[VERSION]} for row in rows if row["host"] == ""]
        reports = {row["host"]: json.loads(row["report"]) for row in rows}
        if "" not in reports:
            return {}
        own = reports.pop("")
        ports = own.pop("on_switches", {}) | {
            port: host for host, report in reports.items() for port in report.pop("located")
        }
        hosts = {host: {**reports[host], **moved} for host, moved in own.pop("progress", {}).items()}
        return {**own, "hosts": hosts, "ports": ports}

    def read_progress(self) -> dict[str, Any]:
        """Of that only the generation, how far the hosts are (``progress``), and the plain switches: a small part."""
        rows = self._database.select(STATUS, ["report", VERSION], _OWN)
        self._read = [{VERSION: row[VERSION]} for row in rows]
        for row in rows:
            own = json.loads(row["report"])
            return {name: own[name] for name in ("generation", "progress", "switches")}
        return {}

    def wait(self, seconds: float) -> None:
        """Wait until it is another than the one that was read last, but not longer than some seconds."""
        self._database.wait_unlike(STATUS, _OWN, self._read, seconds)
