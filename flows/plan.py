"""What a switch shall hold, what it holds, and the difference: nobody writes deletions."""

from collections.abc import Iterator, KeysView, Mapping
from dataclasses import dataclass, field
from typing import Any

from flows.flow import Flow
from flows.rules import Application

Reasons = Mapping[int, tuple[Application, ...]]
"""By cookie, the applications that it is there for. Several have the same flow, or the same lesson to learn."""


class _Flows(Mapping[int, Flow]):
    """The flows of some reasons."""

    def __init__(self, reasons: Reasons) -> None:
        self._reasons = reasons

    def __getitem__(self, cookie: int) -> Flow:
        return self._reasons[cookie][0].flow

    def get(self, cookie: int, default: Any = None) -> Any:
        reasons = self._reasons.get(cookie)
        return default if reasons is None else reasons[0].flow

    def keys(self) -> KeysView[int]:
        return self._reasons.keys()

    def __contains__(self, cookie: object) -> bool:
        return cookie in self._reasons

    def __iter__(self) -> Iterator[int]:
        return iter(self._reasons)

    def __len__(self) -> int:
        return len(self._reasons)


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
    """Every flow that one switch shall hold, by cookie, with what it is there for."""

    def __init__(self, reasons: Reasons, learned: Reasons | None = None) -> None:
        """``learned``: of every cookie that what the switch learns may have, what has it learned."""
        self.flows: Mapping[int, Flow] = _Flows(reasons)
        self.applications: Reasons = _InOrder(reasons)
        self.learned: Reasons = _InOrder({} if learned is None else learned)

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


@dataclass(slots=True)
class Change:
    """The cookies by which what a switch shall hold, and what it may learn, is another than before."""

    added: set[int] = field(default_factory=set)
    removed: set[int] = field(default_factory=set)
    learned: set[int] = field(default_factory=set)
    forgotten: set[int] = field(default_factory=set)

    def __bool__(self) -> bool:
        return bool(self.added or self.removed or self.learned or self.forgotten)
