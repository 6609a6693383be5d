"""When one switch is asked for changes by others, and for the packets that it dropped."""

from controller.openflow.encode import DROPS, FOREIGN, Flows
from controller.openflow.sessions import Session
from controller.reconcile.installed.groups_and_meters import GroupsAndMeters
from controller.reconcile.installed.learned_poll import LearnedFlowPoll
from flows.pipeline.page import LEARNED_TABLES

COUNT_EVERY = 5.0
"""Seconds between two looks at whether somebody else added or removed flows of ours."""
COUNT_SOON = 0.5
"""Seconds until that look after somebody else changed any flow."""
FOREIGN_EVERY = 60.0
"""Seconds between two looks for somebody else's flows, most of which are reported; less while there are some."""
DROPS_EVERY = 10.0
"""Seconds between two looks at what the switch has dropped."""


class Questions:
    """The times at which one switch is asked. Times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self.recheck = LearnedFlowPoll()
        """When it is asked what it has learned."""
        self._count_at = 0.0
        self._foreign_at = 0.0
        self._drops_at = 0.0
        self._expected: int | None = None
        """How many flows of ours it held when they were counted last."""

    def connected(self, now: float) -> None:
        """Its switch connected, and tells by itself what flows others add."""
        self._foreign_at = now

    def ask_soon(self, now: float) -> None:
        """Somebody else changed flows: what is not reported may have changed too."""
        self._count_at = min(self._count_at, now + COUNT_SOON)

    def ask(
        self, session: Session, now: float, others: GroupsAndMeters, *, flows: int, is_idle: bool, has_foreign: bool
    ) -> None:
        """Ask what is due. ``flows``: how many of ours it holds; ``is_idle``: nothing is under way that changes them.

        ``others``: its groups and meters; ``has_foreign``: whether somebody else's flows are known to be in it.
        """
        if is_idle and (now >= self._count_at or self.recheck.is_soon(now)):
            self._count(session, now, flows)
            others.look(session, now)
            if has_foreign or now >= self._foreign_at:
                self._foreign_at = now + FOREIGN_EVERY
                for which in FOREIGN:
                    session.read_flows(which)
        if now >= self._drops_at:
            self._drops_at = now + DROPS_EVERY
            session.read_flows(DROPS)
            others.count(session)

    def is_unexpected(self, counted: int, flows: int) -> bool:
        """Whether a count shows that somebody else changed flows. ``flows``: how many it holds as far as is known."""
        return counted != self._expected and self._expected == flows

    def _count(self, session: Session, now: float, flows: int) -> None:
        self._count_at = now + COUNT_EVERY
        self._expected = flows
        session.count_flows()
        with_learned = self.recheck.is_due(now)
        for table in LEARNED_TABLES:
            session.read_flows(Flows(table, learned=with_learned))
        if with_learned:
            self.recheck.asked(now)
        session.ask_config()
