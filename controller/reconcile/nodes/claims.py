"""Which of several switches with one datapath id is the right one? A copied machine has the same id. A host is known by
its database, to which the controller connects. So a new serial number is written there for each session with its
switch, once the session stands. Only the switch behind that database can show it over OpenFlow (ADR 18). By that, Open
vSwitch also gives the settings of its connection to each connection (ADR 5). Of a plain switch, and of a host whose
database does not answer, nothing more is known than that the one which works was first.

Only a plain switch that has none of the interfaces which the model says are on it gives way to one that has some: it
carries nothing.

The one that works stays. A newcomer waits until it is known whether that one still answers: if so the newcomer is
refused, and if not it takes the place.
"""

import logging
import secrets
from collections.abc import Callable, Set

from controller.openflow.sessions import Session
from controller.reconcile.nodes.node import Node

ASK_EVERY = 0.25
"""Seconds between two looks at what a switch shows, as long as something is to be decided."""
DOUBT = 3.0
"""Seconds after which it is a problem that a switch has not shown its serial number."""
REDIAL_AFTER = 3.0
"""Seconds without a session after which a switch whose database answers is made to dial. By itself it may wait for 1 to
8 seconds, and longer where it does not know yet that the session has ended."""
REDIAL_EVERY = 15.0
"""Seconds until it is made to do so again."""
FORGET = 30.0
"""Seconds after which a refused switch that has not come again is forgotten: Open vSwitch tries each 8 seconds or
more often."""
SAY_EVERY = 60.0
"""Seconds until it is said again that a switch is refused, as long as it goes on to come."""

_log = logging.getLogger(__name__)


class Claims:
    """The claims to be one host or plain switch. Times are seconds of one monotonic clock."""

    def __init__(
        self,
        node: Node,
        *,
        give_serial: Callable[[str, str], None] | None,
        redial: Callable[[str], None],
        carried: Callable[[str, Set[str]], int],
    ) -> None:
        """``give_serial`` writes a host's serial number into its database; None: it is a plain switch, without one.

        ``redial`` makes the switch of a host dial. ``carried``: how many of the interfaces that the model says are on
        a plain switch are among some.
        """
        self.node = node
        self._give_serial = give_serial
        self._redial = redial
        self._carried = carried
        self._rivals: list[Session] = []
        self._serial = ""
        self._is_taken = False
        """Whether the host's switch has read the serial number from its database."""
        self._asked: dict[Session, bool] = {}
        """The sessions that were asked what they show, and whether the serial number was taken by then."""
        self._ask_at = 0.0
        self._came_at = 0.0
        self._redial_at: float | None = None
        self._refused: dict[str, tuple[Session, float]] = {}
        """The switches that were refused, by IP address, and when last."""
        self._said: dict[str, float] = {}
        """Of whom that was said, and when."""

    def came(self, session: Session, now: float) -> bool:
        """A switch has connected as this node. Returns whether it is accepted; if not, it waits."""
        if self.node.session is None:
            self._take(session, now)
            return True
        if self._give_serial is None and self._carries(session) and not self._carries(self.node.session):
            self._refuse(self.node.session, now)
            self._take(session, now)
            return True
        if not self._rivals and not self.node.is_identified:
            self._renew()  # the newcomer may be a copy of what the first one showed
        self._rivals.append(session)
        self._ask_at = 0.0
        return False

    def withdrew(self, session: Session) -> None:
        """The session of one that waits, or was refused, has ended."""
        self._asked.pop(session, None)
        if session in self._rivals:
            self._rivals.remove(session)

    def went(self, now: float) -> Session | None:
        """The session of the one that worked has ended. Returns who takes its place."""
        self.node.is_identified = False
        self._asked.clear()
        self._redial_at = None
        return self._follow(now)

    def taken(self, serial: str) -> None:
        """The host's switch has read a serial number from its database."""
        self._is_taken = serial == self._serial
        self._ask_at = 0.0

    def described(self, session: Session, serial: str, now: float) -> Session | None:
        """A switch showed its serial number. Returns who is to take the place of the one that worked."""
        was_taken = self._asked.pop(session, False)
        is_right = self._give_serial is not None and serial == self._serial
        if session is self.node.session:
            if is_right or self.node.is_identified or not self._can_identify:
                self._keep(is_right=is_right, now=now)
            elif was_taken:
                self._refuse(session, now)
                self.node.disconnected()
                self._redial_at = now
                return self._follow(now)
        elif session in self._rivals and is_right and not self.node.is_identified:
            assert self.node.session is not None
            self._refuse(self.node.session, now)
            self._rivals.remove(session)
            self._take(session, now)
            self.node.is_identified = True
            return session
        return None

    def look(self, now: float) -> bool:
        """Do what is due. Returns whether what is wrong is something else than before."""
        session = self.node.session
        if session is not None and not (self._rivals or self._refused or self.node.awaits_identity):
            return self._find_sentences(now) if self.node.claim_problems else False
        if session is not None and now >= self._ask_at and (self._rivals or self.node.awaits_identity):
            self._ask_at = now + ASK_EVERY
            for one in (session, *self._rivals):
                if one not in self._asked:
                    self._asked[one] = self._is_taken
                    one.ask_description()
        if self._give_serial is not None and session is None and self.node.has_database:
            self._make_dial(now)
        self._refused = {ip: (one, at) for ip, (one, at) in self._refused.items() if now - at < FORGET}
        return self._find_sentences(now)

    def end(self) -> None:
        """The node left the model: no switch is accepted as it any more."""
        for rival in self._rivals:
            rival.close()

    @property
    def _can_identify(self) -> bool:
        return self._give_serial is not None and self.node.has_database

    def _carries(self, session: Session) -> bool:
        return self._carried(self.node.name, session.port_names) > 0

    def _renew(self) -> None:
        if self._give_serial is not None:
            self._serial = secrets.token_hex(12)  # Open vSwitch shows 31 characters of it
            self._is_taken = False
            self._give_serial(self.node.name, self._serial)

    def _take(self, session: Session, now: float) -> None:
        self._renew()
        self.node.is_identified = False
        self._came_at, self._ask_at, self._redial_at = now, 0.0, None

    def _follow(self, now: float) -> Session | None:
        if not self._rivals:
            return None
        session = self._rivals.pop(0)
        self._take(session, now)
        return session

    def _keep(self, *, is_right: bool, now: float) -> None:
        """The one that works answers, and may stay."""
        self.node.is_identified = self.node.is_identified or is_right
        rivals, self._rivals = self._rivals, []
        for rival in rivals:
            self._asked.pop(rival, None)
            self._refuse(rival, now)
        self.node.confirm(self.node.wanted_generation)

    def _refuse(self, session: Session, now: float) -> None:
        ip = session.where.rpartition(":")[0]
        self._refused[ip] = (session, now)
        session.close()
        if now - self._said.get(ip, -SAY_EVERY) >= SAY_EVERY:
            self._said = {one: at for one, at in self._said.items() if now - at < SAY_EVERY} | {ip: now}
            _log.warning("%s: switch: %s", self.node.name, self._words(session))

    def _words(self, refused: Session) -> str:
        kept = self.node.session
        by = "" if kept is None or kept.where == refused.where else f"; the one at {kept.where} is kept"
        if self._give_serial is not None:
            mend = f"if it is a copy of {self.node.name}, run there: ovs-vsctl del-br br-int"
        else:
            mend = f"give it another datapath id: 'ovs-vsctl set Bridge {refused.bridge} other_config:datapath-id=...'"
        dpid = f"{self.node.datapath_id:016x}"
        return f"another switch, at {refused.where}, has its datapath id {dpid} and is refused{by}; {mend}"

    def _make_dial(self, now: float) -> None:
        self._redial_at = now + REDIAL_AFTER if self._redial_at is None else self._redial_at
        if now >= self._redial_at:
            self._redial_at = now + REDIAL_EVERY
            self._redial(self.node.name)

    def _find_sentences(self, now: float) -> bool:
        found = {self._words(one) for one, _ in self._refused.values()}
        session = self.node.session
        if session is not None and self.node.awaits_identity and now - self._came_at > DOUBT:
            found.add(
                f"the switch at {session.where} has not shown that it is the one behind the database of "
                f"{self.node.name}; until then nothing that it does counts as confirmed; on the host: ovs-vsctl show"
            )
        is_news = found != self.node.claim_problems
        if is_news:
            self.node.claim_problems = frozenset(found)
        return is_news
