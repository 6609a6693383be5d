"""One node: a switch that is programmed, of a host or a plain one. What it must hold, and what is under way to it."""

import logging
import time
from collections.abc import Mapping, Sequence
from dataclasses import replace

from controller.openflow.decode import RESUMED, Update
from controller.openflow.encode import EVERYTHING, Flows
from controller.openflow.groups_and_meters import MeterCount
from controller.openflow.sessions import PASS_FRAGMENTS, PacketIn, Session
from controller.reconcile.installed.foreign import ForeignFlows
from controller.reconcile.installed.inventory import Inventory
from controller.reconcile.installed.new_connections import NewConnections
from controller.reconcile.installed.questions import Questions
from controller.reconcile.installed.transactions import Transactions
from controller.reconcile.packetin.dispatch import Dispatch
from controller.reconcile.packetin.handling import Decision
from controller.status.drops import Drops
from controller.status.tally import Tally
from flows.compile.desired import MeterPlan, Plan
from flows.compile.incremental import Compiler, IncrementalDesired, Source
from flows.compile.program import FlowConflict
from flows.openflow.groups_and_meters import Key
from flows.pipeline.page import LEARNED_TABLES, NAMES
from flows.units.unit import Unit

GIVE_UP = 10.0
"""Seconds after which a session that answers echoes but confirms nothing is ended."""

_WATCHED = tuple(number for number in NAMES if number not in LEARNED_TABLES)
"""Tables in which the switch reports what somebody else changes. The others are read with each count."""

_log = logging.getLogger(__name__)


class Node:
    """A switch of the model: a plain one, or what every switch of a host is (:class:`controller.reconcile.host.Host`).

    Times are seconds of one monotonic clock. Longer than most classes: it is where the session, what is wanted, what is
    held and what is under way meet; each of these is a class of its own.
    """

    def __init__(self, name: str, datapath_id: int, compiler: Compiler | None = None) -> None:
        """``compiler``: shared with other nodes that want much the same."""
        self.name = name
        self.datapath_id = datapath_id
        self.session: Session | None = None
        self.has_database = False
        """Whether its database is connected; of a plain switch none ever is."""
        self.is_identified = False
        """Whether its switch has shown that it is the one behind its database, and no copy."""
        self.wanted_generation = 0
        self.confirmed_generation = 0
        self.problem: str | None = None
        self.claim_problems: frozenset[str] = frozenset()
        """Problems with other switches that have its datapath id."""
        self.drifted = Tally()
        self.refusals = Tally()
        self.drops = Drops()
        self.packets = Dispatch(name)
        self.new_connections = NewConnections()
        self._wanted = IncrementalDesired(compiler or Compiler())
        self._inventory = Inventory(name, self.drifted)
        self._groups_and_meters = self._inventory.groups_and_meters
        self._transactions = Transactions()
        self._questions = Questions()
        self._foreign = ForeignFlows(name)
        self._asked_at: float | None = None
        """When it was asked for all that it holds, until it has answered."""
        self._is_reported = False

    @property
    def is_ready(self) -> bool:
        """Whether its switch is connected, its content known and what it must hold known."""
        return self.session is not None and self._asked_at is None and self._inventory.is_known

    @property
    def problems(self) -> frozenset[str]:
        """What is wrong with it and is not repaired by itself."""
        return self.claim_problems | self._foreign.problems | self._groups_and_meters.problems

    @property
    def awaits_identity(self) -> bool:
        """Whether its switch has yet to show that it is the one behind its database."""
        return self.has_database and not self.is_identified

    @property
    def is_complete(self) -> bool:
        """Whether nothing is missing that would make it hold something else, or count for something else."""
        return not self.awaits_identity

    @property
    def is_settled(self) -> bool:
        """Whether its switch holds all that it must, as far as the node was observed."""
        return self.is_ready and self._inventory.is_settled and not self.is_sending and self.is_complete

    @property
    def is_sending(self) -> bool:
        """Whether its switch has yet to confirm a transaction."""
        return self._transactions.current is not None

    @property
    def receives_more(self) -> bool:
        """Whether flows are missing that take in what others will send."""
        return self._inventory.pending is not None and self._inventory.pending.receives_more

    @property
    def sends_otherwise(self) -> bool:
        """Whether flows have to change that decide what this node sends."""
        return self._inventory.pending is not None and self._inventory.pending.sends_otherwise

    @property
    def flows(self) -> int:
        """How many flows of ours its switch holds, as far as is known."""
        return self._inventory.flows

    def want(self, units: frozenset[Unit], generation: int) -> None:
        """Make its switch hold what these units need, for a generation of the model."""
        self.change({"": tuple(units)}, generation)

    def change(self, sources: Mapping[Source, tuple[Unit, ...]], generation: int) -> None:
        """The same, when only some sources give other units than before."""
        self.wanted_generation = generation
        try:
            change = self._wanted.change(sources)
        except FlowConflict as conflict:
            self.problem = f"two objects of the model contradict each other; nothing was changed: {conflict}"
            _log.error("%s: problem: %s", self.name, self.problem)
            return
        self.problem = None
        self._inventory.want(self._wanted.desired, change)
        self._follow_inventory()
        if change:
            self._transactions.try_again()
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
        self._groups_and_meters.ask(session, now)
        self._read_everything(session, now)
        self._questions.connected(now)

    def disconnected(self) -> None:
        """Its switch is gone; what it holds is not known any more."""
        self.session = None
        self._transactions.lost()
        self._inventory.clear()
        self._asked_at = None
        self._is_reported = False
        self._foreign.clear()
        self._foreign.tell(None)
        self.packets.forget()

    def packet_came(self, packet: PacketIn, now: float) -> Decision:
        """A flow of its switch sent a packet to the controller."""
        return self.packets.take(packet.cookie, packet.frame, packet.length, self._inventory.desired, now)

    def read(self, which: Flows, flows: bytes, *, is_last: bool) -> None:
        """Some of the flows that the switch holds were read, as it reports them."""
        reading = self._inventory.take(which, flows, is_last=is_last)
        if reading is None:
            return
        if which == EVERYTHING:
            self._asked_at = None
            self._inventory.read_all(reading)
            self._follow_inventory()
        elif which.drops:
            self.drops.counted(reading.entries(), self._inventory.desired)
        elif which.foreign_bit is not None:
            self._foreign.read(which, reading.entries())
            self._tell_foreign()
        else:
            self._inventory.read_table(which, reading, self._questions.recheck, is_settled=self.is_settled)
            self._follow_inventory()

    def read_groups_and_meters(self, reports: Mapping[str, bytes]) -> None:
        """The groups and meters that the switch holds were read, as it reports them."""
        self._groups_and_meters.read(reports)
        self.confirm(self.wanted_generation)

    def look_at_groups_and_meters(self, now: float) -> None:
        """Somebody else changed a group or meter, or may have."""
        if self.session is not None:
            self._groups_and_meters.look(self.session, now)

    def setting_drifted(self, words: str) -> None:
        """Somebody else changed a setting of the switch."""
        self.drifted.add(words, time.time())
        _log.warning("%s: drift: %s; the controller repairs it", self.name, words)

    def changed(self, updates: Sequence[Update], now: float) -> None:
        """The switch reports changes that somebody else made."""
        if self._inventory.held is None or self.session is None:
            return  # they are being read
        if self._inventory.desired is None:
            # It is not known yet what they must be, so what was read would be compared too late.
            self._inventory.held = None
            self._read_everything(self.session, now)
            return
        for update in updates:
            if update.event == RESUMED:
                self._read_everything(self.session, now)
            else:
                self._inventory.updated(update)
                self._foreign.updated(update)
        if any(update.event == RESUMED or self._inventory.refers(update) for update in updates):
            self.look_at_groups_and_meters(now)  # whoever deletes one deletes its flows
        self._tell_foreign()
        # Tables that are not watched may have changed too, and flows of other owners may have taken ours' places.
        self._questions.ask_soon(now)
        self._follow_inventory()

    def configured(self, fragments: int) -> None:
        """The switch said how it treats fragments."""
        if fragments != PASS_FRAGMENTS and self.session is not None:
            self.setting_drifted("the switch does not match fragments like other packets (ovs-ofctl set-frags)")
            self.session.pass_fragments()

    def counted(self, flows: int, now: float) -> None:
        """The switch's flows were counted: another number than expected means that somebody else was there."""
        if self._questions.is_unexpected(flows, self.flows) and self.session is not None and self.is_ready:
            self._read_everything(self.session, now)

    def metered(self, counts: Mapping[int, MeterCount], now: float) -> None:
        """The meters of its switch have counted so much."""
        self.packets.metered({number: count.dropped for number, count in counts.items()}, self._inventory.desired)
        self.new_connections.counted(counts, self._inventory.desired, now)

    def refused(self, xid: int, reason: str, cookie: int | None, key: Key | None = None) -> None:
        """The switch refused a transaction, or a part of it: none of it was carried out. Meters are refused one by one.

        ``cookie``: of the flow that it refused; ``key``: of the group or meter.
        """
        current = self._transactions.current
        if current is None or current.xid != xid:
            _log.warning("%s: refused: the switch refused a message: %s", self.name, reason)
            return
        if isinstance(current.plan, MeterPlan):
            if key is not None:
                self._groups_and_meters.refused(key, reason, current.sent_at)
            return
        if not current.refused or cookie is not None or key is not None:
            self.problem = f"the switch refused {self._inventory.words(cookie, key)}: {reason}"
            self.refusals.add(self.problem, time.time())
            _log.error("%s: refused: %s", self.name, self.problem)
        current.refused = True

    def confirmed(self, xid: int, now: float) -> None:
        """The switch has done everything up to a transaction."""
        done = self._transactions.confirmed(xid, now)
        if done is None:
            return
        if isinstance(done.plan, MeterPlan):
            self._groups_and_meters.meters_done(done.plan)
        elif not done.refused:
            self._carried_out(done.plan, done.replaced, now)
        self.confirm(self.wanted_generation)

    def _carried_out(self, plan: Plan, replaced: frozenset[int], now: float) -> None:
        self._groups_and_meters.groups_done(plan)
        if self._inventory.held is None:
            return  # it is being read, and will tell by itself
        self.problem = None
        if self._inventory.pending is not None:
            self._inventory.pending.carried_out(plan, replaced)
        if self._inventory.has_forgotten(is_settled=self.is_settled):
            self._questions.recheck.forgot(now)

    def pump(self, now: float, *, may_send: bool, may_remove: bool, knows_all: bool, may_linger: bool = False) -> None:
        """Send the next transaction, if there is one and it is its turn.

        ``may_send``: no other node still has to prepare for receiving. ``may_remove``: nor does any still send
        by what it had before. ``knows_all``: every port was found that ever will be. ``may_linger``: nobody waits for
        flows to be gone.
        """
        pending = self._inventory.pending
        if pending is None or self._inventory.is_settled or self.session is None:
            return
        if not self.is_ready or not self._groups_and_meters.is_known or not self._transactions.may_begin(now):
            return
        if meters := self._groups_and_meters.due(now):
            self._transactions.send_meters(self.session.apply_meters, meters, now)
            return
        reaches = self.reaches_others(now)
        if self._inventory.has_other_pipeline:
            # Flows of two pipelines side by side would lead packets astray: all is replaced at once. What the switch
            # does for others stays the same.
            may_send = may_remove = knows_all and reaches
            plan = pending.everything() if may_send else Plan((), frozenset())
        else:
            may_send = may_send and reaches
            plan = pending.part(may_send=may_send, may_remove=may_remove, knows_all=knows_all)
        plan = self._groups_and_meters.joined(plan, may_send=may_send, may_remove=may_remove)
        if not plan and may_send and may_remove and (meters := self._groups_and_meters.left_over()):
            self._transactions.send_meters(self.session.apply_meters, meters, now)
        elif plan and not (may_linger and self._transactions.lingers(plan, now)):
            plan = self._inventory.with_zones(plan)
            self._transactions.send(self.session.apply, plan, pending.replaced_by(plan.add), now)

    def reaches_others(self, now: float) -> bool:
        """Whether flows that send to others may be added now."""
        return True

    def is_patient(self, now: float) -> bool:
        """Whether it is connected and answers in time, so that others may wait for it."""
        if self.session is None:
            return False
        is_answered = self._transactions.is_answered(self.session.moved_at, now)
        return is_answered and self.is_ready and not self._groups_and_meters.problems

    def check(self, now: float) -> None:
        """Check the session from time to time. Changes by others are looked for. A session that answers echoes but
        nothing else is ended: a reply was lost, and only a new session helps.
        """
        if self.is_ready and self.session is not None:
            flows, is_idle, has_foreign = self.flows, not self.is_sending, bool(self._foreign)
            others = self._groups_and_meters
            self._questions.ask(self.session, now, others, flows=flows, is_idle=is_idle, has_foreign=has_foreign)
        self._inventory.summarise()
        current = self._transactions.current
        asked = current.sent_at if current else self._asked_at or self._groups_and_meters.asked_at
        if asked is None or self.session is None:
            return
        # As long as parts of a large change go out, or of a large answer come in, it is only slow.
        silent = now - max(asked, self.session.moved_at)
        if silent > GIVE_UP:
            _log.warning("%s: switch: no answer for %.0f s; its session is ended", self.name, silent)
            self.session.close()

    def is_restored(self) -> bool:
        """Whether, for the first time since it connected, its switch holds everything it must."""
        if self._is_reported or not self.is_settled:
            return False
        self._is_reported = True
        return True

    def clear(self) -> bool:
        """The node left the model: its switch must hold nothing of ours. Whether it could be told so."""
        self._wanted.clear()
        if self.session is None or self._inventory.held is None:
            return False
        groups, meters = self._groups_and_meters.everything()
        if everything := replace(self._inventory.held.everything(), old_groups=groups):
            self.session.apply(everything)
        if meters.delete:
            self.session.apply_meters(meters)
        return True

    def audit(self) -> int:
        """Look closely at some of the flows that were read. Returns how many bytes of them; 0: there were none."""
        size = self._inventory.audit()
        if size:
            self._follow_inventory()
        return size

    def _read_everything(self, session: Session, now: float) -> None:
        """Ask what the switch holds; until it has answered, nothing is sent."""
        self._asked_at = now
        session.read_flows(EVERYTHING)

    def _follow_inventory(self) -> None:
        """Flows may have turned out not to be right."""
        for stray in self._inventory.strays():
            if self.session is not None:
                self.session.remove(stray)
        if self._inventory.settle():
            self.confirm(self.wanted_generation)

    def _tell_foreign(self) -> None:
        self._foreign.tell(self.session.bridge if self.session is not None else None)
