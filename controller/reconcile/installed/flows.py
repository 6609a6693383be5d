"""The flows of ours in one switch, as far as is known: those that were sent to it, and those that it learned."""

from collections.abc import Iterable, Mapping, Set

from flows.compile.desired import Desired, Plan
from flows.openflow.flow import Flow
from flows.openflow.learn import LEARNED_OWNER
from flows.pipeline.page import LEARNED_TABLES, is_receiving


class InstalledFlows:
    """What was read from a switch, and what was confirmed since."""

    def __init__(self, cookies: Iterable[int], misses: Iterable[int] = ()) -> None:
        """It holds flows with these cookies, of which no more is known. ``misses``: those that miss in their tables."""
        self.edits = 0
        """Counts differences from what was known."""
        read = frozenset(cookies)
        self._misses = frozenset(misses)
        self.has_learned(read)
        self._flows: dict[int, Flow | None] = dict.fromkeys(read - self.learned)
        self._of_table: dict[int, set[int]] = {table: set() for table in LEARNED_TABLES}
        """Those in the tables that are read by themselves."""

    def has_learned(self, cookies: Iterable[int]) -> None:
        """Among these cookies are those of everything that it has learned."""
        self.edits += 1
        self.learned: Set[int] = frozenset(cookie for cookie in cookies if cookie >> 56 == LEARNED_OWNER)

    def __len__(self) -> int:
        """How many flows of ours were sent to it; what it learned is not counted."""
        return len(self._flows)

    def __contains__(self, cookie: int) -> bool:
        """Whether it holds a flow that was sent to it."""
        return cookie in self._flows

    def cookies(self, table: int | None) -> Set[int]:
        """The cookies of the flows that were sent to it.

        With ``table`` (one in which the switch learns too): those that are known to be there.
        """
        return self._flows.keys() if table is None else self._of_table[table]

    def add(self, cookie: int, flow: Flow | None) -> None:
        """It holds a flow; None where it is not known which."""
        self.edits += cookie not in self._flows
        self._put(cookie, flow)

    def take(self, flows: Mapping[int, Flow]) -> None:
        """It holds all of these, by cookie."""
        self.edits += len(flows.keys() - self._flows.keys())
        self._put_all(flows)

    def lose(self, cookie: int) -> None:
        """It does not hold a flow any more, or holds it changed."""
        self.edits += cookie in self._flows
        self._drop(cookie)

    def recognise(self, cookies: Iterable[int], known: Mapping[int, Flow]) -> None:
        """Some of what was read can be told only now."""
        for cookie in cookies:
            if cookie in self._flows:
                self._put(cookie, known[cookie])

    def flow(self, cookie: int) -> Flow | None:
        """A flow that was sent to it; None where it holds none, or it is not known which."""
        return self._flows.get(cookie)

    def has_other_pipeline(self, desired: Desired) -> bool:
        """Whether it holds flows of another version of the program, with other tables or another order of them.

        Every table has a miss, which depends on nothing but the pipeline.
        """
        return any(cookie in self._flows and cookie not in desired.flows for cookie in self._misses)

    def everything(self) -> Plan:
        """The plan that removes all flows of ours."""
        return Plan((), frozenset(self._flows) | self.learned)

    def is_receiving(self, cookie: int) -> bool:
        """Whether a flow only receives what other hosts send, or may be one that does."""
        flow = self._flows.get(cookie)
        return flow is None or is_receiving(flow)

    def carry_out(self, plan: Plan, replaced: Set[int]) -> None:
        """It has carried out a plan. Added flows have replaced those with the same table, priority and match."""
        for cookie in (*replaced, *plan.delete):
            self._drop(cookie)
        self.learned -= plan.delete
        self._put_all({flow.cookie: flow for flow in plan.add})

    def _put(self, cookie: int, flow: Flow | None) -> None:
        if flow is None:
            self._flows[cookie] = None
        else:
            self._put_all({cookie: flow})

    def _put_all(self, flows: Mapping[int, Flow]) -> None:
        self._flows.update(flows)
        for cookie, flow in flows.items():
            if flow.shape.table in self._of_table:
                self._of_table[flow.shape.table].add(cookie)

    def _drop(self, cookie: int) -> None:
        flow = self._flows.pop(cookie, None)
        if flow is not None and flow.shape.table in self._of_table:
            self._of_table[flow.shape.table].discard(cookie)
