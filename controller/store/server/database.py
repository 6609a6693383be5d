"""A session with the store's database: connected, of the right schema, its content known."""

import contextlib
import json
import logging
import os
from pathlib import Path

from controller.store.errors import RequestFailed, Unreachable, WrongDatabase
from controller.store.rows.replica import Replica
from controller.store.rows.rows import Key
from controller.store.rows.schema import DATABASE, SCHEMA_FILE, VERSION, Json
from controller.store.rows.wire import VERSION as ROW_VERSION
from controller.store.rows.wire import watched
from controller.store.server.lock import ControllerLock
from controller.store.server.rpc import Connection
from controller.store.server.server import Server

_NEVER = "00000000-0000-0000-0000-000000000000"
_MONITOR = "model"
_SECONDS = 60.0
"""For any answer: a first load may take the server some seconds, and others wait meanwhile."""

_log = logging.getLogger(__name__)


class Database:
    """The database of a store. Whoever uses it connects first; it never connects by itself."""

    def __init__(self, directory: Path, lock: ControllerLock, target: str | None, *, starts: bool) -> None:
        """``lock``: that of the directory's controller. ``starts``: as in :class:`Server`.

        ``target``: where a server that somebody else runs answers; None: the store's own, in the directory.
        """
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._server = Server(directory, lock, self._wake, starts=starts) if target is None else None
        self._target = target
        self._connection: Connection | None = None
        self._is_watching = False
        self._last_transaction = _NEVER
        self.replica = Replica()

    @property
    def target(self) -> str:
        """Where the server answers."""
        return self._server.target if self._server is not None else str(self._target)

    @property
    def is_connected(self) -> bool:
        return self._connection is not None

    def connect(self) -> None:
        """Connect, unless that is done. Raises :class:`Unreachable` and :class:`WrongDatabase`."""
        if self._connection is None:
            self._connection = (
                self._server.connect() if self._server is not None else Connection(self.target, self._wake)
            )
            self._is_watching = False
            self._upgrade()

    def interrupt(self) -> None:
        """End the waiting of the present or the next :meth:`look`. May be called by any thread."""
        os.eventfd_write(self._wake, 1)

    def disconnect(self) -> None:
        """End the connection; the server goes on."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def close(self) -> None:
        """End the connection, and the server when it is the store's own and nobody else uses it."""
        self.disconnect()
        if self._server is not None:
            self._server.leave()

    def call(self, method: str, params: Json) -> Json:
        """Ask the server. Raises :class:`RequestFailed`, and :class:`Unreachable`: it is not connected then."""
        self.connect()
        assert self._connection is not None
        try:
            return self._connection.call(method, params, _SECONDS)
        except Unreachable:
            self.disconnect()
            raise

    def transact(self, operations: list[Json]) -> list[Json]:
        """Do all of some operations, or none: the results, the last of which may be an error."""
        results: list[Json] = self.call("transact", [DATABASE, *operations])
        return results

    def select(self, table: str, columns: list[str], where: list[Json] | None = None) -> list[dict[str, Json]]:
        """Columns of the rows of a table."""
        query = {"op": "select", "table": table, "where": where or [], "columns": columns}
        try:
            (result,) = self.transact([query])
        except Unreachable:
            # The server was restarted since it was asked last, perhaps.
            (result,) = self.transact([query])
        rows: list[dict[str, Json]] = result["rows"]
        return rows

    def wait_unlike(self, table: str, where: list[Json], rows: list[Json], seconds: float) -> None:
        """Wait until other versions of rows are in a table than these, but not longer, nor once the server is lost."""
        wait = {"op": "wait", "table": table, "where": where, "columns": [ROW_VERSION], "until": "!=", "rows": rows}
        with contextlib.suppress(Unreachable):
            self.transact([{**wait, "timeout": round(1000 * seconds)}])

    def look(self, seconds: float | None = None) -> set[Key]:
        """Bring the replica up to date: the rows of the model that are different now.

        All that was committed until now is seen; with ``seconds``, what arrives within these.
        Raises :class:`Unreachable` and :class:`WrongDatabase`.
        """
        self.connect()
        try:
            if not self._is_watching:
                return self._watch()
            if seconds is None:
                # Before its answer the server tells what was committed before.
                self.transact([])
            return self._hear(seconds or 0.0)
        except Unreachable:
            self.disconnect()
            raise

    def _watch(self) -> set[Key]:
        tables = {name: [{"columns": columns}] for name, columns in watched().items()}
        params = [DATABASE, _MONITOR, tables, self._last_transaction]
        known, self._last_transaction, updates = self.call("monitor_cond_since", params)
        self._is_watching = True
        return self.replica.update(updates, is_all=not known)

    def _hear(self, seconds: float) -> set[Key]:
        assert self._connection is not None
        touched: set[Key] = set()
        for method, params in self._connection.said(seconds):
            if method == "update3":
                _, self._last_transaction, updates = params
                touched |= self.replica.update(updates, is_all=False)
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._wake)
        return touched

    def _upgrade(self) -> None:
        """Convert a database of an older schema to ours."""
        try:
            found = self.call("get_schema", [DATABASE])
        except RequestFailed as refused:
            self.disconnect()
            raise WrongDatabase(f"{self.target} has no database of ovs-vpc: {refused}") from None
        if _number(found["version"]) > _number(VERSION):
            self.disconnect()
            raise WrongDatabase(
                f"the database at {self.target} is of schema {found['version']}, which a newer ovs-vpc wrote; "
                f"this one knows up to {VERSION}"
            )
        if found["version"] != VERSION:
            _log.info("store: schema %s is converted to %s", found["version"], VERSION)
            # Else the server would end the connection before it answers.
            self.call("set_db_change_aware", [True])
            self.call("convert", [DATABASE, json.loads(SCHEMA_FILE.read_text())])


def _number(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split("."))
