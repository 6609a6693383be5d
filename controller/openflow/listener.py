"""Accepts connections of switches, and goes on whatever happens to the process. os-ken's own listener ends with the
first connection that it cannot take. Then no switch could come back until a restart.
"""

import logging
import resource
import time

from os_ken.lib import hub

AGAIN = 1.0
"""Seconds until the next try, when there was no room for a connection. The switch waits in the kernel's queue."""
SAY_EVERY = 60.0

_log = logging.getLogger(__name__)


class Listener(hub.StreamServer):  # type: ignore[misc]
    """Accepts connections, and serves each in a thread of its own."""

    def serve_forever(self) -> None:
        """Never returns. A connection that cannot be taken now (no file descriptor, no thread) is tried again."""
        said = -SAY_EVERY
        while True:
            try:
                end, address = self.server.accept()
                try:
                    hub.spawn(self.handle, end, address)
                except RuntimeError:
                    end.close()
                    raise
            except (OSError, RuntimeError) as error:
                now = time.monotonic()
                if now - said >= SAY_EVERY:
                    said = now
                    _log.error("switch: no connection can be taken: %s; it is tried again each second", error)
                time.sleep(AGAIN)


def allow_many_files() -> None:
    """As many as the system allows this process: each host takes two connections, and 1,024 is a usual limit."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
