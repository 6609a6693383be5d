"""Watching the store from a thread of its own: the rest of the controller never waits for it."""

import logging
import queue
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from controller.store.content import Stored
from controller.store.errors import EditConflict, InvalidContent, RequestFailed, StoreError, Unreachable
from controller.store.store import Store
from controller.store.vlans import Vlans

_TICK = 1.0
"""Seconds until the store is looked after when nobody wants anything of it."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0
"""Seconds between attempts to reach a store that is lost."""
_PATIENCE = 5.0
"""Seconds for what is under way when the controller is ended."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VlansKept:
    """The store has these local VLANs."""

    vlans: Vlans


class StoreWatch:
    """Tells of each new model, keeps local VLANs and each new status, and comes back when the store was lost."""

    def __init__(
        self,
        store: Store,
        on_model: Callable[[Stored], None],
        on_vlans: Callable[[VlansKept], None],
    ) -> None:
        """``on_model`` and ``on_vlans`` are called from the thread."""
        self.written: Mapping[str, Any] = {}
        """The last status that is in the store, as far as it was written or read here."""
        self._store = store
        self._on_model = on_model
        self._on_vlans = on_vlans
        self._vlans: queue.SimpleQueue[Vlans] = queue.SimpleQueue()
        self._unkept: Vlans | None = None
        self._arrivals: queue.SimpleQueue[tuple[str, str]] = queue.SimpleQueue()
        self._unkept_arrival: tuple[str, str] | None = None
        self._status: Mapping[str, Any] | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="store", daemon=True)
        self._lost_at: float | None = None
        self._pause = _FIRST_PAUSE

    def read_written(self) -> Mapping[str, Any]:
        """The status as an earlier controller left it. To be asked before :meth:`start`."""
        self.written = self._store.read_status()
        return self.written

    def start(self) -> None:
        self._thread.start()

    def report(self, status: Mapping[str, Any]) -> None:
        """Write this status, as soon as that can be done. It must not change any more."""
        self._status = status
        self._store.interrupt()

    def keep(self, vlans: Vlans) -> None:
        """Write these VLANs, as soon as that can be done; :class:`VlansKept` says when the disk has them."""
        self._vlans.put(vlans)
        self._store.interrupt()

    def arrive(self, port: str, host: str) -> None:
        """Make the host that a port has moved to the one of the model, as soon as that can be done."""
        self._arrivals.put((port, host))
        self._store.interrupt()

    def stop(self) -> None:
        """End the thread, if it was started, and leave the store."""
        self._stopping.set()
        self._store.interrupt()
        if self._thread.ident is not None:
            self._thread.join(_PATIENCE)
        if not self._thread.is_alive():
            self._store.close()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                self._look()
            except InvalidContent as error:
                _log.error("store: the model cannot be read; the switches keep what they have: %s", error)
            except StoreError as error:
                self._lost(error)

    def _look(self) -> None:
        stored = self._store.news(0 if self._has_more else _TICK)
        if stored is not None:
            self._on_model(stored)
        self._keep_arrivals()
        self._keep_vlans()
        self._write_status()
        self._back()

    @property
    def _has_more(self) -> bool:
        kept = self._status is None and self._unkept is None and self._unkept_arrival is None
        return not (kept and self._vlans.empty() and self._arrivals.empty())

    def _keep_arrivals(self) -> None:
        while self._unkept_arrival is not None or not self._arrivals.empty():
            port, host = self._unkept_arrival = self._unkept_arrival or self._arrivals.get()
            try:
                self._store.arrive(port, host)
            except (EditConflict, RequestFailed) as error:
                _log.warning("store: %s has moved to %s, but that is not in the model: %s", port, host, error)
            self._unkept_arrival = None

    def _keep_vlans(self) -> None:
        while not self._vlans.empty():
            self._unkept = self._vlans.get()
        if self._unkept is not None:
            self._store.write_vlans(self._unkept)
            self._on_vlans(VlansKept(self._unkept))
            self._unkept = None

    def _write_status(self) -> None:
        status, self._status = self._status, None
        if status is not None:
            try:
                self._store.write_status(status)
                self.written = status
            except Unreachable:
                self._status = self._status or status
                raise

    def _lost(self, error: StoreError) -> None:
        if self._lost_at is None:
            self._lost_at = time.monotonic()
            _log.warning("store: out of reach; the switches keep what they have: %s", error)
        self._stopping.wait(self._pause)
        self._pause = min(2 * self._pause, _LONGEST_PAUSE)

    def _back(self) -> None:
        if self._lost_at is not None:
            _log.info("store: back after %.1f s", time.monotonic() - self._lost_at)
            self._lost_at = None
            self._pause = _FIRST_PAUSE
