"""The store of one state directory: the model and what belongs to it, whoever asks."""

import atexit
import getpass
import json
import logging
import os
import time
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import uuid4

from controller.store import history
from controller.store.content import NUMBERED, Content, Stored
from controller.store.dry_run import DryRun, numbered
from controller.store.errors import EditConflict, NotFound, RequestFailed, Unreachable
from controller.store.history import ChangedObject, HistoryEntry
from controller.store.recheck import recheck
from controller.store.rows.allocate import NumberAllocator
from controller.store.rows.changes import Changes, RowChange, Transaction, changes
from controller.store.rows.mapping import sections
from controller.store.rows.rows import NETWORK, Key, build, references, rows_of_object, rows_of_settings
from controller.store.rows.schema import GENERATION, STATUS, Json
from controller.store.rows.wire import VERSION, error_of
from controller.store.server.database import Database
from controller.store.server.lock import ControllerLock
from controller.store.vlans import Vlans, VlanTable
from flows.inputs.tags import Tags
from flows.model import AnyPort, Network

_ATTEMPTS = 5
"""Applies that others overtake again and again give up after so many times."""
_PAUSE = 0.05
"""Seconds between them."""
_NEWS_SECONDS = 2.0
"""Within which the server tells of what made it refuse something."""
_OWN: list[Json] = [["host", "==", ""]]
"""The row of the status that is about no host alone."""

_log = logging.getLogger(__name__)


class Store:
    """The store. Not thread-safe. It connects when it is first asked something."""

    def __init__(self, directory: Path, target: str | None = None, *, starts: bool = True) -> None:
        """``target``: the address of a database server that somebody else runs, as ``unix:PATH`` or ``tcp:IP:PORT``.

        Without it the store runs one of its own, on a file in the directory, as long as anybody uses it. When
        ``starts`` is false, only a controller starts it: that of a lab, with which it is to end.
        """
        self.directory = directory
        self._lock = ControllerLock(directory)
        self._database = Database(directory, self._lock, target, starts=starts)
        self._content = Content(self._database.replica)
        self._revision = 0
        self._had_model = False
        self._is_ours = False
        """Whether nobody else changed the model between the last comparison and what followed from it."""
        self._vlans = VlanTable(self._database)
        self._reported: dict[str, Any] | None = None
        self._status_read: list[Json] = []
        """The version of the status that was read last; none before there was one."""
        directory.mkdir(parents=True, exist_ok=True)
        atexit.register(self.close)

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Do without the store until it is asked again."""
        self._database.close()
        self._reported = None

    def apply(self, network: Network, *, comment: str = "") -> int:
        """Make this network the model, all of it or nothing. Returns the generation that the model is now.

        Raises :class:`EditConflict` when somebody else changed the same objects meanwhile.
        """
        generation = self.commit(self.compare(network), comment=comment)
        if self._is_ours:
            self._content.put(network)
        return generation

    def compare(self, network: Network) -> Changes:
        """What would have to change for this network to be the model."""
        self._look()
        replica = self._database.replica
        keys, rows = set(replica.with_parts(NETWORK)), rows_of_settings(network)
        for section, name in self._content.unlike(network):
            for table in sections()[section]:
                keys.update(replica.with_parts(Key(table.name, name)))
            item = getattr(network, section).get(name)
            if item is not None:
                rows |= rows_of_object(section, item)
        return changes(replica, keys, rows)

    def dry_run(self, network: Network) -> DryRun:
        """What is there now, and what would be if this network were the model."""
        made = self.compare(network)
        replica, stored = self._database.replica, self._content.stored()
        numbers = {
            pool: NumberAllocator(*replica.allocated(pool)).allocate(numbered(pool, made, replica.numbers)).of
            for pool in NUMBERED
        }
        vlans = stored.vlans if stored else Vlans()
        tags = Tags(**numbers, vlans=vlans.named(numbers["segments"]))
        return DryRun(stored, made, tags, vlans)

    def commit(self, made: Changes, *, comment: str = "", generation: int | None = None) -> int:
        """Carry out what :meth:`compare` found, if nothing that it is about has changed since.

        ``generation``: refuse, with :class:`EditConflict`, when anything at all has changed since this generation.
        """
        files = (change.new["file"] for change in made.values() if change.new and "file" in change.new)
        return self._commit(made, {"verb": "apply", "comment": comment, "file": next(files, "")}, generation)

    def move(self, port: str, place: str) -> int:
        """Declare another host, or plain switch, for a port, until the next apply. Returns the generation.

        The names must be those of the model.
        """
        port_now = self._port(port)
        return self._declare(port_now.moved(place), "migrate", f"{port} to {place}")

    def announce(self, port: str, place: str, at: str) -> int:
        """Announce that a port will move to another host. Returns the generation. Its host stays what it is.

        ``at``: the host that it is on now. The names must be those of the model.
        """
        return self._declare(self._port(port).announced(place, at), "announce", f"{port} from {at} to {place}")

    def arrive(self, port: str, place: str) -> None:
        """A port has shown up on the host that it was announced to move to: that is its host now.

        Nothing changes when it is not announced to move there any more.
        """
        self._look()
        stored = self._content.stored()
        found = stored.network.ports.get(port) if stored is not None else None
        if found is not None and found.moving_to == place:
            self._declare(found.moved(place), "arrive", f"{port} on {place}")

    def _port(self, name: str) -> AnyPort:
        stored = self.load()
        if stored is None or name not in stored.network.ports:
            raise NotFound(f"there is no port '{name}'")
        return stored.network.ports[name]

    def _declare(self, port: AnyPort, verb: str, comment: str) -> int:
        """Change one port, until the next apply."""
        replica = self._database.replica
        new = rows_of_object("ports", port)
        made = {
            key: RowChange(replica.values(key), values) for key, values in new.items() if replica.values(key) != values
        }
        return self._commit(made, {"verb": verb, "comment": comment})

    def load(self) -> Stored | None:
        """What was applied last; None when nothing ever was."""
        self._look()
        self._revision = self._database.replica.revision
        return self._content.stored()

    def news(self, seconds: float) -> Stored | None:
        """The model, when it is another one than at the last time; waits some seconds for that.

        Raises :class:`StoreError`. A store that has lost its model has no news: nobody wanted that.
        """
        is_known = self._database.replica.revision == self._revision
        self._hear(seconds if is_known else 0)
        if self._database.replica.revision == self._revision:
            return None
        stored = self.load()
        if stored is None and self._had_model:
            _log.warning("store: it holds no model any more; the switches keep what they have until the next apply")
        self._had_model = stored is not None
        return stored and replace(stored, changed=self._content.take_changed())

    def interrupt(self) -> None:
        """Make :meth:`news` return at once, now or the next time. May be called by any thread."""
        self._database.interrupt()

    def write_vlans(self, vlans: Vlans) -> None:
        """Replace the VLANs that the controller gave to segments. They are on the disk when this returns."""
        self._vlans.write(vlans)

    def write_status(self, status: Mapping[str, Any]) -> None:
        """Replace what the controller says of itself, and note when. Only what is different is written.

        ``hosts``: what there is to say of each, with the ports that are there (``located``); ``progress``: what of that
        is another with each change of the model; whatever else.
        """
        reports = _reports({**status, "written": time.time()})
        known = self._reported
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
        self._reported = reports

    def read_status(self) -> dict[str, Any]:
        """What the controller said of itself last, and when (``written``); empty when it never did."""
        rows = self._database.select(STATUS, ["host", "report", VERSION])
        self._status_read = [{VERSION: row[VERSION]} for row in rows if row["host"] == ""]
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
        self._status_read = [{VERSION: row[VERSION]} for row in rows]
        for row in rows:
            own = json.loads(row["report"])
            return {name: own[name] for name in ("generation", "progress", "switches")}
        return {}

    def await_status(self, seconds: float) -> None:
        """Wait until the controller says something else than what was read last, but not longer than some seconds."""
        self._database.wait_unlike(STATUS, _OWN, self._status_read, seconds)

    def history(self) -> list[HistoryEntry]:
        """The changes that are remembered, the last one first."""
        return history.entries(self._database)

    def difference(self, generation: int) -> tuple[HistoryEntry, list[ChangedObject]]:
        """What one change did, object by object. Raises :class:`NotFound`."""
        return history.entry(self._database, generation)

    def serve(self) -> AbstractContextManager[None]:
        """Hold the place of the one controller of this directory. Raises BlockingIOError when it is taken."""
        return self._lock.take()

    def is_served(self) -> bool:
        """Whether a controller runs on this directory."""
        return self._lock.is_taken()

    def _look(self) -> set[Key]:
        """Bring what is known up to date: the rows that are different."""
        try:
            return self._hear()
        except Unreachable:
            # The server was restarted since it was asked last, perhaps.
            return self._hear()

    def _hear(self, seconds: float | None = None) -> set[Key]:
        touched = self._database.look(seconds)
        self._content.touch(touched)
        return touched

    def _commit(self, made: Changes, about: Mapping[str, str], only: int | None = None) -> int:
        """Carry out changes of the model, all or nothing; the generation it is now.

        ``only``: the generation that they are meant for, and no other.
        """
        replica = self._database.replica
        first = replica.generation
        self._is_ours = not made
        for _ in range(_ATTEMPTS):
            if only is not None and replica.generation != only:
                raise EditConflict(self._outdated(only))
            if not made:
                return replica.generation
            identity = str(uuid4())
            generation = replica.generation + 1
            try:
                error = self._attempt(made, {**about, "id": identity, "who": _who(), GENERATION: generation})
            except Unreachable:
                touched = self._look_after_loss()
                error = None if history.is_recorded(self._database, identity) else "the store was lost"
            else:
                touched = self._look() if error is None else self._wait_for_news(error)
            if error is None:
                self._is_ours = touched <= made.keys() | {NETWORK} and replica.generation == first + 1
                return generation
            self._overtaken(made, first, touched)
        raise EditConflict(
            "others change the model all the time, or the store is lost again and again; nothing was changed"
        )

    def _attempt(self, made: Changes, about: Mapping[str, Any]) -> str | None:
        """Send changes as one transaction; why it was refused, if it was."""
        transaction = Transaction(self._database.replica)
        transaction.change(made)
        self._number(transaction, made)
        transaction.count()
        history.record(transaction, self._database, about, made)
        return error_of(self._database.transact(transaction.operations))

    def _number(self, transaction: Transaction, made: Changes) -> None:
        """Number what is new, and forget the numbers of what is gone."""
        for pool, table in NUMBERED.items():
            if any(key.table == table and None in (change.old, change.new) for key, change in made.items()):
                transaction.number(pool, numbered(pool, made, self._database.replica.numbers))

    def _look_after_loss(self) -> set[Key]:
        try:
            return self._look()
        except Unreachable as error:
            raise Unreachable(
                f"it is not known whether the change took place ('ovs-vpc history' shows it): {error}"
            ) from None

    def _overtaken(self, made: Changes, first: int, touched: set[Key]) -> None:
        """Returns when a change that did not take place can be tried again. Raises the reason why it cannot."""
        if not touched:
            return
        affected = {*made, *(key for k, change in made.items() for key in references(k, change.new or {}))}
        if clashes := sorted(str(key) for key in touched & affected):
            raise EditConflict(self._clash(clashes, first))
        rows = {key: self._database.replica.values(key) for key in self._database.replica}
        rows |= {key: change.new for key, change in made.items() if change.new is not None}
        recheck(build({key: values for key, values in rows.items() if key not in made or made[key].new is not None}))

    def _outdated(self, planned: int) -> str:
        """What to say of a plan that was made for an earlier generation."""
        return (
            f"the model has changed since the plan, which was for generation {planned} ({self._since(planned)}); "
            "nothing was changed. Look at the new plan"
        )

    def _since(self, generation: int) -> str:
        """Who changed the model after a generation."""
        since = "; ".join(str(entry) for entry in self.history() if entry.generation > generation)
        return since or "not by an ovs-vpc command"

    def _clash(self, clashes: list[str], first: int) -> str:
        objects = ", ".join(clashes[:10]) + (f" and {len(clashes) - 10} more" if len(clashes) > 10 else "")
        by = self._since(first)
        return f"somebody else changed {objects} meanwhile ({by}); nothing was changed. Look at it, and try again"

    def _wait_for_news(self, error: str) -> set[Key]:
        """What others changed, when the server has just refused something for that. Raises :class:`RequestFailed`."""
        touched: set[Key] = set()
        end = time.monotonic() + _NEWS_SECONDS
        while not touched and time.monotonic() < end:
            touched |= self._hear(_PAUSE)
        if not touched:
            raise RequestFailed(f"the store refuses the change: {error}")
        return touched


def _reports(status: Mapping[str, Any]) -> dict[str, Any]:
    """A status in parts, so that what changes on one host is written alone."""
    return {**status["hosts"], "": {key: value for key, value in status.items() if key != "hosts"}}


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
