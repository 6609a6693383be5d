"""What Open vSwitch needs by itself for many flows: bytes that were made before, and bytes that nobody looks at."""

import struct
import time
from dataclasses import dataclass

from os_ken.ofproto import ofproto_v1_4 as ofp

from controller.openflow import encode
from controller.openflow.decode import ReportedFlow, entries
from flows.compile.desired import Plan
from tests.openflow import Connection
from tests.switch import Switch

_XID = 7
_FIRST_FLOW = 16
"""Where the flows begin in a reply (OpenFlow 1.4, 7.3.5)."""
_ATOMIC_ORDERED = ofp.OFPBF_ATOMIC | ofp.OFPBF_ORDERED
_SECONDS = 300


@dataclass(frozen=True)
class Bare:
    """Seconds until all flows of a switch were received, and until it has them again by one bundle."""

    given: float
    taken: float


def measure(switch: Switch, bridge: str) -> Bare:
    """Read all flows of a bridge, take them away, and add them again."""
    connection = Connection(switch, bridge)
    start = time.monotonic()
    connection.send(encode.read_flows(encode.EVERYTHING, _XID))
    replies = connection.barrier()
    given = time.monotonic() - start
    found = [entry for reply in replies for entry in entries(reply[_FIRST_FLOW:])]
    switch.ofctl("del-flows", "-O", "OpenFlow14", bridge)
    bundle = _bundle(found)
    start = time.monotonic()
    connection.send(bundle)
    connection.read(lambda message: message[1] == ofp.OFPT_BARRIER_REPLY, _SECONDS)
    taken = time.monotonic() - start
    connection.close()
    return Bare(given, taken)


def _bundle(flows: list[ReportedFlow]) -> bytes:
    empty = b"".join(encode.transaction(Plan((), frozenset()), _XID))
    end_of_begin = int.from_bytes(empty[2:4])
    return empty[:end_of_begin] + b"".join(map(_addition, flows)) + empty[end_of_begin:]


def _addition(flow: ReportedFlow) -> bytes:
    """The message that adds a flow within a bundle (OpenFlow 1.4, 7.3.4.2 and 7.3.9.6)."""
    body = struct.pack(
        "!QQBBHHHIIIHH",
        *(flow.cookie, 0, flow.table, ofp.OFPFC_ADD, 0, 0, flow.priority),
        *(ofp.OFP_NO_BUFFER, ofp.OFPP_ANY, ofp.OFPG_ANY, 0, 0),
    )
    change = _message(ofp.OFPT_FLOW_MOD, body + flow.content)
    return _message(ofp.OFPT_BUNDLE_ADD_MESSAGE, struct.pack("!I2xH", 1, _ATOMIC_ORDERED) + change)


def _message(kind: int, body: bytes) -> bytes:
    return struct.pack("!BBHI", ofp.OFP_VERSION, kind, 8 + len(body), encode.CHANGE) + body
