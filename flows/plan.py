"""What a switch shall hold, what it holds, and the difference: nobody writes deletions."""

from collections.abc import Mapping, Set
from dataclasses import dataclass, field

from flows.flow import Flow
from flows.rules import Application


@dataclass(frozen=True, slots=True)
class Desired:
    """Every flow that one switch shall hold, by cookie, with what it is there for."""

    flows: Mapping[int, Flow]
    applications: Mapping[int, tuple[Application, ...]]
    learned: Mapping[int, tuple[Application, ...]] = field(default_factory=dict)
    """Every cookie that what the switch learns may have, with what has it learned."""

    def words(self, cookie: int) -> str:
        """What a flow does, and the objects that it is there for."""
        reasons = self.applications[cookie]
        return f"'{reasons[0].sentence}', wanted by {', '.join(str(reason.why) for reason in reasons)}"


@dataclass(frozen=True, slots=True)
class Plan:
    """How to get a switch from what it holds to what it shall hold."""

    add: tuple[Flow, ...]
    delete: frozenset[int]
    """Cookies of flows to delete."""

    def __bool__(self) -> bool:
        return bool(self.add or self.delete)


def diff(desired: Mapping[int, Flow], actual: Set[int]) -> Plan:
    """The plan that makes a switch with these cookies of ours hold exactly the desired flows."""
    add = tuple(flow for cookie, flow in desired.items() if cookie not in actual)
    return Plan(add, frozenset(actual - desired.keys()))
