"""What one switch holds of ours, as far as is known: flows that were sent to it, and flows that it learned itself."""

from collections.abc import Iterable, Mapping, Set

from flows.learning import LEARNED_OWNER, Learn
from flows.openflow import Flow
from flows.pipeline import is_receiving
from flows.plan import Desired, Plan, diff


def learnable(desired: Desired) -> frozenset[int]:
    """The cookies of everything that a switch with these flows may learn."""
    return frozenset(
        action.cookie
        for flow in desired.flows.values()
        for action in flow.actions
        if isinstance(action, Learn) and action.full is None
    )


class Holdings:
    """What was read from a switch, and what was confirmed since."""

    def __init__(self, cookies: Iterable[int], known: Mapping[int, Flow], misses: Iterable[int] = ()) -> None:
        """``misses``: those that belong to misses of tables."""
        read = frozenset(cookies)
        self._misses = frozenset(misses)
        self.has_learned(read)
        self._flows: dict[int, Flow | None] = {cookie: known.get(cookie) for cookie in read - self._learned}

    def has_learned(self, cookies: Iterable[int]) -> None:
        """Among these cookies are those of everything that it has learned."""
        self._learned: Set[int] = frozenset(cookie for cookie in cookies if cookie >> 56 == LEARNED_OWNER)

    def __len__(self) -> int:
        """How many flows of ours were sent to it; what it learned is not counted."""
        return len(self._flows)

    def __contains__(self, cookie: int) -> bool:
        """Whether it holds a flow that was sent to it."""
        return cookie in self._flows

    def cookies(self, table: int | None) -> Set[int]:
        """The cookies of the flows that were sent to it; those that are known to be in one table, if that is given."""
        if table is None:
            return set(self._flows)
        return {cookie for cookie, flow in self._flows.items() if flow is not None and flow.table == table}

    def add(self, cookie: int, flow: Flow | None) -> None:
        """It holds a flow; None where it is not known which."""
        self._flows[cookie] = flow

    def lose(self, cookie: int) -> None:
        """It does not hold a flow any more, or not as it should be."""
        self._flows.pop(cookie, None)

    def recognise(self, known: Mapping[int, Flow]) -> None:
        """Some of what was read can be told only now."""
        self._flows = {cookie: flow or known.get(cookie) for cookie, flow in self._flows.items()}

    def difference(self, desired: Desired, may_learn: Set[int]) -> Plan:
        """How to make it hold what it shall. Of what it learned, all goes that it could not learn any more."""
        plan = diff(desired.flows, self._flows.keys())
        return Plan(plan.add, plan.delete | (self._learned - may_learn))

    def has_other_pipeline(self, desired: Desired) -> bool:
        """Whether it holds flows of another version of the program, with other tables or another order of them.

        Every table has a miss, which depends on nothing but the pipeline.
        """
        return any(cookie in self._flows and cookie not in desired.flows for cookie in self._misses)

    def everything(self) -> Plan:
        """How to make it hold nothing of ours."""
        return Plan((), frozenset(self._flows) | self._learned)

    def is_learned(self, cookie: int) -> bool:
        """Whether it made flows with this cookie by itself."""
        return cookie in self._learned

    def is_receiving(self, cookie: int) -> bool:
        """Whether a flow only takes in what others send, or may be one that does."""
        flow = self._flows.get(cookie)
        return flow is None or is_receiving(flow)

    def carry_out(self, plan: Plan) -> None:
        """It has done what a plan says. A flow that was added in another's place has replaced it."""
        places = {flow.key for flow in plan.add}
        for cookie in [cookie for cookie, flow in self._flows.items() if flow is not None and flow.key in places]:
            del self._flows[cookie]
        for cookie in plan.delete:
            self._flows.pop(cookie, None)
        self._learned -= plan.delete
        self._flows.update((flow.cookie, flow) for flow in plan.add)
