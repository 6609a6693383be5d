"""The only place that wires the parts together: store, databases, switches, sync."""

import gc
import logging
import math
import os
import queue
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from controller import process_clock
from controller.openflow.sessions import SwitchDown, SwitchEvent, SwitchUp, listen
from controller.ovsdb import HostSessions
from controller.reconcile.events import Event, FactsChanged, HostProblems, SerialTaken, SettingDrifted
from controller.reconcile.sync import Sync
from controller.status import metrics
from controller.status.report import before
from controller.status.status import open_links, parse_status
from controller.store import Store, StoreWatch

TICK = 0.05
"""Seconds between two looks at the clock."""
REPORT_SHARE = 4
"""After giving out the status, the controller does other things for this many times as long."""

_THREAD_SECONDS = 0.0005
"""For which a thread keeps the interpreter when others want it. Python's own choice is ten times as long."""

_log = logging.getLogger(__name__)


class App:
    """A controller on one store, whose place it holds."""

    def __init__(
        self,
        store: StoreWatch,
        events: queue.SimpleQueue[Event],
        *,
        address: str,
        port: int,
        metrics_port: int,
        ovsdb_target: str,
    ) -> None:
        """``store`` puts what it has to tell into ``events``. It is not started yet, and whoever made it stops it."""
        self._events = events
        self._store = store
        self._report_at = 0.0
        self._report_by = math.inf
        self._address, self._port, self._metrics_port = address, port, metrics_port
        self._dialled: Counter[int] = Counter()
        """How many sessions there are with each datapath id: known before that event is taken."""
        self._hosts = HostSessions(
            on_facts=lambda host, facts: self._events.put(FactsChanged(host, facts)),
            on_problems=lambda host, sentences: self._events.put(HostProblems(host, sentences)),
            on_drift=lambda host, words: self._events.put(SettingDrifted(host, words)),
            is_dialled=lambda datapath_id: self._dialled[datapath_id] > 0,
            on_serial=lambda host, serial: self._events.put(SerialTaken(host, serial)),
        )
        self._sync = Sync(
            self._hosts,
            self._store,
            before(parse_status(store.read_written())),
            ovsdb_target=ovsdb_target,
            openflow_target=f"tcp:{address}:{port}",
        )

    def run(self) -> None:
        """Run until a signal ends the process."""
        listen(self._address, self._port, self._heard)
        metrics.serve(self._metrics_port, self._sync)
        self._store.start()
        while True:
            # What is found out may take long, and what comes meanwhile is not known before the next round: so
            # nobody is late but by the time at which all was known.
            now = self._take_events()
            self._report_by = min(self._report_by, time.monotonic() + TICK)
            self._sync.follow(now)
            self._sync.pump(now, open_links(self._store.written))
            self._report()

    def _heard(self, event: SwitchEvent) -> None:
        """A switch said something, or came or went."""
        match event:
            case SwitchUp(session):
                self._dialled[session.datapath_id] += 1
            case SwitchDown(session):
                self._dialled[session.datapath_id] -= 1
        self._events.put(event)

    def _take_events(self) -> float:
        """Wait for an event, but no longer than a tick or until a report is due; take all that came, until when.

        What comes meanwhile has its turn after what follows from these: else a flood would leave no time for that.
        """
        until_report = self._report_at - time.monotonic()
        try:
            event = self._events.get(timeout=min(TICK, until_report) if until_report > 0 else TICK)
            for _ in range(self._events.qsize()):
                self._sync.handle(event, process_clock.now())
                event = self._events.get_nowait()
            self._sync.handle(event, process_clock.now())
        except queue.Empty:
            pass
        return process_clock.now()

    def _report(self) -> None:
        """Give out the status when it has changed; of a large network, not so often that it would take much time.

        While switches are sent something it is about to change again. So it waits until they have confirmed, or a tick.
        """
        start = time.monotonic()
        is_early = start < self._report_at or (start < self._report_by and self._sync.is_sending)
        if not self._sync.has_model or (is_early and not self._sync.has_new_links):
            return
        self._report_by = math.inf
        status = self._sync.status()
        if status is not None:
            self._store.report(status)
            end = time.monotonic()
            self._report_at = end + REPORT_SHARE * (end - start)


def _switch_threads_often() -> None:
    """Let a thread that has something to do go on soon: a change passes through several, while others are at work."""
    sys.setswitchinterval(_THREAD_SECONDS)


def run(state: Path, *, address: str, port: int, metrics_port: int, ovsdb_target: str) -> None:
    """Run a controller. Raises BlockingIOError when one already runs on this directory."""
    store = Store(state)
    with store.serve():
        gc.freeze()  # modules are no garbage
        _switch_threads_often()
        events: queue.SimpleQueue[Event] = queue.SimpleQueue()
        watch = StoreWatch(store, events.put, events.put)
        try:
            # A signal may come at any moment from here on, also before the loop begins: what was begun is ended.
            try:
                _end_by_signals()
                App(
                    watch,
                    events,
                    address=address,
                    port=port,
                    metrics_port=metrics_port,
                    ovsdb_target=ovsdb_target,
                ).run()
            finally:
                watch.stop()
        except _Stopped as stopped:
            _log.info("stopped by %s", stopped)
        # Everything that must outlive the process is in the store and in the switches. os-ken's accept thread
        # cannot be asked to stop, so the ordinary way out would wait for it for ever.
        logging.shutdown()
        os._exit(0)


class _Stopped(BaseException):
    """A signal asked for the end."""


def _end_by_signals() -> None:
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, _stop)


def _stop(number: int, _frame: object) -> None:
    for other in (signal.SIGTERM, signal.SIGINT):
        signal.signal(other, signal.SIG_IGN)
    raise _Stopped(signal.Signals(number).name)
