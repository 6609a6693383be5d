"""From a packet to its handler: the packet's cookie says which flow sent it, and the flow's rule names the handler.

What comes here was made by instances, and there may be very much of it. The switch bounds it by a meter of each port
(``flows/pipeline/limits.py``). A budget here bounds what gets past the switch all the same: the loop has time for other
things. A handler that fails on a packet costs one line in the log, once, and a count.
"""

import logging
from collections import Counter
from collections.abc import Mapping

from controller.reconcile.packetin import expired, probe_frame, refused, shown_up
from controller.reconcile.packetin.handling import Decision, Handler, LeftOut, Packet
from flows.compile.desired import Desired
from flows.openflow.groups_and_meters import MeterEntry
from flows.pipeline.page import TABLES
from flows.pipeline.rules import Application, DeclarationError, Rule

HANDLERS: Mapping[str, Handler] = {
    "expired": expired.handle,
    "refused": refused.handle,
    "shown_up": shown_up.handle,
    "tunnel_probe": probe_frame.handle,
}
"""By the names that rules call them by."""

UNMETERED = 1000.0
"""Packets per second, and at once after a pause, for a rule without a meter: all that a switch sends at most (host
contract). When a thousand hosts start, each gets a probe of every other one."""
_SLACK = 2.0
"""So many times what a rule's meter lets through is taken: a meter that was made anew begins with a full burst."""

_UNKNOWN = LeftOut("no flow sends such packets any more", is_missed=False)
_TOO_MANY = LeftOut("there were more than the switch should let through")
_FAULT = LeftOut("the controller's handler failed on it")

_log = logging.getLogger(__name__)


def check(rules: Mapping[str, Rule], handlers: Mapping[str, Handler]) -> None:
    """Raise :class:`DeclarationError` when a rule names no handler that exists, or a handler has no rule.

    ``rules``: by the handler, one of those that name it.
    """
    for name in rules.keys() - handlers.keys():
        rule = rules[name]
        raise DeclarationError(f"{rule.table.name}: '{rule.sentence}' names the handler {name}, which does not exist")
    for name in handlers.keys() - rules.keys():
        raise DeclarationError(f"no rule sends packets to the handler {name}")


def named() -> dict[str, Rule]:
    """The handlers that the rules of all tables name, each with such a rule."""
    return {rule.handler: rule for table in TABLES for rule in table.all_rules() if rule.handler is not None}


class _Budget:
    """A token bucket."""

    __slots__ = ("_at", "_left", "_most", "_rate")

    def __init__(self, rate: float, burst: float, now: float) -> None:
        self._rate, self._most = rate, burst
        self._left, self._at = burst, now

    def take(self, now: float) -> bool:
        """Whether there is room for one more."""
        self._left = min(self._most, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True


class Dispatch:
    """Hands the packets of one switch to their handlers, and counts. Times are seconds of one monotonic clock."""

    def __init__(self, node: str, handlers: Mapping[str, Handler] = HANDLERS) -> None:
        self._node = node
        self._handlers = handlers
        self._budgets: dict[int | str, _Budget] = {}
        """By the rule's meter, of which each port has its own; without one by the handler."""
        self._failed: set[str] = set()
        self._dropped: dict[int, int] = {}
        """What meters that are wanted have dropped, by their numbers."""
        self.handled: Counter[str] = Counter()
        """How many packets each handler made something of."""
        self.left_out: Counter[tuple[str, str]] = Counter()
        """How many were left out, by handler and reason."""
        self.unanswered: Counter[tuple[str, str]] = Counter()
        """Those of them to which somebody may miss an answer."""
        self.above_limit: dict[tuple[str, str], int] = {}
        """How many the switch's meters dropped, by handler and port; counted since the meter was made."""

    def metered(self, dropped: Mapping[int, int], desired: Desired | None) -> None:
        """The switch said how many packets some meters have dropped since they were made."""
        users = {} if desired is None else desired.users
        self._dropped |= dropped  # a switch with very many says so in several messages
        self._dropped = {n: packets for n, packets in self._dropped.items() if packets and ("meter", n) in users}
        self.above_limit = {}
        for number, packets in self._dropped.items():
            user = next(iter(users["meter", number]))
            if user.rule.handler is not None and not user.flow.shape.drops:
                self.above_limit[user.rule.handler, str(user.values["port"])] = packets

    def forget(self) -> None:
        """The switch is gone."""
        self._budgets.clear()
        self._dropped.clear()

    def take(self, cookie: int, frame: bytes, length: int, desired: Desired | None, now: float) -> Decision:
        """Decide on a packet that the flow with a cookie sent. ``length``: bytes of the whole frame."""
        reasons = desired.applications.get(cookie) if desired else None
        name = reasons[0].rule.handler if reasons else None
        if not reasons or name is None:
            return self._leave_out("", _UNKNOWN)
        is_dropped = reasons[0].flow.shape.drops
        if not self._has_room(name, reasons[0], now):
            return self._leave_out(name, _TOO_MANY, is_dropped=is_dropped)
        try:
            decision = self._handlers[name](Packet(frame, length, reasons[0].values))
        except Exception as error:  # whatever it is, others go on
            self._tell(name, error, frame)
            decision = _FAULT
        if isinstance(decision, LeftOut):
            return self._leave_out(name, decision, is_dropped=is_dropped)
        self.handled[name] += 1
        return decision

    def _leave_out(self, name: str, decision: LeftOut, *, is_dropped: bool = False) -> LeftOut:
        self.left_out[name, decision.why] += 1
        if decision.is_missed and not is_dropped:  # of what is dropped anyway nobody gets an answer
            self.unanswered[name, decision.why] += 1
        return decision

    def _has_room(self, name: str, application: Application, now: float) -> bool:
        meter = next((entry for entry in application.refers_to if isinstance(entry, MeterEntry)), None)
        key = name if meter is None else meter.number
        budget = self._budgets.get(key)
        if budget is None:
            rate, burst = (UNMETERED, UNMETERED) if meter is None else (meter.rate * _SLACK, meter.burst * _SLACK)
            budget = self._budgets[key] = _Budget(rate, burst, now)
        return budget.take(now)

    def _tell(self, name: str, error: Exception, frame: bytes) -> None:
        if name not in self._failed:
            self._failed.add(name)
            words = (
                "%s: packets: handler %s failed (%r) on %s; the packet is left out, and the next ones are only counted"
            )
            _log.error(words, self._node, name, error, frame[:64].hex())


check(named(), HANDLERS)
