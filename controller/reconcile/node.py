"""One host: what was observed, what its switch shall hold and does hold, and what is under way."""

import logging
import time
from collections import deque
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from ipaddress import IPv4Address

from controller.openflow.decode import RESUMED, Update
from controller.openflow.encode import DROPS, EVERYTHING, FOREIGN, Flows
from controller.openflow.sessions import PASS_FRAGMENTS, Session
from controller.reconcile.installed.backlog import Pending
from controller.reconcile.installed.drift import Watch
from controller.reconcile.installed.flow_dump import Reading
from controller.reconcile.installed.flows import Holdings
from controller.reconcile.installed.foreign import Foreign
from controller.reconcile.installed.recheck import Recheck
from controller.reconcile.underlay.tunnel_probe import Primer
from controller.status.drops import Drops
from controller.status.tally import Tally
from flows.compile.desired import Desired, Plan
from flows.compile.program import Conflict
from flows.compile.wanted import Compiler, Source, Wanted
from flows.inputs.facts import HostFacts
from flows.openflow.learn import LEARNED_OWNER
from flows.pipeline.page import LEARNED_TABLES, NAMES
from flows.pipeline.priorities import MISS
from flows.units.host import Unit

PATIENCE = 2.0
"""Seconds that other hosts wait for one that does not confirm."""
GIVE_UP = 10.0
"""Seconds after which a session that answers echoes but confirms nothing is ended."""
COUNT_EVERY = 5.0
"""Seconds between two looks at whether somebody else added or removed flows of ours."""
COUNT_SOON = 0.5
"""Seconds until that look after somebody else changed any flow."""
FOREIGN_EVERY = 60.0
"""Seconds between two looks for somebody else's flows, most of which are reported; less while there are some."""
DROPS_EVERY = 10.0
"""Seconds between two looks at what the switch has dropped."""
LINGER = 0.05
"""Seconds until flows are removed of which none takes the place."""
RETRY = 5.0
"""Seconds until what a switch refused is tried again."""

_WATCHED = tuple(number for number in NAMES if number not in LEARNED_TABLES)
"""Tables in which the switch reports what somebody else changes. The others are read with each count."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Transaction:
    xid: int
    plan: Plan
    replaced: frozenset[int]
    """The flows in whose places others come."""
    sent_at: float
    refused: bool = False


class Host:
    """One host of the model, or one plain switch. Times are seconds of one monotonic clock."""

    def __init__(self, name: str, datapath_id: int, compiler: Compiler | None = None) -> None:
        """``compiler``: shared with other hosts that want much the same."""
        self.name = name
        self.datapath_id = datapath_id
        self.facts: HostFacts | None = None
        self.has_database = False
        self.session: Session | None = None
        self.wanted_generation = 0
        self.confirmed_generation = 0
        self.problem: str | None = None
        self.contract_problems: frozenset[str] = frozenset()
        """How the host deviates from its contract, as far as that cannot be repaired."""
        self.claim_problems: frozenset[str] = frozenset()
        """Which other switches say that they are this one."""
        self.primer = Primer(datapath_id)
        self._late: list[IPv4Address] = []
        """Tunnel addresses of hosts that it sends to although no frame came through in time."""
        self.is_proven = False
        """Whether its switch has shown that it is the one behind its database, and no copy."""
        self.awaits_vlans = False
        """Whether it will hold more than it shall now, once the store has VLANs that were given to it."""
        self._wanted = Wanted(compiler or Compiler())
        self._desired: Desired | None = None
        """What its switch shall hold; None until that was said."""
        self._actual: Holdings | None = None
        self._readings: dict[Flows, Reading] = {}
        """Answers of which more is to come."""
        self._uncompared: Reading | None = None
        """All that the switch holds, until it is known what it shall hold."""
        self._unaudited: dict[Flows, deque[bytes]] = {}
        """What the switch reported last, as far as it was not yet looked at byte by byte."""
        self.drifted = Tally()
        self.refusals = Tally()
        self.drops = Drops()
        self._watch = Watch(name, self.drifted, time.time)
        self._recheck = Recheck()
        self._forgets = False
        """Whether it has to forget something that it learned, and that is not confirmed."""
        self._foreign = Foreign()
        self._foreign_at = 0.0
        self.foreign: frozenset[str] = frozenset()
        """Somebody else's flows in its switch, each kind in a sentence."""
        self._transaction: _Transaction | None = None
        self._asked_at: float | None = None
        self._retry_at = 0.0
        self._lingers_until: float | None = None
        self._count_at = 0.0
        self._drops_at = 0.0
        self._is_reported = False
        self._is_trusted = True
        """Whether it confirmed the last transaction in time. A switch that hangs may connect again and again."""
        self._counted: int | None = None
        self._pending: Pending | None = None
        """What is left to do; None while that is not known."""
        self._known_edits = 0

    @property
    def is_ready(self) -> bool:
        """Whether its switch is connected, its content known and what it shall hold known."""
        is_known = self._actual is not None and self._asked_at is None
        return self.session is not None and is_known and self._desired is not None

    @property
    def problems(self) -> frozenset[str]:
        """What is wrong with it and is not repaired by itself."""
        return self.contract_problems | self.claim_problems | self.foreign

    @property
    def awaits_proof(self) -> bool:
        """Whether its switch has yet to show that it is the one behind its database."""
        return self.has_database and not self.is_proven

    @property
    def is_settled(self) -> bool:
        """Whether its switch holds all that it shall, as far as the host was observed."""
        is_sent = self.is_ready and not self._pending and self._transaction is None
        return is_sent and not self.awaits_vlans and not self.awaits_proof

    @property
    def is_sending(self) -> bool:
        """Whether its switch has yet to confirm a transaction."""
        return self._transaction is not None

    @property
    def receives_more(self) -> bool:
        """Whether flows are missing that take in what others will send."""
        return self._pending is not None and self._pending.receives_more

    @property
    def sends_otherwise(self) -> bool:
        """Whether flows have to change that decide what this host sends."""
        return self._pending is not None and self._pending.sends_otherwise

    @property
    def _has_other_pipeline(self) -> bool:
        if self._actual is None or self._desired is None:
            return False
        return self._actual.has_other_pipeline(self._desired)

    @property
    def neighbours(self) -> Set[IPv4Address]:
        """The tunnel addresses of the hosts that it sends to: another object only when they are others."""
        return self._wanted.neighbours

    @property
    def can_prove(self) -> bool:
        """Whether a frame through the tunnel can be sent from here, and is told of when it comes here."""
        return (
            self.facts is not None and self.facts.tunnel_ofport is not None and self.is_ready and not self.receives_more
        )

    @property
    def flows(self) -> int:
        """How many flows of ours its switch holds, as far as is known."""
        return 0 if self._actual is None else len(self._actual)

    def want(self, units: frozenset[Unit], generation: int) -> None:
        """Make its switch hold what these units need, for a generation of the model."""
        self.change({"": tuple(units)}, generation)

    def change(self, sources: Mapping[Source, tuple[Unit, ...]], generation: int) -> None:
        """The same, when only some sources give other units than before."""
        self.wanted_generation = generation
        try:
            change = self._wanted.change(sources)
        except Conflict as conflict:
            self.problem = f"two objects of the model contradict each other; nothing was changed: {conflict}"
            _log.error("%s: problem: %s", self.name, self.problem)
            return
        self.problem = None
        if self._desired is None:
            self._desired = self._wanted.desired
            self._compare_all()
        elif change and self._pending is not None:
            self._pending.follow(change)
        if change:
            self._retry_at = 0.0
        self._forgets = self._forgets or bool(change.forgotten)
        self.confirm(generation)

    def confirm(self, generation: int) -> None:
        """A generation of the model wants nothing else of its switch."""
        self.wanted_generation = generation
        if self.is_settled and not self._wanted.is_refused:
            self.confirmed_generation = generation

    def connected(self, session: Session, now: float) -> None:
        """Its switch connected: ask what it holds."""
        self.disconnected()
        self.session = session
        session.watch(_WATCHED)
        session.read_port_settings()
        self._read_everything(session, now)
        self._foreign_at = now

    def disconnected(self) -> None:
        """Its switch is gone; what it holds is not known any more."""
        self._is_trusted = self._is_trusted and self._transaction is None
        self.session = None
        self._actual = None
        self._readings.clear()
        self._unaudited.clear()
        self._uncompared = None
        self._transaction = None
        self._asked_at = None
        self._is_reported = False
        self._pending = None
        self._foreign.clear()
        self._tell_foreign()
        self.primer.forget()

    def read(self, which: Flows, flows: bytes, *, is_last: bool) -> None:
        """Some of the flows that the switch holds were read, as it reports them."""
        reading = self._readings.setdefault(which, Reading())
        reading.take(flows)
        if not is_last:
            return
        del self._readings[which]
        if which == EVERYTHING:
            self._asked_at = None
            self._uncompared = reading
            self._compare_all()
        elif which.drops:
            self.drops.counted(reading.entries(), self._desired)
        elif which.foreign_bit is not None:
            self._foreign.read(which, reading.entries())
            self._tell_foreign()
        elif self._actual is not None and self._desired is not None:
            self._compare(which, reading, self._actual, self._desired)

    def setting_drifted(self, words: str) -> None:
        """Somebody else changed a setting in the host's database."""
        self.drifted.add(words, time.time())
        _log.warning("%s: drift: %s; the controller repairs it", self.name, words)

    def changed(self, updates: Iterable[Update], now: float) -> None:
        """The switch reports changes that somebody else made."""
        if self._actual is None or self.session is None:
            return  # they are being read
        if self._desired is None:
            # It is not known yet what they shall be, so what was read would be compared too late.
            self._actual = None
            self._read_everything(self.session, now)
            return
        for update in updates:
            if update.event == RESUMED:
                self._read_everything(self.session, now)
            else:
                self._watch.updated(update, self._actual, self._desired)
                self._foreign.updated(update)
        self._tell_foreign()
        # Tables that are not watched may have changed too, and flows of other owners may have taken ours' places.
        self._count_at = min(self._count_at, now + COUNT_SOON)
        self._drifted()

    def configured(self, fragments: int) -> None:
        """The switch said how it treats fragments."""
        if fragments != PASS_FRAGMENTS and self.session is not None:
            self.setting_drifted("the switch does not match fragments like other packets (ovs-ofctl set-frags)")
            self.session.pass_fragments()

    def counted(self, flows: int, now: float) -> None:
        """The switch's flows were counted: another number than expected means that somebody else was there."""
        if flows != self._counted and self._counted == self.flows and self.session is not None and self.is_ready:
            self._read_everything(self.session, now)

    def refused(self, xid: int, reason: str, cookie: int | None) -> None:
        """The switch refused a transaction, or a part of it: none of it was carried out."""
        if self._transaction is None or self._transaction.xid != xid:
            _log.warning("%s: refused: the switch refused a message: %s", self.name, reason)
            return
        if not self._transaction.refused or cookie is not None:
            self.problem = f"the switch refused {self._describe(cookie)}: {reason}"
            self.refusals.add(self.problem, time.time())
            _log.error("%s: refused: %s", self.name, self.problem)
        self._transaction.refused = True

    def confirmed(self, xid: int, now: float) -> None:
        """The switch has done everything up to a transaction."""
        done = self._transaction
        if done is None or done.xid != xid:
            return
        self._transaction = None
        self._is_trusted = True
        if done.refused:
            self._retry_at = now + RETRY
        elif self._actual is not None:  # else it is being read, and will tell by itself
            self.problem = None
            if self._pending is not None:
                self._pending.carried_out(done.plan, done.replaced)
            if self._forgets:
                self._recheck.forgot(now)
                self._forgets = not self.is_settled
        self.confirm(self.wanted_generation)

    def pump(self, now: float, *, may_send: bool, may_remove: bool, knows_all: bool, may_linger: bool = False) -> None:
        """Send the next transaction, if there is one and it is its turn.

        ``may_send``: no other host still has to prepare for receiving. ``may_remove``: nor does any still send
        by what it had before. ``knows_all``: every port was found that ever will be. ``may_linger``: nobody waits for
        flows to be gone.
        """
        if not self._pending or self.session is None or self._transaction is not None:
            return
        if not self.is_ready or now < self._retry_at:
            return
        proven = self.primer.is_ready(self._wanted.neighbours, now)
        if self._has_other_pipeline:
            # Flows of two pipelines side by side would lead packets astray: all is replaced at once. What the switch
            # does for others stays the same.
            plan = self._pending.everything() if knows_all and proven else Plan((), frozenset())
        else:
            plan = self._pending.part(may_send=may_send and proven, may_remove=may_remove, knows_all=knows_all)
        if plan and not (may_linger and self._lingers(plan, now)):
            replaced = self._pending.replaced_by(plan.add)
            self._transaction = _Transaction(self.session.apply(plan), plan, replaced, now)

    def _lingers(self, plan: Plan, now: float) -> bool:
        """Whether flows that are only to be removed stay for a moment.

        A port that left may be on its way to another host: then new flows take the place of these, and need not wait.
        """
        if plan.add:
            self._lingers_until = None
            return False
        self._lingers_until = self._lingers_until or now + LINGER
        if now < self._lingers_until:
            return True
        self._lingers_until = None
        return False

    def will_send_to(self, addresses: Set[IPv4Address], now: float) -> None:
        """Begin to prove the ways that it will need once it is known what it shall hold, which may take a while."""
        if self.session is not None and self.facts is not None and self.is_ready:
            self.primer.run(self.session, self.facts, self._wanted.neighbours | addresses, now)

    def prove(self, now: float) -> list[IPv4Address]:
        """Prove the ways to the hosts that it sends to. Returns those to which nothing came through in time: once."""
        if self.session is None or self.facts is None or not self.is_ready:
            return []
        self.primer.run(self.session, self.facts, self._wanted.neighbours, now)
        late = self.primer.unproven(self._wanted.neighbours, now)
        if late is self._late:
            return []
        self._late = late
        return late

    def is_patient(self, now: float) -> bool:
        """Whether it is connected and answers in time, so that others may wait for it."""
        if self._transaction is not None and self.session is not None:
            # It may have been sent, or the last part of it, after the time that is now.
            silent = now - max(self._transaction.sent_at, self.session.moved_at)
            self._is_trusted = self._is_trusted and silent < PATIENCE
        return self.is_ready and self._is_trusted and now >= self._retry_at

    def check(self, now: float) -> None:
        """Look after the session from time to time.

        Somebody else's changes are looked for. A session that answers echoes but nothing else is ended: a reply
        was lost, and only a new session helps.
        """
        is_due = now >= self._count_at or self._recheck.is_soon(now)
        if self.is_ready and self._transaction is None and self.session is not None and is_due:
            self._count_at = now + COUNT_EVERY
            self._counted = self.flows
            self.session.count_flows()
            with_learned = self._recheck.is_due(now)
            for table in LEARNED_TABLES:
                self.session.read_flows(Flows(table, learned=with_learned))
            if with_learned:
                self._recheck.asked(now)
            self.session.ask_config()
            if self._foreign or now >= self._foreign_at:
                self._foreign_at = now + FOREIGN_EVERY
                for which in FOREIGN:
                    self.session.read_flows(which)
        if self.is_ready and self.session is not None and now >= self._drops_at:
            self._drops_at = now + DROPS_EVERY
            self.session.read_flows(DROPS)
        self._watch.summarise()
        asked = self._transaction.sent_at if self._transaction else self._asked_at
        if asked is None or self.session is None:
            return
        # As long as parts of a large change go out, or of a large answer come in, it is only slow.
        silent = now - max(asked, self.session.moved_at)
        if silent > GIVE_UP:
            _log.warning("%s: switch: no answer for %.0f s; its session is ended", self.name, silent)
            self.session.close()

    def is_restored(self) -> bool:
        """Whether, for the first time since it connected, its switch holds everything it shall."""
        if self._is_reported or not self.is_settled:
            return False
        self._is_reported = True
        return True

    def clear(self) -> bool:
        """The host left the model: its switch shall hold nothing of ours. Whether it could be told so."""
        self._wanted.clear()
        if self.session is None or self._actual is None:
            return False
        if self._actual.everything():
            self.session.apply(self._actual.everything())
        return True

    def _settle(self) -> None:
        """Find out anew what is left to do."""
        if self._desired is not None and self._actual is not None:
            self._pending = Pending(self._desired, self._actual)
            self._known_edits = self._actual.edits
            self.confirm(self.wanted_generation)

    def _read_everything(self, session: Session, now: float) -> None:
        """Ask what the switch holds; until it has answered, nothing is sent."""
        self._asked_at = now
        session.read_flows(EVERYTHING)

    def _compare_all(self) -> None:
        """All that the switch holds was read, or only now is known what it shall hold."""
        reading = self._uncompared
        if reading is None:
            return
        if self._desired is None:
            self._actual = Holdings(reading.cookies)
            return
        self._uncompared = None
        wanted = self._desired.flows.keys()
        others = reading.cookies - wanted
        if self._pending is None or self._actual is None:
            misses = (entry.cookie for entry in reading.unknown(wanted) if entry.priority == MISS)
            self._actual = Holdings(others, misses)
        else:
            self._actual.has_learned(others)
        self._forgets = self._forgets or bool(self._actual.learned)
        self._compare(EVERYTHING, reading, self._actual, self._desired)

    def _compare(self, which: Flows, reading: Reading, actual: Holdings, desired: Desired) -> None:
        """Flows were read: all, or those of one table."""
        if which.table is not None and which.learned:
            self._compare_learned(reading, actual, desired)
        self._watch.compared(reading, actual, desired, which.table)
        self._unaudited.pop(which, None)  # what was reported before is outdated
        if reading.parts:
            self._unaudited[which] = reading.parts
        self._drifted()

    def _compare_learned(self, reading: Reading, actual: Holdings, desired: Desired) -> None:
        """What the switch has learned in a table was read: what it had to forget may have come back."""
        self._recheck.answered(reading.size)
        returned = {cookie for cookie in reading.cookies if cookie >> 56 == LEARNED_OWNER} - desired.learned.keys()
        if returned and self.is_settled:
            actual.has_learned(actual.learned | returned)
            self._forgets = True
            entries = reading.count(returned)
            _log.info("%s: learned: %d stale entries came back; they are removed", self.name, entries)

    def audit(self) -> int:
        """Look closely at some of the flows that were read. Returns how many bytes of them; 0: there were none."""
        if not self._unaudited or self._actual is None or self._desired is None:
            return 0
        which, parts = next(iter(self._unaudited.items()))
        part = parts.popleft()
        if not parts:
            del self._unaudited[which]
        self._watch.audited(part, self._actual, self._desired)
        self._drifted()
        return len(part)

    def _drifted(self) -> None:
        """Flows may have turned out not to be right."""
        for stray in self._watch.strays():
            if self.session is not None:
                self.session.remove(stray)
        if self._pending is None or (self._actual is not None and self._actual.edits != self._known_edits):
            self._settle()

    def _tell_foreign(self) -> None:
        """Say once of each kind of somebody else's flows that it is there, or is gone."""
        found = frozenset(self._foreign.sentences(self.session.bridge)) if self.session else frozenset()
        for sentence in sorted(found - self.foreign):
            _log.warning("%s: problem: %s", self.name, sentence)
        for sentence in sorted(self.foreign - found):
            _log.info("%s: solved: %s", self.name, sentence)
        self.foreign = found

    def _describe(self, cookie: int | None) -> str:
        if cookie is None or self._desired is None or cookie not in self._desired.applications:
            return "a change"
        return self._desired.words(cookie)
