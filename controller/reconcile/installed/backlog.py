"""What is left to do for one switch, sorted by when it may be done (ADR 8), and kept up to date flow by flow."""

from collections.abc import Iterable, Mapping, Set

from controller.reconcile.installed.flows import InstalledFlows
from flows.compile.desired import Desired, DesiredChange, Plan
from flows.openflow.flow import Flow
from flows.pipeline.page import FLOODING_TABLES, is_receiving


class Backlog:
    """The difference between the desired flows of a switch and those that it holds."""

    def __init__(self, desired: Desired, held: InstalledFlows) -> None:
        """Found out from scratch."""
        self._desired = desired
        self._held = held
        self._receiving: dict[int, Flow] = {}
        """Flows to add that only receive what other hosts send."""
        self._sending: dict[int, Flow] = {}
        self._old_receiving: set[int] = set()
        """Flows to delete that only receive, or may only receive, what other hosts send."""
        self._old_sending: set[int] = set()
        self._old_learned: Set[int] = held.learned - desired.learned.keys()
        """Cookies of learned flows that the switch must forget."""
        wanted, holds = desired.flows.keys(), held.cookies(None)
        self._lacks(desired.among(wanted - holds) if holds else desired.flows)
        self._exceeds(holds - wanted)

    def __bool__(self) -> bool:
        return bool(self._receiving or self._sending or self._old_receiving or self._old_sending or self._old_learned)

    @property
    def receives_more(self) -> bool:
        """Whether flows are missing that receive what other hosts will send."""
        return bool(self._receiving)

    @property
    def sends_otherwise(self) -> bool:
        """Whether flows have to change that decide what is sent."""
        return bool(self._sending or self._old_sending)

    def follow(self, change: DesiredChange) -> None:
        """Take in a change of the desired flows."""
        self._held.recognise(change.added, self._desired.flows)
        self._consider(change.added | change.removed)
        self._old_learned = self._held.learned - self._desired.learned.keys()

    def carried_out(self, plan: Plan, replaced: Set[int]) -> None:
        """The switch has carried out a plan, which replaced other flows."""
        self._held.carry_out(plan, replaced)
        self._consider({flow.cookie for flow in plan.add} | plan.delete | replaced)
        self._old_learned = self._held.learned - self._desired.learned.keys()

    def replaced_by(self, flows: Iterable[Flow]) -> frozenset[int]:
        """The flows that these will replace."""
        old = self._old_receiving | self._old_sending
        places = {flow.key for flow in flows} if old else set()
        return frozenset(cookie for cookie in old if (flow := self._held.flow(cookie)) and flow.key in places)

    def everything(self) -> Plan:
        """All of it at once."""
        return self.part(may_send=True, may_remove=True, knows_all=True)

    def part(self, *, may_send: bool, may_remove: bool, knows_all: bool) -> Plan:
        """The part that may be done now. Learned flows that must be forgotten go first, before new flows that could
        meet them. A flood is one flow for all hosts: while some ports were not found yet it would replace one that is
        right by one that sends to too few.
        """
        add = list(self._receiving.values())
        delete = set(self._old_learned)
        if may_send:
            add += (flow for flow in self._sending.values() if knows_all or flow.table not in FLOODING_TABLES)
            delete |= self._old_sending
            if may_remove:
                delete |= self._old_receiving
        return Plan(tuple(add), frozenset(delete))

    def _consider(self, cookies: Set[int]) -> None:
        """Note what is to be done about these."""
        for noted in (self._receiving, self._sending):
            for cookie in noted.keys() & cookies:
                del noted[cookie]
        self._old_receiving -= cookies
        self._old_sending -= cookies
        holds = self._held.cookies(None) & cookies
        self._lacks(self._desired.among(cookies - holds))
        self._exceeds(holds - self._desired.flows.keys())

    def _lacks(self, flows: Mapping[int, Flow]) -> None:
        """It must hold these, and does not."""
        for cookie, flow in flows.items():
            (self._receiving if is_receiving(flow) else self._sending)[cookie] = flow

    def _exceeds(self, cookies: Iterable[int]) -> None:
        """It holds these, and must not."""
        for cookie in cookies:
            (self._old_receiving if self._held.is_receiving(cookie) else self._old_sending).add(cookie)
