"""What one switch holds against what it must hold: read, compared, and what is left to do.

Cookies tell at once what is missing and what is too much. Whether a flow is still what its cookie stands for is found
out byte by byte, a little at a time (:meth:`Inventory.audit`).
"""

import logging
import time
from collections import deque

from controller.openflow.decode import ReportedFlow, Update
from controller.openflow.encode import EVERYTHING, Flows
from controller.reconcile.installed.backlog import Backlog
from controller.reconcile.installed.drift import DriftMonitor
from controller.reconcile.installed.flow_dump import FlowDump
from controller.reconcile.installed.flows import InstalledFlows
from controller.reconcile.installed.groups_and_meters import GroupsAndMeters
from controller.reconcile.installed.learned_poll import LearnedFlowPoll
from controller.reconcile.installed.zones import with_zones
from controller.status.tally import Tally
from flows.compile.desired import Desired, DesiredChange, Plan
from flows.openflow.groups_and_meters import Key, keys_in
from flows.openflow.learn import LEARNED_OWNER
from flows.pipeline.page import TABLES
from flows.pipeline.priorities import MISS

_MISSES = frozenset(table.miss_rule.flow({}).cookie for table in TABLES)
"""The misses of this pipeline. Some are in a switch only where an object needs them."""

_log = logging.getLogger(__name__)


class Inventory:
    """The flows of one switch, as they are and as they must be; and its groups and meters, kept beside them."""

    def __init__(self, name: str, drifted: Tally) -> None:
        """``name`` of the node, for the log; ``drifted`` counts what somebody else changed."""
        self.desired: Desired | None = None
        """What the switch must hold; None until that was said."""
        self.held: InstalledFlows | None = None
        """What it holds; None while that is not known."""
        self.pending: Backlog | None = None
        """What is left to do; None while that is not known."""
        self._name = name
        self._watch = DriftMonitor(name, drifted, time.time)
        self.groups_and_meters = GroupsAndMeters(name, self._watch.found)
        self._readings: dict[Flows, FlowDump] = {}
        """Answers of which more is to come."""
        self._uncompared: FlowDump | None = None
        """All that the switch holds, until it is known what it must hold."""
        self._unaudited: dict[Flows, deque[bytes]] = {}
        """What the switch reported last, as far as it was not yet looked at byte by byte."""
        self._forgets = False
        """Whether it has to forget something that it learned, and that is not confirmed."""
        self._known_edits = 0

    @property
    def is_known(self) -> bool:
        """Whether it is known what the switch holds and what it must hold."""
        return self.held is not None and self.desired is not None

    @property
    def is_settled(self) -> bool:
        """Whether nothing is left to do, as far as that is known."""
        return not self.pending and self.groups_and_meters.is_settled

    @property
    def flows(self) -> int:
        """How many flows of ours the switch holds, as far as is known."""
        return 0 if self.held is None else len(self.held)

    @property
    def has_other_pipeline(self) -> bool:
        """Whether the switch holds flows of another version of the program."""
        return self.held is not None and self.desired is not None and self.held.has_other_pipeline(self.desired)

    def clear(self) -> None:
        """The switch is gone; what it holds is not known any more."""
        self.held = self.pending = self._uncompared = None
        self._readings.clear()
        self._unaudited.clear()
        self.groups_and_meters.clear()

    def want(self, desired: Desired, change: DesiredChange) -> None:
        """The switch must hold this. ``change``: what of it is different from before."""
        if change.referred or self.desired is None:
            self.groups_and_meters.want(desired, change.referred)
        if self.desired is None:
            self.desired = desired
            self._compare_all()
        elif change and self.pending is not None:
            self.pending.follow(change)
        self._forgets = self._forgets or bool(change.forgotten)

    def take(self, which: Flows, flows: bytes, *, is_last: bool) -> FlowDump | None:
        """A part of an answer came, as the switch reports flows. Returns the answer once it is whole."""
        reading = self._readings.setdefault(which, FlowDump())
        reading.take(flows)
        return self._readings.pop(which) if is_last else None

    def read_all(self, reading: FlowDump) -> None:
        """All that the switch holds was read."""
        self._uncompared = reading
        self._compare_all()

    def read_table(self, which: Flows, reading: FlowDump, recheck: LearnedFlowPoll, *, is_settled: bool) -> None:
        """The flows of one table were read. ``is_settled``: nothing was left to do by what was known before."""
        if self.held is None or self.desired is None:
            return
        if which.table is not None and which.learned:
            recheck.answered(reading.size)
            if is_settled:
                self._find_returned(reading, self.held, self.desired)
        self._compare(which, reading, self.held, self.desired)

    def refers(self, update: Update) -> bool:
        """Whether somebody else changed a flow that refers to a group or meter."""
        flow = self.desired.flows.get(update.entry.cookie) if self.desired and update.entry else None
        return flow is not None and bool(keys_in(flow))

    def updated(self, update: Update) -> None:
        """Somebody else changed a flow."""
        if self.held is not None and self.desired is not None:
            self._watch.updated(update, self.held, self.desired)

    def audit(self) -> int:
        """Look closely at some of the flows that were read. Returns how many bytes of them; 0: there were none."""
        if not self._unaudited or self.held is None or self.desired is None:
            return 0
        which, parts = next(iter(self._unaudited.items()))
        part = parts.popleft()
        if not parts:
            del self._unaudited[which]
        self._watch.audited(part, self.held, self.desired)
        return len(part)

    def summarise(self) -> None:
        """Say how much of what somebody else changed was not told one by one."""
        self._watch.summarise()

    def strays(self) -> list[ReportedFlow]:
        """Flows to be removed one by one: each has the cookie of a flow of ours, and is none. Told once."""
        return self._watch.strays()

    def settle(self) -> bool:
        """Find out anew what is left to do, where it may be something else than was known. Whether it was done."""
        if self.held is None or self.desired is None:
            return False
        if self.pending is not None and self.held.edits == self._known_edits:
            return False
        self.pending = Backlog(self.desired, self.held)
        self._known_edits = self.held.edits
        return True

    def has_forgotten(self, *, is_settled: bool) -> bool:
        """A transaction was carried out: whether the switch was to forget by it what it had learned."""
        if not self._forgets:
            return False
        self._forgets = not is_settled
        return True

    def with_zones(self, plan: Plan) -> Plan:
        """The same plan with the zones of connection tracking that change hands by it."""
        if self.held is None or self.has_other_pipeline:  # with another pipeline the ports stay the same
            return plan
        return with_zones(plan, self.held)

    def words(self, cookie: int | None, key: Key | None) -> str:
        """What a flow with this cookie is for, or a group or meter."""
        if key is not None and self.desired is not None and key in self.desired.groups_and_meters:
            return self.desired.words_of(key)
        if cookie is None or self.desired is None or cookie not in self.desired.applications:
            return "a change"
        return self.desired.words(cookie)

    def _compare_all(self) -> None:
        """All that the switch holds was read, or only now is known what it must hold."""
        reading = self._uncompared
        if reading is None:
            return
        if self.desired is None:
            self.held = InstalledFlows(reading.cookies)
            return
        self._uncompared = None
        wanted = self.desired.flows.keys()
        others = reading.cookies - wanted
        if self.pending is None or self.held is None:
            misses = (entry.cookie for entry in reading.unknown(wanted) if entry.priority == MISS)
            misses = (cookie for cookie in misses if cookie not in _MISSES)
            self.held = InstalledFlows(others, misses)
        else:
            self.held.has_learned(others)
        self._forgets = self._forgets or bool(self.held.learned)
        self._compare(EVERYTHING, reading, self.held, self.desired)

    def _compare(self, which: Flows, reading: FlowDump, held: InstalledFlows, desired: Desired) -> None:
        """Flows were read: all, or those of one table."""
        self._watch.compared(reading, held, desired, which.table)
        self._unaudited.pop(which, None)  # what was reported before is outdated
        if reading.parts:
            self._unaudited[which] = reading.parts

    def _find_returned(self, reading: FlowDump, held: InstalledFlows, desired: Desired) -> None:
        """What the switch has learned in a table was read: what it had to forget may have come back."""
        returned = {cookie for cookie in reading.cookies if cookie >> 56 == LEARNED_OWNER} - desired.learned.keys()
        if returned:
            held.has_learned(held.learned | returned)
            self._forgets = True
            entries = reading.count(returned)
            _log.info("%s: learned: %d stale entries came back; they are removed", self._name, entries)
