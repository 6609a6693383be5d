"""The transaction that one switch was sent and has yet to confirm: one at a time."""

from collections.abc import Callable
from dataclasses import dataclass

from flows.compile.desired import MeterPlan, Plan

PATIENCE = 2.0
"""Seconds that other hosts wait for one that does not confirm."""
LINGER = 0.05
"""Seconds until flows are removed of which none takes the place."""
RETRY = 5.0
"""Seconds until what a switch refused is tried again."""


@dataclass(slots=True)
class Transaction:
    """What was sent at once, and is carried out whole or not at all; but meters, each of which may be refused."""

    xid: int
    plan: Plan | MeterPlan
    replaced: frozenset[int]
    """The flows in whose places others come."""
    sent_at: float
    refused: bool = False


class Transactions:
    """Those of one switch. Times are seconds of one monotonic clock."""

    def __init__(self) -> None:
        self.current: Transaction | None = None
        """What it has yet to confirm."""
        self._retry_at = 0.0
        self._lingers_until: float | None = None
        self._is_trusted = True
        """Whether it confirmed the last one in time. A switch that hangs may connect again and again."""

    def may_begin(self, now: float) -> bool:
        """Whether the next one can be sent: the last is confirmed, and one that was refused waited for long enough."""
        return self.current is None and now >= self._retry_at

    def try_again(self) -> None:
        """The desired flows have changed: they may be sent although the last transaction was refused."""
        self._retry_at = 0.0

    def send(self, apply: Callable[[Plan], int], plan: Plan, replaced: frozenset[int], now: float) -> None:
        """Begin one. ``apply`` sends a plan and returns the transaction's number; ``replaced``: as there."""
        self.current = Transaction(apply(plan), plan, replaced, now)

    def send_meters(self, apply: Callable[[MeterPlan], int], plan: MeterPlan, now: float) -> None:
        """Begin one for meters. ``apply``: as there."""
        self.current = Transaction(apply(plan), plan, frozenset(), now)

    def lingers(self, plan: Plan, now: float) -> bool:
        """Whether flows that are only to be removed stay for a moment.

        A port that left may be on its way to another host: then new flows take the place of these, and need not wait.
        """
        if plan.add or plan.groups:
            self._lingers_until = None
            return False
        self._lingers_until = self._lingers_until or now + LINGER
        if now < self._lingers_until:
            return True
        self._lingers_until = None
        return False

    def confirmed(self, xid: int, now: float) -> Transaction | None:
        """The switch has carried out everything up to a transaction. Returns the transaction that has ended."""
        done = self.current
        if done is None or done.xid != xid:
            return None
        self.current = None
        self._is_trusted = True
        if done.refused:
            self._retry_at = now + RETRY
        return done

    def lost(self) -> None:
        """The session has ended: what was sent last is never confirmed."""
        self._is_trusted = self._is_trusted and self.current is None
        self.current = None

    def is_answered(self, moved_at: float, now: float) -> bool:
        """Whether the switch confirms in time what it is sent, and takes more of it.

        ``moved_at``: when something came from it or went to it last. A transaction, or the last part of it, may have
        been sent after the time that is now.
        """
        if self.current is not None:
            silent = now - max(self.current.sent_at, moved_at)
            self._is_trusted = self._is_trusted and silent < PATIENCE
        return self._is_trusted and now >= self._retry_at
