"""Keeps what must hold in one host's database: when it is looked after, what is written, and what became of that."""

import logging
from collections.abc import Callable
from time import monotonic

from ovs.db.idl import Transaction

from controller.ovsdb.contract.integration_bridge import (
    ask_for_no_number,
    dial,
    end_flow_restore,
    keep_contract,
    keep_instances,
    keep_serial,
    open_anew,
)
from controller.ovsdb.contract.settings import HostSettings
from controller.ovsdb.contract.tunnel_number import TunnelNumber
from controller.ovsdb.contract.writer import Writer
from controller.ovsdb.database.columns import Replica
from controller.ovsdb.database.host_database import HostDatabase

LEISURE = 0.05
"""Seconds after a change until the contract is checked again. Flows go first: the switch takes none while it reads what
is written into its database.
"""

OnDrift = Callable[[str, str], None]
IsDialled = Callable[[int], bool]
"""Whether the switch of a datapath id is connected to this controller now."""

_log = logging.getLogger(__name__)


class ContractKeeper:
    """The contract of one host."""

    def __init__(self, host: str, database: Replica, on_drift: OnDrift, is_dialled: IsDialled) -> None:
        self.serial: str | None = None
        """What serial number the switch must show."""
        self.refusal: str | None = None
        """Why the database refused what was written last."""
        self.keep_at: float | None = None
        """When the contract is to be checked."""
        self.number = TunnelNumber()
        self._host = host
        self._database = database
        self._on_drift = on_drift
        self._is_dialled = is_dialled
        self._transaction: Transaction | None = None
        self._right_with: HostSettings | None = None
        """The settings with which the contract was found kept."""
        self._marked: frozenset[str] = frozenset()
        """The interfaces that had their mark then."""
        self._kept_serial: str | None = None
        """The serial number that the switch had been told then."""
        self._redial = True
        """A controller that has just started does not want to wait for the switch's next attempt."""
        self._must_redial = False
        """The same whoever is connected with its datapath id."""
        self._is_urgent = False
        """Whether somebody waits for what is to be written."""
        self._restored = False

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing was written of which it is not known what became, and nothing is to be looked after."""
        return self.keep_at is None and self._transaction is None

    def flows_restored(self) -> None:
        """``flow-restore-wait`` is to be cleared, once."""
        self._restored = True

    def redial(self) -> None:
        """The switch is to dial, once."""
        self._must_redial = self._is_urgent = True

    def give_serial(self, serial: str) -> None:
        """The serial number that the switch must show from now on."""
        self.serial, self._is_urgent = serial, True

    def lost(self) -> None:
        """The database is out of reach: whether what was written was committed shows when it is back."""
        self._transaction = None
        self.keep_at = None

    def may_keep(self) -> bool:
        """Whether the contract must be checked now; if not, ``keep_at`` may say when."""
        if self._transaction is not None:
            return False
        if self._right_with is None or self._is_urgent:
            return True
        now = monotonic()
        self.keep_at = self.keep_at or now + LEISURE
        return now >= self.keep_at

    def finish(self) -> bool:
        """Find out whether what was written is committed. Returns whether the database refused it.

        A transaction that must be tried again needs no code here: the change that prevented it will come.
        """
        if self._transaction is None:
            return False
        status = self._transaction.commit()
        if status == Transaction.INCOMPLETE:
            return False
        refused = self._transaction.get_error() if status == Transaction.ERROR else None
        self._transaction = None
        self.keep_at = monotonic()
        if refused is None:
            return False
        self.refusal = f"its database refuses the changes: {refused}"
        return True

    def keep(self, seen: HostDatabase, settings: HostSettings) -> None:
        """Write what differs from the contract. ``settings``: what it says."""
        self.number.look(seen, settings)
        write = Writer(self._database)
        if self.number.is_due:
            # Once it is committed it is seen as wrong and repaired, which is no drift.
            self._right_with = None
            self.number.asked(seen, settings)
            ask_for_no_number(seen, settings, write)
            self._commit(write)
            return
        deviations = self._keep_bridge(seen, settings, write)
        others = len(write.changes)
        open_anew(seen, write)
        keep_instances(seen, settings, write)
        deviations += [change for change in write.changes[others:] if change.split()[0] in self._marked]
        if self._restored:
            end_flow_restore(seen, write)
            self._restored = False
        if not write.changes:
            write.transaction.abort()
            self._right_with, self._kept_serial = settings, self.serial
            self._marked = frozenset(seen.interfaces.marks)
            self.refusal = None
            return
        if deviations and self._right_with == settings:
            for deviation in deviations:
                self._on_drift(self._host, deviation)
        self._commit(write)

    def _keep_bridge(self, seen: HostDatabase, settings: HostSettings, write: Writer) -> list[str]:
        """Write what differs on the integration bridge. Returns the differences that the controller did not make
        itself.
        """
        bridge = keep_contract(seen, settings, write)
        deviations = list(write.changes)
        if bridge is not None and self.serial is not None:
            keep_serial(seen, bridge, self.serial, write)
            if self.serial == self._kept_serial:
                deviations = list(write.changes)
        # What the database says of it may be 5 seconds old: that the controller which has just ended is connected.
        redial = self._must_redial or (self._redial and not self._is_dialled(settings.datapath_id))
        if redial and bridge is not None:
            dial(seen, bridge, settings, write)
        self._redial = self._must_redial = self._is_urgent = False
        return deviations

    def _commit(self, write: Writer) -> None:
        _log.info("%s: database: written: %s", self._host, "; ".join(write.changes))
        write.transaction.add_comment("ovs-vpc: " + "; ".join(write.changes))
        write.transaction.commit()
        self._transaction = write.transaction
