"""The controller's messages into a real switch, over the bridge's own management socket: no controller needed."""

import socket
import struct
from pathlib import Path

from os_ken.ofproto import ofproto_v1_4 as ofp

from controller.openflow.encode import transaction
from controller.openflow.groups_and_meters import add_meter, change_meter
from flows.compile.desired import Desired, Plan
from flows.openflow.groups_and_meters import GroupEntry, MeterEntry

_HEADER = struct.Struct("!BBHI")


class Client:
    """An OpenFlow 1.4 session with one bridge."""

    def __init__(self, directory: Path, bridge: str) -> None:
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.connect(str(directory / f"{bridge}.mgmt"))
        self._socket.settimeout(10)
        self._meters: set[int] = set()
        self._socket.sendall(_HEADER.pack(ofp.OFP_VERSION, ofp.OFPT_HELLO, _HEADER.size, 0))
        assert self._receive()[0] == ofp.OFPT_HELLO

    def apply(self, plan: Plan) -> None:
        """Carry a plan out, as the controller does; returns when the switch has done it."""
        self.send(b"".join(transaction(plan, 7)))

    def make(self, desired: Desired, held: frozenset[int] = frozenset()) -> None:
        """Make a switch that holds the flows with these cookies hold what is desired, meters first, in one bundle."""
        add = tuple(flow for cookie, flow in desired.flows.items() if cookie not in held)
        entries = desired.groups_and_meters.values()
        for meter in (entry for entry in entries if isinstance(entry, MeterEntry)):
            self._socket.sendall(self._meter_message(meter))
        groups = tuple(entry for entry in entries if isinstance(entry, GroupEntry))
        self.apply(Plan(add, held - desired.flows.keys(), groups))

    def send(self, encoded: bytes) -> None:
        """Send a transaction and wait until the switch has done it."""
        self._socket.sendall(encoded)
        while True:
            kind, body = self._receive()
            if kind == ofp.OFPT_ERROR:
                raise AssertionError(f"the switch refused: {struct.unpack_from('!HH', body)}, {body[4:].hex()}")
            if kind == ofp.OFPT_BARRIER_REPLY:
                return

    def _meter_message(self, meter: MeterEntry) -> bytes:
        """What adds a meter, or changes the one that this session has added."""
        put = change_meter if meter.number in self._meters else add_meter
        self._meters.add(meter.number)
        return put(meter, 7)

    def close(self) -> None:
        """End the session."""
        self._socket.close()

    def _receive(self) -> tuple[int, bytes]:
        _, kind, length, _ = _HEADER.unpack(self._exactly(_HEADER.size))
        return kind, self._exactly(length - _HEADER.size)

    def _exactly(self, size: int) -> bytes:
        received = b""
        while len(received) < size:
            part = self._socket.recv(size - len(received))
            assert part, "the switch ended the session"
            received += part
        return received
