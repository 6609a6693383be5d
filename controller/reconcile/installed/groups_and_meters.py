"""The groups and meters of ours in one switch: what it holds, what it must hold, and in which order it gets there.

Meters cannot travel in a bundle. Those that are new or different go before it, and flows that refer to them wait until
the switch has them. Those that nothing needs go after it. Groups are in the bundle, around the flows. A deletion takes
the flows along that refer to what is deleted, so it waits until there are none.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass, field

from controller.openflow.groups_and_meters import content, reported
from controller.openflow.sessions import Session
from controller.reconcile.installed.transactions import RETRY
from flows.compile.desired import Desired, MeterPlan, Plan
from flows.openflow.flow import Flow
from flows.openflow.groups_and_meters import GroupEntry, GroupOrMeter, Key, MeterEntry, key_of, keys_in

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class _Refused:
    entry: MeterEntry
    sentence: str
    retry_at: float


@dataclass(slots=True)
class GroupsAndMeters:
    """Keeps them as they must be. Nothing is sent here."""

    host: str
    drifted: Callable[[str], None]
    """Is told in words of each that somebody else changed."""
    asked_at: float | None = None
    """Since when the switch's answer is awaited; until it comes, nothing is to be sent."""
    _asked: int = 0
    _held: dict[Key, bytes] | None = None
    """What the switch holds; None until it was read."""
    _reports: Mapping[str, bytes] | None = None
    """The same as the switch has reported it, unless it was sent something since."""
    _desired: Desired | None = None
    _put: dict[Key, GroupOrMeter] = field(default_factory=dict)
    """What it lacks, or holds otherwise."""
    _gone: set[Key] = field(default_factory=set)
    """What it holds and must not."""
    _refused: dict[Key, _Refused] = field(default_factory=dict)
    _just_refused: set[Key] = field(default_factory=set)
    """By the transaction that is under way."""

    @property
    def is_known(self) -> bool:
        """Whether it is known what the switch holds."""
        return self._held is not None and not self._asked

    @property
    def is_settled(self) -> bool:
        """Whether the switch holds just what it must."""
        return self.is_known and not self._put and not self._gone

    @property
    def _are_used(self) -> bool:
        """Whether the switch has or must have any."""
        return bool(self._held) or (self._desired is not None and bool(self._desired.groups_and_meters))

    @property
    def problems(self) -> frozenset[str]:
        """Each meter that the switch refuses, in a sentence."""
        return frozenset(refused.sentence for refused in self._refused.values())

    def ask(self, session: Session, now: float) -> None:
        """Ask the switch what it holds."""
        session.read_groups_and_meters()
        self._asked += 1
        self.asked_at = now

    def look(self, session: Session, now: float) -> None:
        """Ask again, where there are any: somebody else may have changed them.

        A switch reports in the order in which it does things, so an answer that is awaited will be new enough.
        """
        if self._are_used and not self._asked:
            self.ask(session, now)

    def count(self, session: Session) -> None:
        """Ask what the meters have counted, where the switch has any: one that knows none would refuse."""
        if self._held:
            session.count_meters()

    def clear(self) -> None:
        """The switch is gone; what it holds is not known any more."""
        self._asked, self.asked_at, self._held, self._reports = 0, None, None, None
        self._refused.clear()

    def read(self, reports: Mapping[str, bytes]) -> None:
        """The switch has answered."""
        self._asked -= 1
        if self._asked:
            return
        self.asked_at = None
        if reports == self._reports:
            return  # mostly; they need not be taken apart
        before, self._held, self._reports = self._held, {}, reports
        for kind, report in reports.items():
            self._held.update(reported(kind, report))
        if before is not None:
            for words in self._differences(before, self._held):
                self.drifted(words)
        self._compare_all()

    def want(self, desired: Desired, changed: Set[Key]) -> None:
        """The switch must hold this now. ``changed``: the groups and meters that are others than before."""
        is_first, self._desired = self._desired is None, desired
        if is_first:
            self._compare_all()
        else:
            self._compare(changed)

    def due(self, now: float) -> MeterPlan | None:
        """The meters that have to be there before flows are sent; None: all are, or the switch refuses them."""
        held, add, change = self._held or {}, list[MeterEntry](), list[MeterEntry]()
        for key, entry in self._put.items():
            refused = self._refused.get(key)
            if isinstance(entry, MeterEntry) and (refused is None or now >= refused.retry_at):
                (change if key in held else add).append(entry)
        return MeterPlan(tuple(add), tuple(change)) if add or change else None

    def joined(self, plan: Plan, *, may_send: bool, may_remove: bool) -> Plan:
        """A plan for flows with the groups that have to change with them.

        Left out are flows that refer to a meter that the switch refuses.
        """
        if not self._put and not self._gone:
            return plan
        add = tuple(flow for flow in plan.add if not self._lacks_meter(flow)) if self._refused else plan.add
        needed = {key for flow in add for key in keys_in(flow)}
        groups = (entry for key, entry in self._put.items() if may_send or key in needed)
        put = tuple(entry for entry in groups if isinstance(entry, GroupEntry))
        return Plan(add, plan.delete, put, self._numbers("group") if may_send and may_remove else frozenset())

    def left_over(self) -> MeterPlan | None:
        """The meters to delete once no flow refers to them; None: there are none."""
        numbers = self._numbers("meter")
        return MeterPlan(delete=numbers) if numbers else None

    def everything(self) -> tuple[frozenset[int], MeterPlan]:
        """How to make the switch hold nothing of ours: groups to delete, and meters."""
        held = self._held or {}
        groups, meters = (frozenset(n for kind, n in held if kind == wanted) for wanted in ("group", "meter"))
        return groups, MeterPlan(delete=meters)

    def refused(self, key: Key, reason: str, now: float) -> None:
        """The switch refused a meter."""
        entry = self._put.get(key)
        if not isinstance(entry, MeterEntry) or self._desired is None:
            return
        sentence = f"the switch refused {self._desired.words_of(key)}: {reason}; flows that need it wait for it"
        if key not in self._refused:
            _log.error("%s: refused: %s", self.host, sentence)
        self._refused[key] = _Refused(entry, sentence, now + RETRY)
        self._just_refused.add(key)

    def meters_done(self, plan: MeterPlan) -> None:
        """The switch has done what a plan says, but for what it refused."""
        put = [entry for entry in (*plan.add, *plan.change) if key_of(entry) not in self._just_refused]
        self._just_refused.clear()
        self._done("meter", put, plan.delete)

    def groups_done(self, plan: Plan) -> None:
        """The switch has done what a plan says."""
        if plan.groups or plan.old_groups:
            self._done("group", plan.groups, plan.old_groups)

    def _done(self, kind: str, put: Sequence[GroupOrMeter], deleted: Set[int]) -> None:
        if self._held is None:
            return  # it is being read
        self._reports = None
        self._held |= {key_of(entry): content(entry) for entry in put}
        gone = {(kind, number) for number in deleted}
        for key in gone & self._held.keys():
            del self._held[key]
        self._compare(gone.union(map(key_of, put)))

    def _compare_all(self) -> None:
        """Find out from scratch what is to be done."""
        if self._desired is not None and self._held is not None:
            self._put.clear()
            self._gone.clear()
            self._compare(self._desired.groups_and_meters.keys() | self._held.keys() | self._refused.keys())

    def _compare(self, keys: Set[Key]) -> None:
        """Find out what is to be done about some."""
        if self._held is None or self._desired is None:
            return
        self._gone -= keys
        for key in keys:
            entry, held = self._desired.groups_and_meters.get(key), self._held.get(key)
            self._put.pop(key, None)
            if entry is None and held is not None:
                self._gone.add(key)
            elif entry is not None and held != content(entry):
                self._put[key] = entry
            if key in self._refused and self._put.get(key) != self._refused[key].entry:
                _log.info("%s: solved: %s", self.host, self._refused.pop(key).sentence)

    def _differences(self, before: Mapping[Key, bytes], now: Mapping[Key, bytes]) -> Iterator[str]:
        """What somebody else did since the switch was asked before."""
        wanted = self._desired.groups_and_meters if self._desired else {}
        for key in now.keys() - before.keys() - wanted.keys():
            kind, number = key
            yield f"{kind} {number:#x} has a number of ours, and no flow of ours needs it"
        for key, entry in wanted.items():
            if before.get(key) == content(entry) != now.get(key) and self._desired:
                how = "changed" if key in now else "deleted"
                yield f"{self._desired.words_of(key)}: {how} by somebody else"

    def _lacks_meter(self, flow: Flow) -> bool:
        """Whether a flow refers to a meter that the switch refused to take."""
        return any(key in self._refused and key not in (self._held or {}) for key in keys_in(flow))

    def _numbers(self, wanted: str) -> frozenset[int]:
        """The numbers of the groups, or meters, to delete."""
        return frozenset(number for kind, number in self._gone if kind == wanted)
