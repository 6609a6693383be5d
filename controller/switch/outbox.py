"""What goes to one switch, sent by a thread of its own: whoever hands it in never waits.

A large transaction is made piece by piece while it is sent. os-ken's queue takes a few pieces and then makes this
thread wait until the switch has taken some, so a switch that is slow or stuck costs a few pieces of memory.
"""

import queue
from collections.abc import Callable, Iterable
from threading import Thread


class Outbox:
    """Sends messages in the order in which they are handed in."""

    def __init__(self, send: Callable[[bytes], bool]) -> None:
        """``send`` may wait; it returns False when the session has ended."""
        self._send = send
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
            if not all(map(self._send, pieces)):
                return
