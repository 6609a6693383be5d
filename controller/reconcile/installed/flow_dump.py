"""The answer of a switch to a request for its flows.

Cookies say at once which flows it holds. Whether these are still what their cookies stand for is found out byte by
byte, part by part, while other things go on.
"""

from collections import deque
from collections.abc import Iterator, Set
from itertools import chain

from controller.openflow.decode import ReportedFlow, cookies, entries
from flows.openflow.flow import COOKIE_OWNER


class FlowDump:
    """One answer, which comes in parts."""

    def __init__(self) -> None:
        self.cookies: set[int] = set()
        self.parts: deque[bytes] = deque()
        """The flows as the switch reports them, those of a message in one; none is empty."""

    def take(self, flows: bytes) -> None:
        """The next part of the answer."""
        if flows:
            self.parts.append(flows)
            self.cookies.update(cookies(flows))

    @property
    def size(self) -> int:
        """How many bytes the answer has."""
        return sum(map(len, self.parts))

    def count(self, among: Set[int]) -> int:
        """How many of the flows have one of these cookies."""
        return sum(cookie in among for part in self.parts for cookie in cookies(part))

    def entries(self) -> Iterator[ReportedFlow]:
        """All flows."""
        return chain.from_iterable(map(entries, self.parts))

    def unknown(self, wanted: Set[int]) -> Iterator[ReportedFlow]:
        """The flows that have a cookie of ours, and none of these; not what the switch learned by itself."""
        cookies = {cookie for cookie in self.cookies - wanted if cookie >> 56 == COOKIE_OWNER}
        return (entry for entry in self.entries() if entry.cookie in cookies) if cookies else iter(())
