"""A switch that connects, tells that it is empty, and from then on reads nothing that it is sent."""

import socket
import struct

from os_ken.ofproto import ofproto_v1_4 as ofp

_HEADER = struct.Struct("!BBHI")
_NOTHING_MORE = 0


class DeafSwitch:
    """One connection at a time."""

    def __init__(self, port: int, datapath_id: int) -> None:
        """``port``: where the controller listens on 127.0.0.1."""
        self._port, self._datapath_id = port, datapath_id
        self._socket: socket.socket | None = None

    def connect(self) -> None:
        """Connect anew; deaf when this returns."""
        self.close()
        self._socket = socket.socket()
        # The kernel must not read in its place.
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1)
        self._socket.connect(("127.0.0.1", self._port))
        self._answer_until_it_is_known(self._socket)

    def close(self) -> None:
        if self._socket is not None:
            self._socket.close()

    def _answer_until_it_is_known(self, end: socket.socket) -> None:
        self._send(end, ofp.OFPT_HELLO, 1)
        while True:
            _, kind, length, xid = _HEADER.unpack(self._read(end, _HEADER.size))
            body = self._read(end, length - _HEADER.size)
            if kind == ofp.OFPT_FEATURES_REQUEST:
                self._send(
                    end, ofp.OFPT_FEATURES_REPLY, xid, struct.pack("!QIBB2xII", self._datapath_id, 0, 254, 0, 0, 0)
                )
            elif kind == ofp.OFPT_ECHO_REQUEST:
                self._send(end, ofp.OFPT_ECHO_REPLY, xid, body)
            elif kind == ofp.OFPT_MULTIPART_REQUEST:
                (asked,) = struct.unpack_from("!H", body)
                self._send(end, ofp.OFPT_MULTIPART_REPLY, xid, struct.pack("!HH4x", asked, _NOTHING_MORE))
                if asked == ofp.OFPMP_FLOW:
                    return

    @staticmethod
    def _send(end: socket.socket, kind: int, xid: int, body: bytes = b"") -> None:
        end.sendall(_HEADER.pack(ofp.OFP_VERSION, kind, _HEADER.size + len(body), xid) + body)

    @staticmethod
    def _read(end: socket.socket, size: int) -> bytes:
        found = b""
        while len(found) < size:
            chunk = end.recv(size - len(found))
            if not chunk:
                raise ConnectionError("the controller ended the connection")
            found += chunk
        return found
