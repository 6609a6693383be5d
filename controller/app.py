"""The only place that wires the parts together: store, databases, switches, sync."""

import logging
import os
import queue
import signal
import time
from pathlib import Path

from controller import metrics
from controller.events import Event, FactsChanged, HostProblems, SettingDrifted
from controller.ovsdb import HostSessions
from controller.store import Store
from controller.switch.sessions import listen
from controller.sync import Sync
from flows.model import InvalidModel

TICK = 0.05
"""Seconds between two looks at the clock and at the store."""
REPORT_SHARE = 4
"""After writing the status, the controller does other things for this many times as long."""

_log = logging.getLogger(__name__)


class App:
    """A controller on one state directory."""

    def __init__(self, store: Store, *, address: str, port: int, metrics_port: int, ovsdb_target: str) -> None:
        self._store = store
        self._events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        self._version: object = None
        self._report_at = 0.0
        self._address, self._port, self._metrics_port = address, port, metrics_port
        self._hosts = HostSessions(
            on_facts=lambda host, facts: self._events.put(FactsChanged(host, facts)),
            on_problems=lambda host, sentences: self._events.put(HostProblems(host, sentences)),
            on_drift=lambda host, words: self._events.put(SettingDrifted(host, words)),
        )
        self._sync = Sync(
            self._hosts.set_hosts,
            self._hosts.flows_restored,
            store.write_vlans,
            ovsdb_target=ovsdb_target,
            openflow_target=f"tcp:{address}:{port}",
            now=time.monotonic(),
            open_links=[(link, vlan) for link, vlan in store.read_status().get("open_links", [])],
        )

    def run(self) -> None:
        """Run until a signal ends the process."""
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _stop)
        listen(self._address, self._port, self._events.put)
        metrics.serve(self._metrics_port, self._sync)
        while True:
            self._take_events()
            self._look_at_store()
            # What is about to be opened must be known to a next controller, whenever this one ends.
            self._report()
            self._sync.pump(time.monotonic())

    def _take_events(self) -> None:
        """Wait a tick for an event; take all that came."""
        try:
            event = self._events.get(timeout=TICK)
            while True:
                self._sync.handle(event, time.monotonic())
                event = self._events.get_nowait()
        except queue.Empty:
            pass

    def _look_at_store(self) -> None:
        version = self._store.version()
        if version == self._version:
            return
        self._version = version
        try:
            stored = self._store.load()
        except (InvalidModel, ValueError, KeyError) as error:
            _log.error("model: the store cannot be read; the switches keep what they have: %s", error)
            return
        if stored is not None:
            self._sync.handle(stored, time.monotonic())

    def _report(self) -> None:
        """Write the status when it has changed; of a large network, not so often that it would take much time."""
        start = time.monotonic()
        if start < self._report_at and not self._sync.has_new_links:
            return
        status = self._sync.status()
        if status is not None:
            self._store.write_status(status)
            end = time.monotonic()
            self._report_at = end + REPORT_SHARE * (end - start)


def run(state: Path, *, address: str, port: int, metrics_port: int, ovsdb_target: str) -> None:
    """Run a controller. Raises BlockingIOError when one already runs on this directory."""
    store = Store(state)
    with store.serve():
        App(store, address=address, port=port, metrics_port=metrics_port, ovsdb_target=ovsdb_target).run()


def _stop(number: int, _frame: object) -> None:
    """End at once: everything that must outlive the process is in the store and in the switches.

    os-ken's accept thread cannot be asked to stop, so the ordinary way out would wait for it for ever.
    """
    _log.info("stopped by %s", signal.Signals(number).name)
    logging.shutdown()
    os._exit(0)
