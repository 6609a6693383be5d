"""What a switch must hold, what it holds, and the difference. Nobody writes deletions."""

from collections.abc import Iterable, Iterator, KeysView, Mapping, Set
from dataclasses import dataclass, field
from types import MappingProxyType

from flows.openflow.flow import Flow
from flows.openflow.groups_and_meters import GroupEntry, GroupOrMeter, Key, MeterEntry
from flows.pipeline.rules import Application

Reasons = Mapping[int, tuple[Application, ...]]
"""By cookie, the applications that it is there for. Several have the same flow, or the same lesson to learn."""


class _InOrder(Mapping[int, tuple[Application, ...]]):
    """Reasons, each once, in an order that depends on nothing but what they say."""

    def __init__(self, reasons: Reasons) -> None:
        self._reasons = reasons

    def __getitem__(self, cookie: int) -> tuple[Application, ...]:
        reasons = self._reasons[cookie]
        if len(reasons) == 1:
            return reasons
        once = {(reason.why.what, str(reason.why.origin), reason.sentence): reason for reason in reasons}
        return tuple(once[key] for key in sorted(once))

    def keys(self) -> KeysView[int]:
        return self._reasons.keys()

    def __contains__(self, cookie: object) -> bool:
        return cookie in self._reasons

    def __iter__(self) -> Iterator[int]:
        return iter(self._reasons)

    def __len__(self) -> int:
        return len(self._reasons)


class Desired:
    """Every flow that one switch must hold, by cookie, with what it is there for; and their groups and meters."""

    def __init__(
        self,
        flows: Mapping[int, Flow],
        reasons: Reasons,
        learned: Reasons | None = None,
        groups_and_meters: Mapping[Key, GroupOrMeter] = MappingProxyType({}),
        users: Mapping[Key, Iterable[Application]] = MappingProxyType({}),
    ) -> None:
        """``learned``: of every cookie that what the switch learns may have, what has it learned.

        ``users``: of each group and meter, the applications whose flows refer to it.
        """
        self.flows = flows
        self.groups_and_meters = groups_and_meters
        self.users = users
        self.applications: Reasons = _InOrder(reasons)
        self.learned: Reasons = _InOrder({} if learned is None else learned)

    def among(self, cookies: Set[int]) -> dict[int, Flow]:
        """Its flows with some cookies.

        Many are looked at in the order in which they were made, in which they lie in memory. That is several times as
        fast as any other order, such as that of their cookies.
        """
        flows = self.flows
        if 4 * len(cookies) > len(flows):
            return {cookie: flow for cookie, flow in flows.items() if cookie in cookies}
        return {cookie: flows[cookie] for cookie in cookies if cookie in flows}

    def words(self, cookie: int) -> str:
        """What a flow does, and the objects that it is there for."""
        reasons = self.applications[cookie]
        return f"'{reasons[0].sentence}', wanted by {', '.join(str(reason.why) for reason in reasons)}"

    def what(self, key: Key) -> str:
        """What a group or meter is."""
        kind, number = key
        return f"{kind} {number:#x}: {self.groups_and_meters[key]}"

    def why(self, key: Key) -> str:
        """The objects that the flows are there for that refer to a group or meter."""
        return ", ".join(sorted({str(user.why) for user in self.users.get(key, ())}))

    def words_of(self, key: Key) -> str:
        """What a group or meter is, and the objects that its flows are there for."""
        kind, number = key
        return f"{kind} {number:#x} ({self.groups_and_meters[key]}), wanted by {self.why(key)}"


@dataclass(frozen=True, slots=True)
class Plan:
    """How to get a switch from what it holds to what it must hold."""

    add: tuple[Flow, ...]
    delete: frozenset[int]
    """Cookies of flows to delete."""
    groups: tuple[GroupEntry, ...] = ()
    """Groups to add, or to put in the places of those with their numbers."""
    old_groups: frozenset[int] = frozenset()
    """Numbers of groups to delete; no flow refers to them any more."""
    begun: frozenset[int] = frozenset()
    """Zones of connection tracking that get another port by it: emptied before it is carried out."""
    ended: frozenset[int] = frozenset()
    """Zones that lose their port by it: emptied afterwards."""

    def __bool__(self) -> bool:
        return bool(self.add or self.delete or self.groups or self.old_groups)


@dataclass(frozen=True, slots=True)
class MeterPlan:
    """What to do about meters, which are never part of a :class:`Plan`: a switch takes none in a bundle."""

    add: tuple[MeterEntry, ...] = ()
    change: tuple[MeterEntry, ...] = ()
    """To put in the places of those with their numbers, which are there."""
    delete: frozenset[int] = frozenset()
    """Numbers of meters to delete; no flow refers to them any more."""


@dataclass(slots=True)
class DesiredChange:
    """By what a switch must hold something else than before: the cookies of flows and of what it may learn."""

    added: set[int] = field(default_factory=set)
    removed: set[int] = field(default_factory=set)
    learned: set[int] = field(default_factory=set)
    forgotten: set[int] = field(default_factory=set)
    referred: set[Key] = field(default_factory=set)
    """Groups and meters that are others, or that flows of others refer to."""

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.learned or self.forgotten or self.referred)
