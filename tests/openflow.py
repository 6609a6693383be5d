"""A plain OpenFlow 1.4 connection with one bridge of a :class:`tests.switch.Switch`: messages as bytes."""

import socket
import struct
import time
from collections.abc import Callable
from typing import Any

from os_ken.ofproto import ofproto_protocol
from os_ken.ofproto import ofproto_v1_4 as ofp
from os_ken.ofproto import ofproto_v1_4_parser as parser

from tests.switch import Switch

PROTOCOL: Any = ofproto_protocol.ProtocolDesc(version=ofp.OFP_VERSION)


class Connection:
    """Connected when made; it answers echo requests whenever it reads."""

    def __init__(self, switch: Switch, bridge: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(f"{switch.directory}/{bridge}.mgmt")
        self._buffer = b""
        self.send(struct.pack("!BBHI", ofp.OFP_VERSION, ofp.OFPT_HELLO, 8, 1))
        self.read(lambda message: message[1] == ofp.OFPT_HELLO)

    def send(self, data: bytes) -> None:
        self._socket.sendall(data)

    def read(self, is_last: Callable[[bytes], bool], seconds: float = 10) -> list[bytes]:
        """All messages up to the first for which ``is_last`` is true; it is the last one returned."""
        messages: list[bytes] = []
        end = time.monotonic() + seconds
        while not messages or not is_last(messages[-1]):
            if len(self._buffer) < 8 or len(self._buffer) < int.from_bytes(self._buffer[2:4]):
                self._socket.settimeout(max(0.001, end - time.monotonic()))
                self._buffer += self._socket.recv(1 << 20)
                continue
            length = int.from_bytes(self._buffer[2:4])
            message, self._buffer = self._buffer[:length], self._buffer[length:]
            if message[1] == ofp.OFPT_ECHO_REQUEST:
                self.send(message[:1] + bytes((ofp.OFPT_ECHO_REPLY,)) + message[2:])
            else:
                messages.append(message)
        return messages

    def barrier(self) -> list[bytes]:
        """Everything that the switch said until it had done all that was asked."""
        self.send(struct.pack("!BBHI", ofp.OFP_VERSION, ofp.OFPT_BARRIER_REQUEST, 8, 2))
        return self.read(lambda message: message[1] == ofp.OFPT_BARRIER_REPLY)[:-1]

    def bodies(self, messages: list[bytes]) -> list[Any]:
        """What os-ken makes of the bodies of multipart replies."""
        found: list[Any] = []
        for message in messages:
            version, kind, length, xid = struct.unpack_from("!BBHI", message)
            assert kind == ofp.OFPT_MULTIPART_REPLY, message
            body = parser.OFPMultipartReply.parser(PROTOCOL, version, kind, length, xid, bytearray(message)).body
            found += body
        return found

    def close(self) -> None:
        self._socket.close()
