"""Flows as a switch reports them: only what is compared, as bytes.

Takes the place of two of os-ken's decoders (ADR 12): that of a flow, which takes 60 microseconds for each, and that
of a flow monitor's update, which fails on every update but one kind. os-ken still takes the messages apart.
"""

import struct
from typing import Any, NamedTuple

from os_ken.ofproto import ofproto_v1_4 as ofp
from os_ken.ofproto import ofproto_v1_4_parser as parser

_READ = struct.Struct("!HB9xHHHH4xQQ8x")
_UPDATE = struct.Struct("!HHBBHHH4xQ")
_SHORT_UPDATE = struct.Struct("!HH")
REMOVED: int = ofp.OFPFME_REMOVED
RESUMED: int = ofp.OFPFME_RESUMED
"""The switch had more to report than it keeps for a slow receiver, left some out, and goes on now."""
_FULL_UPDATES = (ofp.OFPFME_INITIAL, ofp.OFPFME_ADDED, ofp.OFPFME_REMOVED, ofp.OFPFME_MODIFIED)


class Entry(NamedTuple):
    """One flow in a switch."""

    table: int
    priority: int
    cookie: int
    is_plain: bool
    """Whether it has no timeout and no flag, as all flows of ours."""
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
    entry: Entry | None
    """The flow, where somebody else than this connection changed one. One that was removed has no instructions."""


def parts(content: bytes) -> tuple[bytes, bytes]:
    """Match and instructions; the match without the bytes that fill it up."""
    size = int.from_bytes(content[2:4])
    return content[:size], content[(size + 7) // 8 * 8 :]


class _Entries(list[Entry]):
    """All flows of one message."""

    length: int
    """Bytes that they take in it; os-ken asks for it."""


class _ReadEntries:
    """Decodes the flows of a message that answers a request for flows, all in one go."""

    @staticmethod
    def parser(data: bytearray, at: int) -> _Entries:
        message, entries = bytes(data), _Entries()
        entries.length = len(message) - at
        while at < len(message):
            length, table, priority, idle, hard, flags, cookie, packets = _READ.unpack_from(message, at)
            content = message[at + _READ.size : at + length]
            entries.append(Entry(table, priority, cookie, not (idle or hard or flags), packets, content))
            at += length
        return entries


class _ReadUpdate:
    """Decodes one update of a flow monitor."""

    @staticmethod
    def parser(data: bytearray, at: int) -> Update:
        length, event = _SHORT_UPDATE.unpack_from(data, at)
        if event not in _FULL_UPDATES:
            return Update(length, event, None)
        length, _, table, _, idle, hard, priority, cookie = _UPDATE.unpack_from(data, at)
        content = bytes(data[at + _UPDATE.size : at + length])
        return Update(length, event, Entry(table, priority, cookie, not (idle or hard), 0, content))


def use_own_decoders() -> None:
    """Make os-ken hand out lists of :class:`Entry`, and :class:`Update`, in the bodies of these two messages."""
    replies: Any = parser
    replies.OFPFlowStatsReply.cls_stats_body_cls = _ReadEntries
    replies.OFPFlowMonitorReply.cls_stats_body_cls = _ReadUpdate
