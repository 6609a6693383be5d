"""The store of one state directory: the model and what belongs to it, whoever asks."""

import atexit
import logging
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import Any

from controller.store import history
from controller.store.committing import Committer
from controller.store.content import NUMBERED, CurrentContent, Stored
from controller.store.dry_run import DryRun, numbered
from controller.store.errors import NotFound
from controller.store.history import ChangedObject, HistoryEntry
from controller.store.rows.allocate import NumberAllocator
from controller.store.rows.changes import Changes, RowChange, changes
from controller.store.rows.mapping import sections
from controller.store.rows.rows import NETWORK, Key, rows_of_object, rows_of_settings
from controller.store.server.database import Database
from controller.store.server.lock import ControllerLock
from controller.store.status import StatusTable
from controller.store.vlans import Vlans, VlanTable
from flows.inputs.tags import Tags
from flows.model import AnyPort, Network

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
        self._content = CurrentContent(self._database)
        self._revision = 0
        self._had_model = False
        self._vlans = VlanTable(self._database)
        self._status = StatusTable(self._database)
        self._committer = Committer(self._database, self._content)
        directory.mkdir(parents=True, exist_ok=True)
        atexit.register(self.close)

    def __enter__(self) -> "Store":
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection until the store is used again."""
        self._database.close()
        self._status.forget()

    def apply(self, network: Network, *, comment: str = "") -> int:
        """Make this network the model, all of it or nothing. Returns the generation that the model is now.

        Raises :class:`EditConflict` when somebody else changed the same objects meanwhile.
        """
        generation = self.commit(self.compare(network), comment=comment)
        if self._committer.is_alone:
            self._content.put(network)
        return generation

    def compare(self, network: Network) -> Changes:
        """What would have to change for this network to be the model."""
        self._content.look()
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
        """The present model, and what would change if this network were the model."""
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
        return self._committer.commit(made, {"verb": "apply", "comment": comment, "file": next(files, "")}, generation)

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
        self._content.look()
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
        return self._committer.commit(made, {"verb": verb, "comment": comment})

    def load(self) -> Stored | None:
        """What was applied last; None when nothing ever was."""
        self._content.look()
        self._revision = self._database.replica.revision
        return self._content.stored()

    def news(self, seconds: float) -> Stored | None:
        """The model, when it is another one than at the last time; waits some seconds for that.

        Raises :class:`StoreError`. A store that has lost its model has no news: nobody wanted that.
        """
        is_known = self._database.replica.revision == self._revision
        self._content.look(seconds if is_known else 0)
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
        """Replace the controller's status, and note when (:meth:`StatusTable.write`)."""
        self._status.write(status)

    def read_status(self) -> dict[str, Any]:
        """The controller's last status, and when it was written (``written``); empty when there is none."""
        return self._status.read()

    def read_progress(self) -> dict[str, Any]:
        """Of that only how far hosts and plain switches are (:meth:`StatusTable.read_progress`)."""
        return self._status.read_progress()

    def await_status(self, seconds: float) -> None:
        """Wait until the status differs from what was read last, but not longer than some seconds."""
        self._status.wait(seconds)

    def history(self) -> list[HistoryEntry]:
        """The changes that are remembered, the last one first."""
        return history.entries(self._database)

    def difference(self, generation: int) -> tuple[HistoryEntry, list[ChangedObject]]:
        """What one change did, object by object. Raises :class:`NotFound`."""
        return history.entry(self._database, generation)

    def serve(self) -> AbstractContextManager[None]:
        """Become the one controller of this directory. Raises BlockingIOError when there is one already."""
        return self._lock.take()

    def is_served(self) -> bool:
        """Whether a controller runs on this directory."""
        return self._lock.is_taken()
