"""Decodes what a switch reports: flows as bytes, to be compared, and a frame with the port that it came in by.

Takes the place of some of os-ken's decoders (ADR 12). That of a flow takes 60 microseconds for each. That of a flow
monitor's update fails on every update but one kind. That of a packet-in looks at every field of its match and fails on
one that is longer than it knows. Groups and meters are compared by their bytes, as flows are. os-ken still takes all
other messages apart.
"""

import struct
from collections.abc import Iterator
from typing import Any, NamedTuple

from os_ken.ofproto import ofproto_v1_4 as ofp
from os_ken.ofproto import ofproto_v1_4_parser as parser

REPORTED = struct.Struct("!HB9xHQ2xQQ8x")
"""What comes before a flow's content (OpenFlow 1.4, 7.3.5.2): its length, table and priority. Then timeouts, flags and
importance as one number, which is 0 in all flows of ours. Then its cookie, and how many packets it matched.
"""
_COOKIE = struct.Struct("!H22xQ")
_UPDATE = struct.Struct("!HHBBHHH4xQ")
_SHORT_UPDATE = struct.Struct("!HH")
REMOVED: int = ofp.OFPFME_REMOVED
RESUMED: int = ofp.OFPFME_RESUMED
"""The switch left reports out because the receiver was slow, and goes on now."""
_FULL_UPDATES = (ofp.OFPFME_INITIAL, ofp.OFPFME_ADDED, ofp.OFPFME_REMOVED, ofp.OFPFME_MODIFIED)


class ReportedFlow(NamedTuple):
    """One flow in a switch."""

    table: int
    priority: int
    cookie: int
    is_plain: bool
    """Whether it has no timeout, no flag and no importance, as all flows of ours."""
    packets: int
    content: bytes
    """Its match, filled up to a multiple of 8 bytes, then its instructions."""

    @property
    def match(self) -> bytes:
        """Its match, without the bytes that fill it up."""
        return parts(self.content)[0]


class Update(NamedTuple):
    """One thing that a flow monitor reports."""

    length: int
    event: int
    """One of ``OFPFME_*``."""
    entry: ReportedFlow | None
    """The flow, if another connection or program changed it. A removed flow has no instructions."""


def parts(content: bytes) -> tuple[bytes, bytes]:
    """Match and instructions; the match without the bytes that fill it up."""
    size = int.from_bytes(content[2:4])
    return content[:size], content[(size + 7) // 8 * 8 :]


def entries(reported: bytes) -> Iterator[ReportedFlow]:
    """The flows of a message, or of a part of it."""
    at, end = 0, len(reported)
    while at < end:
        length, table, priority, others, cookie, packets = REPORTED.unpack_from(reported, at)
        yield ReportedFlow(table, priority, cookie, not others, packets, reported[at + REPORTED.size : at + length])
        at += length


def cookies(reported: bytes) -> list[int]:
    """Their cookies alone: nearly always that is enough."""
    found: list[int] = []
    at, end, unpack = 0, len(reported), _COOKIE.unpack_from
    while at < end:
        length, cookie = unpack(reported, at)
        found.append(cookie)
        at += length
    return found


class _Reported(bytes):
    """The flows, groups or meters of one message, as they came: the node that knows the desired ones compares them."""

    @property
    def length(self) -> int:
        """Bytes that they take in it; os-ken asks for it."""
        return len(self)


class _ReadReported:
    """Takes what was asked for out of a message that answers."""

    @staticmethod
    def parser(data: bytearray, at: int) -> _Reported:
        return _Reported(memoryview(data)[at:])


class _ReadUpdate:
    """Decodes one update of a flow monitor."""

    @staticmethod
    def parser(data: bytearray, at: int) -> Update:
        length, event = _SHORT_UPDATE.unpack_from(data, at)
        if event not in _FULL_UPDATES:
            return Update(length, event, None)
        length, _, table, _, idle, hard, priority, cookie = _UPDATE.unpack_from(data, at)
        content = bytes(data[at + _UPDATE.size : at + length])
        return Update(length, event, ReportedFlow(table, priority, cookie, not (idle or hard), 0, content))


_PACKET_IN = struct.Struct("!8x4xH2xQHH")
"""How long the frame is, the cookie of the flow that sent it, and of the match its type and length (OpenFlow 1.4,
7.4.1)."""
_IN_PORT = struct.pack("!HBB", ofp.OFPXMC_OPENFLOW_BASIC, ofp.OFPXMT_OFB_IN_PORT << 1, 4)


def _packet_in(datapath: Any, version: int, kind: int, size: int, xid: int, data: bytearray) -> Any:
    """A packet-in that was found sound; of its match ``in_port`` alone, where it has one."""
    length, cookie, _, match_size = _PACKET_IN.unpack_from(data)
    at, start = _PACKET_IN.size, _PACKET_IN.size - 4 + (match_size + 7) // 8 * 8 + 2
    end, match = at - 4 + match_size, {}
    while at < end:
        if data[at : at + 4] == _IN_PORT:
            match["in_port"] = int.from_bytes(data[at + 4 : at + 8])
        at += 4 + data[at + 3]
    frame = bytes(data[start : start + length])
    message: Any = parser.OFPPacketIn(datapath, total_len=length, cookie=cookie, match=match, data=frame)
    message.set_headers(version, kind, size, xid)
    message.set_buf(data)
    return message


def _request_forward(datapath: Any, version: int, kind: int, size: int, xid: int, data: bytearray) -> Any:
    """That somebody else changed a group or meter; what it is now is read."""
    message: Any = parser.OFPRequestForward(datapath)
    message.set_headers(version, kind, size, xid)
    message.set_buf(data)
    return message


def use_own_decoders() -> None:
    """Make os-ken use these decoders.

    Replies with flows, groups and meters give bytes, those of a flow monitor :class:`Update`. A packet-in gives only
    what is used. What somebody else asked a switch to do is not taken apart.
    """
    replies: Any = parser
    replies._MSG_PARSERS[ofp.OFPT_PACKET_IN] = _packet_in
    replies._MSG_PARSERS[ofp.OFPT_REQUESTFORWARD] = _request_forward
    replies.OFPFlowStatsReply.cls_stats_body_cls = _ReadReported
    replies.OFPFlowMonitorReply.cls_stats_body_cls = _ReadUpdate
    replies.OFPGroupDescStatsReply.cls_stats_body_cls = _ReadReported
    replies.OFPMeterConfigStatsReply.cls_stats_body_cls = _ReadReported
