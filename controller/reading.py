"""What a switch answers when it is asked for its flows.

Cookies say at once which flows it holds. Whether these are still what their cookies stand for is found out byte by
byte, part by part, while other things go on.
"""

from collections import deque
from collections.abc import Iterator, Set
from itertools import chain

from controller.switch.decode import Entry, cookies, entries


class Reading:
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

    def entries(self, among: Set[int]) -> Iterator[Entry]:
        """The flows with one of these cookies."""
        every = chain.from_iterable(map(entries, self.parts)) if among else ()
        return (entry for entry in every if entry.cookie in among)
