"""The session with one host's database: facts out, contract in."""

from collections.abc import Callable
from time import monotonic

from controller.ovsdb.contract.integration_bridge import has_taken
from controller.ovsdb.contract.keeper import ContractKeeper, IsDialled, OnDrift
from controller.ovsdb.contract.problems import problems
from controller.ovsdb.contract.settings import HostSettings
from controller.ovsdb.contract.unread import NOT_READ, UnreadChanges
from controller.ovsdb.database.columns import is_live, open_database
from controller.ovsdb.database.facts import facts
from controller.ovsdb.database.host_database import DatabaseReader, HostDatabase
from controller.ovsdb.ownership import Ownership
from controller.ovsdb.waits import Waits
from flows.inputs.facts import HostFacts

PATIENCE = 3.0
"""Seconds without the database until that is reported: a database that restarts is no news."""

LOOK_AGAIN = 0.2
"""Seconds until another look at whether the database is the host's."""

OnFacts = Callable[[str, HostFacts | None], None]
OnProblems = Callable[[str, frozenset[str]], None]
OnSerial = Callable[[str, str], None]


class HostSession:
    """One host. Not thread-safe: ``HostSessions`` calls everything from its thread."""

    def __init__(
        self,
        host: str,
        target: str,
        settings: HostSettings,
        on_facts: OnFacts,
        on_problems: OnProblems,
        on_drift: OnDrift,
        is_dialled: IsDialled,
        on_serial: OnSerial,
        ownerships: dict[str, Ownership],
    ) -> None:
        """``ownerships``: those of all hosts, by name; this session adds its own."""
        self.target = target
        self._host = host
        self.settings = settings
        self._on_facts = on_facts
        self._on_problems = on_problems
        self._on_serial = on_serial
        self._database = open_database(target)
        self._ownership = ownerships[host] = Ownership(host, target, self._database, ownerships)
        self._reader = DatabaseReader(self._database)
        self._keeper = ContractKeeper(host, self._database, on_drift, is_dialled)
        self._unread = UnreadChanges(self._database)
        self._looked_at: int | None = None  # change number of the database when it was last compared with the settings
        self._taken: str | None = None  # the serial number that the switch has taken in
        self._facts: HostFacts | None = None
        self._reported: frozenset[str] = frozenset()
        self._lost_at: float | None = monotonic()

    def set_settings(self, settings: HostSettings) -> bool:
        """Changes what must hold; the next ``run()`` writes it. Returns whether it differs from before."""
        if settings == self.settings:
            return False
        self.settings = settings
        self._looked_at = None
        return True

    def flows_restored(self) -> None:
        """The next ``run()`` with a live database clears ``flow-restore-wait``, once."""
        self._keeper.flows_restored()
        self._looked_at = None

    def redial(self) -> None:
        """The next ``run()`` with a live database makes the switch connect, once."""
        self._keeper.redial()
        self._looked_at = None

    def give_serial(self, serial: str) -> None:
        """The serial number that the switch must show from now on."""
        if serial != self._keeper.serial:
            self._keeper.give_serial(serial)
            self._looked_at = None

    def run(self) -> None:
        """Reads what came from the database, reports it, and writes what differs from the settings."""
        self._database.run()
        if not is_live(self._database):
            self._lost()
            return
        self._lost_at = None
        if self._keeper.finish() and self._keeper.refusal is not None:
            self._report({*self._reported, self._keeper.refusal})
        if not self._is_ours():
            return
        if self._unread.look():
            self._looked_at = None
        if self._looked_at == self._database.change_seqno and not self._keeper.number.is_due:
            self._keeper.keep_at = None
            return
        if self._has_nothing_new:
            self._looked_at = self._database.change_seqno
            return
        seen = self._reader.look()
        if seen is None:
            self._look_again_after_change()
            self._tell(None)
            self._report({"its database is empty: start Open vSwitch there once, or run `ovs-vsctl init`"})
            return
        self._tell(facts(seen, self.settings))
        self._tell_serial(seen)
        if self._keeper.may_keep():
            self._look_again_after_change()
            self._keeper.keep(seen, self.settings)
        others = [self._keeper.refusal] if self._keeper.refusal else []
        self._report({*problems(seen, self.settings), *others, *([NOT_READ] if self._unread.is_unread else [])})

    def _is_ours(self) -> bool:
        """Whether the database is this host's own; if not, nothing in it counts."""
        refusal = self._ownership.refusal()
        if refusal is None:
            return True
        self._looked_at = None
        if refusal:
            self._tell(None)
            self._report({refusal})
        return False

    @property
    def _has_nothing_new(self) -> bool:
        """Whether only what somebody else waits for has changed since everything was looked at."""
        is_looked_at = self._looked_at is not None and self._keeper.is_at_rest and not self._keeper.number.is_due
        return is_looked_at and self._taken == self._keeper.serial and not self._database.has_news

    def wait(self, waits: Waits) -> None:
        """Says which events make the next ``run()`` useful."""
        self._database.wait(waits)
        remaining = 0.0 if self._lost_at is None else self._lost_at + PATIENCE - monotonic()
        if remaining > 0:
            waits.timer_wait(1000 * remaining)
        if self._ownership.is_waiting:
            waits.timer_wait(1000 * LOOK_AGAIN)
        for at in (self._keeper.keep_at, self._keeper.number.ask_at, self._unread.due_at):
            if at is not None:
                waits.timer_wait(1000 * max(0.0, at - monotonic()))

    def close(self) -> None:
        """Ends the session; nothing on the host changes."""
        self._database.close()

    def forget(self) -> None:
        """Ends the session for one with another database: what was known of the host no longer holds."""
        self.close()
        self._tell(None)

    def _look_again_after_change(self) -> None:
        self._looked_at = self._database.change_seqno
        self._keeper.keep_at = None

    def _lost(self) -> None:
        self._tell(None)
        self._ownership.lost()
        self._unread.lost()
        self._keeper.lost()
        self._looked_at = None
        self._lost_at = self._lost_at or monotonic()
        if monotonic() - self._lost_at >= PATIENCE:
            self._report({*self._reported, f"its database at {self.target} does not answer"})

    def _tell(self, facts: HostFacts | None) -> None:
        if facts != self._facts:
            self._facts = facts
            self._on_facts(self._host, facts)

    def _tell_serial(self, seen: HostDatabase) -> None:
        serial = self._keeper.serial
        if serial is not None and self._taken != serial and has_taken(seen, serial):
            self._taken = serial
            self._on_serial(self._host, serial)

    def _report(self, sentences: set[str]) -> None:
        if sentences != self._reported:
            self._reported = frozenset(sentences)
            self._on_problems(self._host, self._reported)
