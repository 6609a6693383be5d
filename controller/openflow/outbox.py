"""Sends messages to one switch; the caller never waits. A short message is sent at once, because each thread that it
passes through costs a change time. The rest of a large transaction is made piece by piece while a thread sends it. More
is made when the switch has taken most of what was made before. So a slow or stuck switch costs a few pieces of memory,
and never the room in os-ken's queue (16 messages) that its echo requests need. Without echo requests a stuck switch
would not be noticed.
"""

import queue
import time
from collections.abc import Iterable
from itertools import chain
from threading import Thread
from typing import Any

from controller import process_clock

_AHEAD = 8
"""Pieces that os-ken is given before it has sent them."""
_PAUSE = 0.005
"""Seconds until another look at whether it has sent some: Open vSwitch takes as long for two pieces of flows."""


class Outbox:
    """Sends messages in the order in which they are handed in. Its user is one thread."""

    def __init__(self, datapath: Any) -> None:
        self._datapath = datapath
        self.moved_at = 0.0
        """When the last piece of something long went on, in seconds of :func:`controller.process_clock.now`."""
        self._queue: queue.Queue[Iterable[bytes] | None] = queue.Queue()
        Thread(target=self._run, daemon=True).start()

    def put(self, pieces: Iterable[bytes]) -> None:
        """Send some pieces, without others in between."""
        if self._queue.unfinished_tasks == 0 and self._has_room():
            rest = iter(pieces)
            self._datapath.send(next(rest))
            if (second := next(rest, None)) is None:
                return
            self.moved_at = process_clock.now()
            pieces = chain([second], rest)
        self._queue.put(pieces)

    def close(self) -> None:
        """Nothing more will be handed in."""
        self._queue.put(None)

    def _run(self) -> None:
        for pieces in iter(self._queue.get, None):
            for piece in pieces:
                if not self._is_sent(piece):
                    return
            self._queue.task_done()

    def _has_room(self) -> bool:
        waiting = self._datapath.send_q
        return waiting is None or waiting.qsize() < _AHEAD

    def _is_sent(self, piece: bytes) -> bool:
        """Hand a piece on once there is room; False when the session has ended."""
        while not self._has_room():
            time.sleep(_PAUSE)
        self.moved_at = process_clock.now()
        return bool(self._datapath.send(piece))
