"""Transactions in a database without starting a program for each: RFC 7047 over a unix socket."""

import json
import socket
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

_BRIDGE = "br-int"


class HostDatabase:
    """The database of one host. ``with`` closes the connection."""

    def __init__(self, path: Path) -> None:
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._socket.connect(str(path))
        self._decoder = json.JSONDecoder()
        self._text = ""

    def __enter__(self) -> "HostDatabase":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._socket.close()

    def transact(self, *operations: dict[str, Any]) -> float:
        """Carry out operations; the time (``time.time``) at which they were sent."""
        sent = time.time()
        self.begin(*operations)()
        return sent

    def begin(self, *operations: dict[str, Any]) -> Callable[[], None]:
        """Send operations; what is returned waits until they were carried out, and raises RuntimeError if not."""
        request = {"id": 0, "method": "transact", "params": ["Open_vSwitch", *operations]}
        self._socket.sendall(json.dumps(request).encode())
        return self._end

    def _end(self) -> None:
        while True:
            message = self._message()
            if message.get("method") == "echo":
                answer = {"id": message["id"], "result": message["params"], "error": None}
                self._socket.sendall(json.dumps(answer).encode())
                continue
            if message["error"] or any("error" in (result or {}) for result in message["result"]):
                raise RuntimeError(f"the database refuses: {message}")
            return

    def _message(self) -> dict[str, Any]:
        while True:
            try:
                message, end = self._decoder.raw_decode(self._text)
            except ValueError:
                received = self._socket.recv(1 << 16)
                if not received:
                    raise ConnectionError("the database hung up") from None
                self._text += received.decode()
                continue
            self._text = self._text[end:]
            return dict(message)

    def plug(self, interfaces: Mapping[str, str], kind: str = "") -> float:
        """Put interfaces on the integration bridge, each as that of a port. Returns when the database was told."""
        operations: list[dict[str, Any]] = []
        ports = []
        for number, (interface, port) in enumerate(interfaces.items()):
            row = {"name": interface, "type": kind, "external_ids": ["map", [["iface-id", port]]]}
            names = f"i{number}", f"p{number}"
            operations.append({"op": "insert", "table": "Interface", "uuid-name": names[0], "row": row})
            row = {"name": interface, "interfaces": ["named-uuid", names[0]]}
            operations.append({"op": "insert", "table": "Port", "uuid-name": names[1], "row": row})
            ports.append(["named-uuid", names[1]])
        mutations = [["ports", "insert", ["set", ports]]]
        where = [["name", "==", _BRIDGE]]
        return self.transact(*operations, {"op": "mutate", "table": "Bridge", "where": where, "mutations": mutations})

    def identify(self, interface: str, port: str | None) -> None:
        """Say of which port an interface is, or that it is of none."""
        self.begin_to_identify(interface, port)()

    def begin_to_identify(self, interface: str, port: str | None) -> Callable[[], None]:
        """The same; what is returned waits until it was done."""
        delete = [["external_ids", "delete", ["set", ["iface-id"]]]]
        insert = [["external_ids", "insert", ["map", [["iface-id", port]]]]] if port is not None else []
        where = [["name", "==", interface]]
        return self.begin({"op": "mutate", "table": "Interface", "where": where, "mutations": [*delete, *insert]})
