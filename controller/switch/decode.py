"""Flows as a switch reports them: only what is compared, as bytes.

Takes the place of two of os-ken's decoders (ADR 12): that of a flow, which takes 60 microseconds for each, and that
of a flow monitor's update, which fails on every update but one kind. os-ken still takes the messages apart.
"""

import struct
from typing import Any, NamedTuple

from os_ken.ofproto import ofproto_v1_4 as ofp
from os_ken.ofproto import ofproto_v1_4_parser as parser

_READ = struct.Struct("!HBxIIHHHHH2xQQQ")
_UPDATE = struct.Struct("!HHBBHHH4xQ")
_SHORT_UPDATE = struct.Struct("!HH")
REMOVED: int = ofp.OFPFME_REMOVED
RESUMED: int = ofp.OFPFME_RESUMED
"""The switch had more to report than it keeps for a slow receiver, left some out, and goes on now."""
_FULL_UPDATES = (ofp.OFPFME_INITIAL, ofp.OFPFME_ADDED, ofp.OFPFME_REMOVED, ofp.OFPFME_MODIFIED)


class Entry(NamedTuple):
    """One flow in a switch."""

    length: int
    """Bytes that it takes in its message; os-ken asks for it."""
    table: int
    priority: int
    cookie: int
    is_plain: bool
    """Whether it has no timeout and no flag, as all flows of ours."""
    packets: int
    match: bytes
    instructions: bytes


class Update(NamedTuple):
    """One thing that a flow monitor reports."""

    length: int
    event: int
    """One of ``OFPFME_*``."""
    entry: Entry | None
    """The flow, where somebody else than this connection changed one. One that was removed has no instructions."""


def _content(data: bytearray, start: int, end: int) -> tuple[bytes, bytes]:
    """Match and instructions; the match as it is on the wire, without the bytes that fill it up."""
    size = int.from_bytes(data[start + 2 : start + 4])
    return bytes(data[start : start + size]), bytes(data[start + (size + 7) // 8 * 8 : end])


class _ReadEntry:
    """Decodes one flow of the answer to a request for flows."""

    @staticmethod
    def parser(data: bytearray, at: int) -> Entry:
        length, table, _, _, priority, idle, hard, flags, _, cookie, packets, _ = _READ.unpack_from(data, at)
        content = _content(data, at + _READ.size, at + length)
        return Entry(length, table, priority, cookie, not (idle or hard or flags), packets, *content)


class _ReadUpdate:
    """Decodes one update of a flow monitor."""

    @staticmethod
    def parser(data: bytearray, at: int) -> Update:
        length, event = _SHORT_UPDATE.unpack_from(data, at)
        if event not in _FULL_UPDATES:
            return Update(length, event, None)
        length, _, table, _, idle, hard, priority, cookie = _UPDATE.unpack_from(data, at)
        content = _content(data, at + _UPDATE.size, at + length)
        return Update(length, event, Entry(length, table, priority, cookie, not (idle or hard), 0, *content))


def use_own_decoders() -> None:
    """Make os-ken hand out :class:`Entry` and :class:`Update` in the bodies of these two messages."""
    replies: Any = parser
    replies.OFPFlowStatsReply.cls_stats_body_cls = _ReadEntry
    replies.OFPFlowMonitorReply.cls_stats_body_cls = _ReadUpdate
