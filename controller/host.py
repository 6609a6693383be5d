"""One host: what was observed, what its switch shall hold and does hold, and what is under way."""

import logging
from collections.abc import Iterable, Set
from dataclasses import dataclass
from ipaddress import IPv4Address

from controller.holdings import Holdings, learnable
from controller.prime import Primer
from controller.switch.sessions import Session
from flows.compile import Conflict, compile
from flows.facts import HostFacts
from flows.pipeline import FLOOD, is_receiving
from flows.plan import Desired, Plan
from flows.rules import Application
from flows.switching import RemoteMembers
from flows.view import Elsewhere, Unit

PATIENCE = 2.0
"""Seconds that other hosts wait for one that does not confirm."""
GIVE_UP = 10.0
"""Seconds after which a session that answers echoes but confirms nothing is ended."""
COUNT_EVERY = 5.0
"""Seconds between two looks at whether somebody else added or removed flows of ours."""
RETRY = 5.0
"""Seconds until what a switch refused is tried again."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Transaction:
    xid: int
    plan: Plan
    sent_at: float
    refused: bool = False


class Host:
    """One host of the model, or one plain switch. Times are seconds of one monotonic clock."""

    def __init__(self, name: str, datapath_id: int) -> None:
        self.name = name
        self.datapath_id = datapath_id
        self.facts: HostFacts | None = None
        self.has_database = False
        self.session: Session | None = None
        self.wanted_generation = 0
        self.confirmed_generation = 0
        self.problem: str | None = None
        self.primer = Primer(datapath_id)
        self.unproven: list[IPv4Address] = []
        """Tunnel addresses of hosts that it sends to although no frame has come through."""
        self._units: frozenset[Unit] | None = None
        self._neighbours: Set[IPv4Address] = frozenset()
        self._desired: Desired | None = None
        self._may_learn: Set[int] = frozenset()
        self._actual: Holdings | None = None
        self._transaction: _Transaction | None = None
        self._asked_at: float | None = None
        self._retry_at = 0.0
        self._count_at = 0.0
        self._is_reported = False
        self._counted: int | None = None
        self._pending = Plan((), frozenset())

    @property
    def is_ready(self) -> bool:
        """Whether its switch is connected, its content known and what it shall hold known."""
        return self.session is not None and self._actual is not None and self._desired is not None

    @property
    def is_settled(self) -> bool:
        """Whether its switch holds all that it shall, as far as the host was observed."""
        return self.is_ready and not self._pending and self._transaction is None

    @property
    def receives_more(self) -> bool:
        """Whether flows are missing that take in what others will send."""
        return any(is_receiving(flow) for flow in self._pending.add)

    @property
    def sends_otherwise(self) -> bool:
        """Whether flows have to change that decide what this host sends."""
        return any(not is_receiving(flow) for flow in self._pending.add) or any(
            self._actual is not None and not self._actual.is_receiving(cookie) for cookie in self._pending.delete
        )

    @property
    def flows(self) -> int:
        """How many flows of ours its switch holds, as far as is known."""
        return 0 if self._actual is None else len(self._actual)

    def want(self, units: frozenset[Unit], generation: int) -> None:
        """Make its switch hold what these units need, for a generation of the model."""
        self.wanted_generation = generation
        if units != self._units:
            try:
                self._desired = compile(units)
            except Conflict as conflict:
                self.problem = f"the model wants two things at once; nothing was changed: {conflict}"
                _log.error("%s: %s", self.name, self.problem)
                return
            self._units = units
            self.problem = None
            self._may_learn = learnable(self._desired)
            if self._actual is not None:
                # Of what was read before the first compile, only now is known what it is.
                self._actual.recognise(self._desired.flows)
            self._neighbours = frozenset(u.tunnel_ip for u in units if isinstance(u, Elsewhere | RemoteMembers))
            self._retry_at = 0.0
        self._settle()

    def connected(self, session: Session, now: float) -> None:
        """Its switch connected: ask what it holds."""
        self.disconnected()
        self.session = session
        self._asked_at = now
        session.read_cookies()

    def disconnected(self) -> None:
        """Its switch is gone; what it holds is not known any more."""
        self.session = None
        self._actual = None
        self._transaction = None
        self._asked_at = None
        self._is_reported = False
        self._pending = Plan((), frozenset())
        self.primer.forget()

    def holds(self, cookies: Iterable[int]) -> None:
        """What the switch holds was read."""
        self._actual = Holdings(cookies, self._desired.flows if self._desired else {})
        self._asked_at = None
        self._settle()

    def counted(self, flows: int, now: float) -> None:
        """The switch's flows were counted: another number than expected means that somebody else was there."""
        if flows != self._counted and self.session is not None and self._actual is not None:
            _log.warning(
                "%s: the switch holds %d flows of ours instead of %d: they are put right",
                self.name,
                flows,
                self._counted,
            )
            self._actual = None
            self._asked_at = now
            self.session.read_cookies()

    def refused(self, xid: int, reason: str, cookie: int | None) -> None:
        """The switch refused a transaction, or a part of it: none of it was carried out."""
        if self._transaction is None or self._transaction.xid != xid:
            _log.warning("%s: the switch refused a message: %s", self.name, reason)
            return
        if not self._transaction.refused or cookie is not None:
            self.problem = f"the switch refused {self._describe(cookie)}: {reason}"
            _log.error("%s: %s", self.name, self.problem)
        self._transaction.refused = True

    def confirmed(self, xid: int, now: float) -> None:
        """The switch has done everything up to a transaction."""
        done = self._transaction
        if done is None or done.xid != xid:
            return
        self._transaction = None
        if done.refused:
            self._retry_at = now + RETRY
        elif self._actual is not None:  # else it is being read anew, and will tell by itself
            self._actual.carry_out(done.plan)
            self.problem = None
        self._settle()

    def pump(self, now: float, *, may_send: bool, may_remove: bool, knows_all: bool) -> None:
        """Send the next transaction, if there is one and it is its turn.

        ``may_send``: no other host still has to prepare for receiving. ``may_remove``: nor does any still send
        by what it had before. ``knows_all``: every port was found that ever will be.
        """
        if self.session is None or self._transaction is not None or not self.is_ready or now < self._retry_at:
            return
        proven = self.primer.is_ready(self._neighbours, now)
        plan = self._part(may_send=may_send and proven, may_remove=may_remove, knows_all=knows_all)
        if plan:
            self._transaction = _Transaction(self.session.apply(plan), plan, now)

    def prove(self, now: float) -> None:
        """Prove the ways to the hosts that it sends to, and say when one does not work or works again."""
        if self.session is None or self.facts is None or not self.is_ready:
            return
        self.primer.run(self.session, self.facts, self._neighbours, now)
        unproven = self.primer.unproven(self._neighbours, now)
        for address in set(unproven) - set(self.unproven):
            _log.warning("%s: nothing comes through the tunnel to %s; its packets will be lost", self.name, address)
        for address in (set(self.unproven) - set(unproven)) & self._neighbours:
            _log.info("%s: the tunnel to %s works", self.name, address)
        self.unproven = unproven

    def is_patient(self, now: float) -> bool:
        """Whether it is connected and answers in time, so that others may wait for it."""
        if not self.is_ready or now < self._retry_at:
            return False
        return self._transaction is None or now - self._transaction.sent_at < PATIENCE

    def check(self, now: float) -> None:
        """Look after the session from time to time.

        Somebody else's changes are looked for. A session that answers echoes but nothing else is ended: a reply
        was lost, and only a new session helps.
        """
        if self.is_ready and self._transaction is None and self.session is not None and now >= self._count_at:
            self._count_at = now + COUNT_EVERY
            self._counted = self.flows
            self.session.count_flows()
        asked = self._transaction.sent_at if self._transaction else self._asked_at
        if asked is not None and now - asked > GIVE_UP and self.session is not None:
            _log.warning("%s: the switch has not answered for %.0f s: its session is ended", self.name, now - asked)
            self.session.close()

    def is_restored(self) -> bool:
        """Whether, for the first time since it connected, its switch holds everything it shall."""
        if self._is_reported or not self.is_settled:
            return False
        self._is_reported = True
        return True

    def clear(self) -> None:
        """The host left the model: its switch shall hold nothing of ours."""
        if self.session is not None and self._actual is not None and self._actual.everything():
            self.session.apply(self._actual.everything())

    def application(self, cookie: int) -> tuple[Application, ...]:
        """What a flow is there for."""
        return self._desired.applications.get(cookie, ()) if self._desired else ()

    def _part(self, *, may_send: bool, may_remove: bool, knows_all: bool) -> Plan:
        """What of the difference may go out now.

        What nobody would learn any more goes first, before new flows that could meet it. A flood is one flow for all
        hosts: while some ports were not found yet it would replace one that is right by one that sends to too few.
        """
        add = tuple(
            flow
            for flow in self._pending.add
            if is_receiving(flow) or (may_send and (knows_all or flow.table != FLOOD.number))
        )
        held = self._actual
        delete = frozenset(
            cookie
            for cookie in self._pending.delete
            if held is not None
            and (held.is_learned(cookie) or (may_send and (may_remove or not held.is_receiving(cookie))))
        )
        return Plan(add, delete)

    def _settle(self) -> None:
        """Find out anew what is left to do."""
        if self._desired is None or self._actual is None:
            return
        self._pending = self._actual.difference(self._desired, self._may_learn)
        if self.is_settled:
            self.confirmed_generation = self.wanted_generation

    def _describe(self, cookie: int | None) -> str:
        reasons = self.application(cookie) if cookie is not None else ()
        if not reasons:
            return "a change"
        return f"'{reasons[0].sentence}', wanted by {', '.join(str(reason.why) for reason in reasons)}"
