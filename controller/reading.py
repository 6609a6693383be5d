"""What a switch answers when it is asked for its flows, sorted out part by part as it comes."""

from collections.abc import Iterator
from itertools import chain

from controller.switch.compare import sort_out
from controller.switch.decode import Entry, cookies, entries
from flows.flow import Flow
from flows.plan import Desired


class Reading:
    """One answer. It is kept as bytes until it is known what the switch shall hold."""

    def __init__(self) -> None:
        self.right: dict[int, Flow] = {}
        """Flows that the switch shall hold, and that are as they were sent."""
        self.others: list[Entry] = []
        self._parts: list[bytes] = []
        """Those that are not sorted out."""

    def take(self, flows: bytes) -> None:
        """The next part of the answer."""
        self._parts.append(flows)

    def sort_out(self, desired: Desired) -> None:
        """Tell what is right from what is to be looked at.

        What was told before stays so, whatever else the switch shall hold by now: a cookie stands for one flow.
        """
        for part in self._parts:
            right, others = sort_out(part, desired.flows)
            self.right.update(right)
            self.others += others
        self._parts.clear()

    def entries(self) -> Iterator[Entry]:
        """Everything that was not sorted out."""
        return chain.from_iterable(map(entries, self._parts))

    def cookies(self) -> Iterator[int]:
        """The cookies of everything that was not sorted out."""
        return chain.from_iterable(map(cookies, self._parts))
