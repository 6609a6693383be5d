"""``ovs-appctl``'s protocol on one connection (ovs-appctl(8): JSON-RPC), a hundred times faster than the program."""

import json
import socket
from collections.abc import Mapping
from pathlib import Path

from tests.switch import wait_until


class Control:
    """One connection to a daemon's control socket."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        wait_until(lambda: self._socket.connect_ex(str(path)) == 0, f"a daemon behind {path}")
        self._socket.settimeout(20)
        self._number = 0

    def call(self, method: str, *arguments: str) -> str:
        """Give a command of ovs-appctl(8) and wait for the answer."""
        self.ask(method, *arguments)
        return self.answer()

    def ask(self, method: str, *arguments: str) -> None:
        """Give a command; :meth:`answer` waits for what it says."""
        self._number += 1
        request: Mapping[str, object] = {"method": method, "params": list(arguments), "id": self._number}
        self._socket.sendall(json.dumps(request).encode())

    def answer(self) -> str:
        """The answer to the last command. Fails the test when it is an error."""
        received = b""
        while True:
            part = self._socket.recv(65536)
            assert part, "ovs-vswitchd ended the connection"
            received += part
            try:
                reply = json.loads(received)
            except ValueError:
                continue
            assert reply["error"] is None, str(reply["error"])
            return str(reply["result"])

    def close(self) -> None:
        """End the connection."""
        self._socket.close()
