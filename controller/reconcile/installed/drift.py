"""Changes by others to the flows of one switch: found, described, and noted as wrong.

The switch reports each change that others make (:class:`~controller.openflow.decode.Update`); now and then it is asked
for its flows as well. Either way what is held is corrected here, and the difference from what is wanted does the rest.
Flows of other owners are left alone.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from controller.openflow.compare import altered, is_as_sent, is_in_place
from controller.openflow.decode import REMOVED, ReportedFlow, Update
from controller.reconcile.installed.flow_dump import FlowDump
from controller.reconcile.installed.flows import InstalledFlows
from controller.status.tally import Tally
from flows.compile.desired import Desired
from flows.openflow.flow import COOKIE_OWNER
from flows.pipeline.page import table_name

LINES = 10
"""Lines of log in one second about one host's flows; what goes beyond is only counted."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class DriftMonitor:
    """Watches the flows of one host's switch."""

    host: str
    drifted: Tally
    clock: Callable[[], float]
    """Seconds since 1970."""
    _second: int = 0
    _said: int = 0
    _unsaid: int = 0
    _strays: list[ReportedFlow] = field(default_factory=list)

    def updated(self, update: Update, held: InstalledFlows, desired: Desired) -> None:
        """Somebody else changed a flow."""
        entry = update.entry
        if entry is None or entry.cookie >> 56 != COOKIE_OWNER:
            return
        wanted = desired.flows.get(entry.cookie)
        if update.event == REMOVED:
            if wanted is None or is_in_place(wanted, entry):
                self._lose(entry.cookie, held, desired, "deleted")
        else:
            self._judge(entry, held, desired)

    def compared(self, reading: FlowDump, held: InstalledFlows, desired: Desired, table: int | None = None) -> None:
        """Flows were read: all of ours, or those of one table."""
        held.take(desired.among(reading.cookies))
        for entry in reading.unknown(desired.flows.keys()):
            self._judge(entry, held, desired)
        for cookie in held.cookies(table) - reading.cookies:
            self._lose(cookie, held, desired, "deleted or replaced")

    def audited(self, part: bytes, held: InstalledFlows, desired: Desired) -> None:
        """Some of what was read is compared byte by byte with the flows that its cookies stand for."""
        for entry in altered(part, desired.flows):
            self._judge(entry, held, desired)

    def strays(self) -> list[ReportedFlow]:
        """Flows to be removed one by one: each has the cookie of a flow of ours, but is not that flow. Reported
        once.
        """
        strays, self._strays = self._strays, []
        return strays

    def summarise(self) -> None:
        """Log how many more changes were found."""
        if self._unsaid and int(self.clock()) != self._second:
            _log.warning("%s: drift: %d more flows; the controller repairs these too", self.host, self._unsaid)
            self._unsaid = 0

    def _judge(self, entry: ReportedFlow, held: InstalledFlows, desired: Desired) -> None:
        """Find out whether a flow with a cookie of ours is the one that the cookie stands for."""
        wanted = desired.flows.get(entry.cookie)
        if wanted is None:
            if entry.cookie not in held:
                held.add(entry.cookie, None)
                self.found(
                    f"a flow in {table_name(entry.table)} has the cookie {entry.cookie:#x}, which is not one of ours"
                )
        elif is_as_sent(wanted, entry):
            held.add(entry.cookie, wanted)
        elif is_in_place(wanted, entry):
            self._lose(entry.cookie, held, desired, "changed")
        else:
            self._strays.append(entry)
            self.found(f"a second flow, in {table_name(entry.table)}, has the cookie of {desired.words(entry.cookie)}")

    def _lose(self, cookie: int, held: InstalledFlows, desired: Desired, how: str) -> None:
        if cookie in held:
            held.lose(cookie)
            if cookie in desired.flows:
                self.found(f"{desired.words(cookie)}: {how} by somebody else")

    def found(self, sentence: str) -> None:
        """Log and count a change by somebody else."""
        now = self.clock()
        self.drifted.add(sentence, now)
        if int(now) != self._second:
            self.summarise()
            self._second, self._said = int(now), 0
        if self._said < LINES:
            self._said += 1
            _log.warning("%s: drift: %s; the controller repairs it", self.host, sentence)
        else:
            self._unsaid += 1
