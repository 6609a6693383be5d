"""What goes to one switch, sent by a thread of its own: whoever hands it in never waits.

A large transaction is made piece by piece while it is sent. The thread goes on when the switch has taken most of what
was made before, so a switch that is slow or stuck costs a few pieces of memory, and never the room in os-ken's queue
(16 messages) that its echo requests need: without them nobody would notice that it is stuck.
"""

import queue
import time
from collections.abc import Iterable
from threading import Thread
from typing import Any

_AHEAD = 8
"""Pieces that os-ken is given before it has sent them."""
_PAUSE = 0.005
"""Seconds until another look at whether it has sent some: Open vSwitch takes as long for two pieces of flows."""


class Outbox:
    """Sends messages in the order in which they are handed in."""

    def __init__(self, datapath: Any) -> None:
        self._datapath = datapath
        self.moved_at = 0.0
        """When the last piece went on, in seconds of :func:`time.monotonic`."""
        self._queue: queue.SimpleQueue[Iterable[bytes] | None] = queue.SimpleQueue()
        Thread(target=self._run, daemon=True).start()

    def put(self, pieces: Iterable[bytes]) -> None:
        """Send some pieces, without others in between."""
        self._queue.put(pieces)

    def close(self) -> None:
        """Nothing more will be handed in."""
        self._queue.put(None)

    def _run(self) -> None:
        for pieces in iter(self._queue.get, None):
            for piece in pieces:
                if not self._is_sent(piece):
                    return

    def _is_sent(self, piece: bytes) -> bool:
        """Hand a piece on once there is room; False when the session has ended."""
        while (waiting := self._datapath.send_q) is not None and waiting.qsize() >= _AHEAD:
            time.sleep(_PAUSE)
        self.moved_at = time.monotonic()
        return bool(self._datapath.send(piece))
