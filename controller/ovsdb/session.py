"""The session with one host's database: facts out, contract in."""

import logging
from collections.abc import Callable
from time import monotonic

from ovs.db.idl import Transaction

from controller.ovsdb.columns import is_live, open_database
from controller.ovsdb.facts import facts
from controller.ovsdb.host_database import DatabaseReader, HostDatabase
from controller.ovsdb.integration_bridge import (
    ask_for_no_number,
    dial,
    end_flow_restore,
    has_taken,
    keep_contract,
    keep_instances,
    keep_serial,
    open_anew,
    other_number,
)
from controller.ovsdb.ownership import Ownership
from controller.ovsdb.problems import problems
from controller.ovsdb.settings import HostSettings
from controller.ovsdb.waits import Waits
from controller.ovsdb.writer import Writer
from flows.inputs.facts import HostFacts

logger = logging.getLogger(__name__)

LEISURE = 0.05
"""Seconds after a change until the contract is checked again. Flows go first: the switch takes none while it reads what
is written into its database.
"""
PATIENCE = 3.0
"""Seconds without the database until that is reported: a database that restarts is no news."""

LOOK_AGAIN = 0.2
"""Seconds until another look at whether the database is the host's."""

ASK_AGAIN = 1.0
"""Seconds that Open vSwitch has to give the tunnel port the number that it is asked for."""

UNREAD = 10.0
"""Seconds that ovs-vswitchd has to read anything that was written, until a problem is reported."""

_NOT_READ = (
    "no ovs-vswitchd reads its database: it is down, hangs, or was started on another database; "
    "'pgrep -a ovs-vswitchd' on the host shows its database, "
    "'systemctl restart openvswitch-switch' starts it on the usual one"
)

OnFacts = Callable[[str, HostFacts | None], None]
OnProblems = Callable[[str, frozenset[str]], None]
OnDrift = Callable[[str, str], None]
OnSerial = Callable[[str, str], None]
IsDialled = Callable[[int], bool]
"""Whether the switch of a datapath id is connected to this controller now."""


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
        self._on_drift = on_drift
        self._is_dialled = is_dialled
        self._on_serial = on_serial
        self._database = open_database(target)
        self._ownership = ownerships[host] = Ownership(host, target, self._database, ownerships)
        self._reader = DatabaseReader(self._database)
        self._transaction: Transaction | None = None
        self._looked_at: int | None = None  # change number of the database when it was last compared with the settings
        self._keep_at: float | None = None  # when it is to be compared
        self._right_with: HostSettings | None = None  # settings with which the contract was found kept
        self._marked: frozenset[str] = frozenset()  # interfaces that had their mark then
        self._redial = True  # a controller that has just started does not want to wait for the switch's next attempt
        self._must_redial = False  # whoever is connected with its datapath id
        self._serial: str | None = None  # what the switch must show
        self._kept_serial: str | None = None  # what it was found to have been told, when the contract was found kept
        self._is_urgent = False  # whether somebody waits for what is to be written
        self._taken: str | None = None  # what it has taken in
        self._restored = False
        self._facts: HostFacts | None = None
        self._reported: frozenset[str] = frozenset()
        self._refusal: str | None = None
        self._lost_at: float | None = monotonic()
        self._ask_again_at: float | None = None  # when the tunnel port's number, which is wrong, is asked for again
        self._behind: int | None = None  # what ``cur_cfg`` is, while ovs-vswitchd has not read all that was written
        self._behind_since = 0.0
        self._is_unread = False
        self._asked_about: int | None = None  # the wrong number for which that was done

    def set_settings(self, settings: HostSettings) -> bool:
        """Changes what must hold; the next ``run()`` writes it. Returns whether it differs from before."""
        if settings == self.settings:
            return False
        self.settings = settings
        self._looked_at = None
        return True

    def flows_restored(self) -> None:
        """The next ``run()`` with a live database clears ``flow-restore-wait``, once."""
        self._restored = True
        self._looked_at = None

    def redial(self) -> None:
        """The next ``run()`` with a live database makes the switch connect, once."""
        self._must_redial = self._is_urgent = True
        self._looked_at = None

    def give_serial(self, serial: str) -> None:
        """The serial number that the switch must show from now on."""
        if serial != self._serial:
            self._serial, self._is_urgent = serial, True
            self._looked_at = None

    def run(self) -> None:
        """Reads what came from the database, reports it, and writes what differs from the settings."""
        self._database.run()
        if not is_live(self._database):
            self._lost()
            return
        self._lost_at = None
        if self._transaction is not None:
            self._finish(self._transaction)
        if not self._is_ours():
            return
        if self._find_unread():
            self._looked_at = None
        if self._looked_at == self._database.change_seqno and not self._must_ask_again:
            self._keep_at = None
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
        if self._transaction is None and self._has_time():
            self._look_again_after_change()
            self._look_at_number(seen)
            self._keep(seen)
        others = [self._refusal] if self._refusal else []
        self._report({*problems(seen, self.settings), *others, *([_NOT_READ] if self._is_unread else [])})

    def _find_unread(self) -> bool:
        """Find out whether ovs-vswitchd reads what is written; progress counts. Returns whether that is news."""
        rows = self._database.tables["Open_vSwitch"].rows.values()
        behind = next((int(row.cur_cfg) for row in rows if row.cur_cfg < row.next_cfg), None)
        if behind != self._behind:
            self._behind, self._behind_since = behind, monotonic()
        is_unread = behind is not None and monotonic() - self._behind_since >= UNREAD
        is_news, self._is_unread = is_unread != self._is_unread, is_unread
        return is_news

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
        """Whether nothing has changed since everything was looked at, apart from the columns by which clients wait."""
        is_looked_at = self._looked_at is not None and self._keep_at is None and self._transaction is None
        return is_looked_at and self._taken == self._serial and not self._must_ask_again and not self._database.has_news

    def _has_time(self) -> bool:
        """Whether the contract must be checked now; if not, ``_keep_at`` says when."""
        if self._right_with is None or self._is_urgent:
            return True
        now = monotonic()
        self._keep_at = self._keep_at or now + LEISURE
        return now >= self._keep_at

    def wait(self, waits: Waits) -> None:
        """Says which events make the next ``run()`` useful."""
        self._database.wait(waits)
        remaining = 0.0 if self._lost_at is None else self._lost_at + PATIENCE - monotonic()
        if remaining > 0:
            waits.timer_wait(1000 * remaining)
        if self._ownership.is_waiting:
            waits.timer_wait(1000 * LOOK_AGAIN)
        unread_at = None if self._behind is None or self._is_unread else self._behind_since + UNREAD
        for at in (self._keep_at, self._ask_again_at, unread_at):
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
        self._keep_at = None

    def _lost(self) -> None:
        self._tell(None)
        self._ownership.lost()
        self._behind, self._is_unread = None, False
        self._transaction = None  # whether it was committed shows when the database is back
        self._looked_at = None
        self._keep_at = None
        self._lost_at = self._lost_at or monotonic()
        if monotonic() - self._lost_at >= PATIENCE:
            self._report({*self._reported, f"its database at {self.target} does not answer"})

    @property
    def _must_ask_again(self) -> bool:
        return self._ask_again_at is not None and monotonic() >= self._ask_again_at

    def _look_at_number(self, seen: HostDatabase) -> None:
        number = other_number(seen, self.settings)
        if number is None or number == self._asked_about:
            self._ask_again_at = None
            self._asked_about = number and self._asked_about
        elif self._ask_again_at is None:
            self._ask_again_at = monotonic() + ASK_AGAIN

    def _keep(self, seen: HostDatabase) -> None:
        write = Writer(self._database)
        if self._must_ask_again:
            # Once it is committed it is seen as wrong and repaired, which is no drift.
            self._ask_again_at = self._right_with = None
            self._asked_about = other_number(seen, self.settings)
            ask_for_no_number(seen, self.settings, write)
            self._commit(write)
            return
        deviations = self._keep_bridge(seen, write)
        others = len(write.changes)
        open_anew(seen, write)
        keep_instances(seen, self.settings, write)
        deviations += [change for change in write.changes[others:] if change.split()[0] in self._marked]
        if self._restored:
            end_flow_restore(seen, write)
            self._restored = False
        if not write.changes:
            write.transaction.abort()
            self._right_with, self._kept_serial = self.settings, self._serial
            self._marked = frozenset(seen.interfaces.marks)
            self._refusal = None
            return
        if deviations and self._right_with == self.settings:
            for deviation in deviations:
                self._on_drift(self._host, deviation)
        self._commit(write)

    def _keep_bridge(self, seen: HostDatabase, write: Writer) -> list[str]:
        """Write what differs on the integration bridge. Returns the differences that the controller did not make
        itself.
        """
        bridge = keep_contract(seen, self.settings, write)
        deviations = list(write.changes)
        if bridge is not None and self._serial is not None:
            keep_serial(seen, bridge, self._serial, write)
            if self._serial == self._kept_serial:
                deviations = list(write.changes)
        # What the database says of it may be 5 seconds old: that the controller which has just ended is connected.
        redial = self._must_redial or (self._redial and not self._is_dialled(self.settings.datapath_id))
        if redial and bridge is not None:
            dial(seen, bridge, self.settings, write)
        self._redial = self._must_redial = self._is_urgent = False
        return deviations

    def _commit(self, write: Writer) -> None:
        logger.info("%s: database: written: %s", self._host, "; ".join(write.changes))
        write.transaction.add_comment("ovs-vpc: " + "; ".join(write.changes))
        write.transaction.commit()
        self._transaction = write.transaction

    def _finish(self, transaction: Transaction) -> None:
        """A transaction that must be tried again needs no code here: the change that prevented it will come."""
        status = transaction.commit()
        if status == Transaction.INCOMPLETE:
            return
        self._transaction = None
        self._keep_at = monotonic()
        if status == Transaction.ERROR:
            self._refusal = f"its database refuses the changes: {transaction.get_error()}"
            self._report({*self._reported, self._refusal})

    def _tell(self, facts: HostFacts | None) -> None:
        if facts != self._facts:
            self._facts = facts
            self._on_facts(self._host, facts)

    def _tell_serial(self, seen: HostDatabase) -> None:
        if self._serial is not None and self._taken != self._serial and has_taken(seen, self._serial):
            self._taken = self._serial
            self._on_serial(self._host, self._serial)

    def _report(self, sentences: set[str]) -> None:
        if sentences != self._reported:
            self._reported = frozenset(sentences)
            self._on_problems(self._host, self._reported)
