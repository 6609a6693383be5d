"""The sessions with the databases of all hosts."""

import logging
import os
import select
from collections.abc import Callable, Mapping
from threading import Lock, Thread
from typing import TypeVar

from controller.ovsdb.contract.keeper import IsDialled, OnDrift
from controller.ovsdb.contract.settings import HostSettings
from controller.ovsdb.database.columns import RETRY_INTERVAL
from controller.ovsdb.ownership import Ownership
from controller.ovsdb.session import HostSession, OnFacts, OnProblems, OnSerial
from controller.ovsdb.waits import Sleeper, Waits

logger = logging.getLogger(__name__)

_Report = TypeVar("_Report")

_COMMANDS = ""
"""Name of the wake-up for calls from other threads; no host has it."""


class HostSessions:
    """Keeps one session to every host's own database, and by it the host's bridges right.

    One thread serves all hosts. It calls ``on_facts(host, facts)`` when a host's facts have changed (None: its database
    or its integration bridge is gone). It calls ``on_problems(host, sentences)`` with all present problems when they
    have changed. It calls ``on_drift(host, words)`` for each setting that somebody else changed and that is repaired.
    It calls ``on_serial(host, serial)`` when a switch has taken in a serial number that it was given. ``is_dialled``
    tells it which switches need not be made to dial. None of them may block or call ``stop()``. A host that was removed
    a moment ago may still be reported once. What happens on several hosts in one moment, as when an instance moves, is
    reported together.
    """

    def __init__(
        self,
        on_facts: OnFacts,
        on_problems: OnProblems,
        on_drift: OnDrift,
        is_dialled: IsDialled,
        on_serial: OnSerial = lambda host, serial: None,
    ) -> None:
        self._on_facts = self._later(on_facts)
        self._on_problems = self._later(on_problems)
        self._on_drift = self._later(on_drift)
        self._is_dialled = is_dialled
        self._on_serial = self._later(on_serial)
        self._news: list[tuple[str, Callable[[], None]]] = []
        """What is to be reported, and of which host."""
        self._lock = Lock()
        self._wanted: dict[str, tuple[str, HostSettings]] = {}
        self._restored: set[str] = set()
        self._redialled: set[str] = set()
        self._serials: dict[str, str] = {}
        self._given: set[str] = set()
        """The hosts that have a serial number of which their sessions do not know."""
        self._stopping = False
        self._wake = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        self._sleeper = Sleeper()
        self._sessions: dict[str, HostSession] = {}
        self._ownerships: dict[str, Ownership] = {}
        self._thread = Thread(target=self._serve, name="ovsdb", daemon=True)
        self._thread.start()

    def set_hosts(self, hosts: Mapping[str, tuple[str, HostSettings]]) -> None:
        """Replaces the hosts: name -> (OVSDB target, settings). Any thread; returns at once.

        The session with a host that is no longer named ends; what is on that host stays as it is.
        """
        with self._lock:
            self._wanted = dict(hosts)
        os.eventfd_write(self._wake, 1)

    def flows_restored(self, host: str) -> None:
        """Clears the host's ``flow-restore-wait``, if set. To be called when its switch has confirmed its flows.

        Whoever restarts ovs-vswitchd sets that key before (``ovs-ctl restart`` does) and clears it when the flows are
        back. Until then ovs-vswitchd leaves the datapath's old flows alone and connects to no controller
        (ovs-vswitchd.conf.db(5)). So the controller cannot restore flows during the wait, and does not set the key.
        (Open vSwitch 3.1.0 even drops the flows restored until then when the key is cleared, because it takes the
        controller for a new one.) Set on a running switch, the key does nothing until the next start. A switch whose
        flows were confirmed is therefore not waiting: a key that is still there was forgotten, and would cut the host
        off at its next restart.

        Any thread; returns at once; waits for the database; hosts that are not set are ignored.
        """
        with self._lock:
            self._restored.add(host)
        os.eventfd_write(self._wake, 1)

    def redial(self, host: str) -> None:
        """Makes the switch of a host dial the controller now. Any thread; returns at once; waits for the database."""
        with self._lock:
            self._redialled.add(host)
        os.eventfd_write(self._wake, 1)

    def give_serial(self, host: str, serial: str) -> None:
        """The serial number that the switch of a host must show. Any thread; returns at once; waits for the
        database.
        """
        with self._lock:
            self._serials[host] = serial
            self._given.add(host)
        os.eventfd_write(self._wake, 1)

    def stop(self) -> None:
        """Ends all sessions and the thread; no callback comes after it returns."""
        with self._lock:
            self._stopping = True
        os.eventfd_write(self._wake, 1)
        self._thread.join()
        os.close(self._wake)

    def _serve(self) -> None:
        waits = Waits()
        waits.fd_wait(self._wake, select.POLLIN)
        self._sleeper.arm(_COMMANDS, waits)
        while not self._stopping:
            self._attend(self._sleeper.sleep())
            self._attend(self._sleeper.sleep(wait=False))  # what came meanwhile is told together with it
            self._tell()
        for session in self._sessions.values():
            session.close()

    def _attend(self, due: set[str]) -> None:
        if _COMMANDS in due:
            due |= self._obey()
        for host in due & self._sessions.keys():
            self._run(host)

    def _later(self, report: Callable[[str, _Report], None]) -> Callable[[str, _Report], None]:
        return lambda host, told: self._news.append((host, lambda: report(host, told)))

    def _tell(self) -> None:
        news, self._news = self._news, []
        for host, tell in news:
            try:
                tell()
            except Exception:
                self._begin_anew(host)

    def _obey(self) -> set[str]:
        """Takes over what other threads asked for; returns the hosts that have something to do by that."""
        os.eventfd_read(self._wake)
        with self._lock:
            wanted, restored, redialled = self._wanted, self._restored, self._redialled
            given = self._given
            self._restored, self._redialled, self._given = set(), set(), set()
        for host in self._sessions.keys() - wanted.keys():
            self._sleeper.disarm(host)
            self._sessions.pop(host).close()
            del self._ownerships[host]
        due = restored & wanted.keys()
        for host, (target, settings) in wanted.items():
            session = self._sessions.get(host)
            if session is not None and session.target == target:
                if session.set_settings(settings):
                    due.add(host)
                continue
            if session is not None:
                self._sleeper.disarm(host)  # the next session to be opened may get its socket's number
                session.forget()
            self._sessions[host] = self._open(host, target, settings)
            due.add(host)
        for host in restored & wanted.keys():
            self._sessions[host].flows_restored()
        for host in redialled & wanted.keys():
            self._sessions[host].redial()
        for host in given & wanted.keys():
            self._sessions[host].give_serial(self._serials[host])
        return due | (redialled | given) & wanted.keys()

    def _open(self, host: str, target: str, settings: HostSettings) -> HostSession:
        listeners = (self._on_facts, self._on_problems, self._on_drift, self._is_dialled, self._on_serial)
        session = HostSession(host, target, settings, *listeners, self._ownerships)
        if host in self._serials:
            session.give_serial(self._serials[host])
        return session

    def _run(self, host: str) -> None:
        waits = Waits()
        try:
            self._sessions[host].run()
            self._sessions[host].wait(waits)
        except Exception:
            self._begin_anew(host)
            return
        self._sleeper.arm(host, waits)

    def _begin_anew(self, host: str) -> None:
        """A fault with one host, or in a callback about it, must not stop the others: that host starts anew."""
        logger.exception("%s: database: the session failed; a new one follows", host)
        failed = self._sessions.get(host)
        if failed is None:
            return
        failed.close()
        self._sessions[host] = self._open(host, failed.target, failed.settings)
        waits = Waits()
        waits.timer_wait(RETRY_INTERVAL)
        self._sleeper.arm(host, waits)
