"""TCP connections one after the other, each with one request and one answer: how many a second.

``python -m tests.benchmarks.connections serve`` in one instance, ``python -m tests.benchmarks.connections ADDRESS`` in
another, which prints the number.
"""

import socket
import sys
import time

PORT = 5999
_SECONDS = 1.0
_BYTE = b"x"


def serve() -> None:
    """Answer every connection's byte, until killed."""
    with socket.create_server(("", PORT), backlog=128) as server:
        print("listening", flush=True)
        while True:
            connection, _ = server.accept()
            with connection:
                connection.sendall(connection.recv(1))


def ask(address: str) -> float:
    """Connections per second to an address."""
    count, end = 0, time.monotonic() + _SECONDS
    while time.monotonic() < end:
        with socket.create_connection((address, PORT)) as connection:
            connection.sendall(_BYTE)
            # The other side closes first, so that no port here is left waiting.
            while connection.recv(1):
                pass
        count += 1
    return count / _SECONDS


if __name__ == "__main__":
    if sys.argv[1] == "serve":
        serve()
    else:
        print(ask(sys.argv[1]))
