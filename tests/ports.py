"""TCP ports of this machine for what a test starts."""

import random
import socket

_RANGE = range(10000, 32000)
"""Below the ports that Linux gives to outgoing connections (ip_local_port_range), which might take one at once."""


def free_port() -> int:
    """A port of 127.0.0.1 on which nothing listens, that tests at the same time are unlikely to get too."""
    while True:
        port = random.choice(_RANGE)
        with socket.socket() as tried:
            tried.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                tried.bind(("127.0.0.1", port))
            except OSError:
                continue
            return port
