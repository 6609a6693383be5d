"""Groups and meters as OpenFlow 1.4 messages, and as a switch reports them.

os-ken makes the messages. From its type or its flags on, a message says the same of a group or meter, byte for byte,
as the switch reports of it. So the bytes are compared as they are.
"""

import struct
from collections.abc import Iterator
from functools import lru_cache
from typing import Any, NamedTuple

from os_ken.ofproto import ofproto_v1_4 as ofp
from os_ken.ofproto import ofproto_v1_4_parser as parser

from controller.openflow.actions import encoded
from controller.openflow.flowmod import PROTOCOL
from flows.openflow.groups_and_meters import Bucket, GroupEntry, GroupOrMeter, Key, MeterEntry, is_ours
from flows.openflow.layout import Layout, Numbers

_ADD_OR_MODIFY = 0x8000
"""Open vSwitch's own command for groups (OFPGC15_ADD_OR_MOD): whether it was there need not be known."""
_CONTENT = 10
"""Where in both messages that begins which a switch reports: after header and command."""
_SIZE = struct.Struct("!H")
_NUMBER = struct.Struct("!4xI")
"""Where in a report the number is."""
_IN_MESSAGE = struct.Struct("!12xI")
"""Where in both messages the number is."""
_TYPES = {"all": ofp.OFPGT_ALL, "select": ofp.OFPGT_SELECT, "indirect": ofp.OFPGT_INDIRECT, "ff": ofp.OFPGT_FF}
_UNITS = {"packets": ofp.OFPMF_PKTPS, "kilobits": ofp.OFPMF_KBPS}
KINDS = ("group", "meter")
_MESSAGES = {ofp.OFPT_GROUP_MOD: "group", ofp.OFPT_METER_MOD: "meter"}


class MeterCount(NamedTuple):
    """What a meter has counted since it was made, in packets."""

    taken: int
    """All that came to it."""
    dropped: int
    """Those of them that were too many."""


def counted(stats: Any) -> MeterCount:
    """What a switch says that one meter has counted."""
    return MeterCount(stats.packet_in_count, sum(band.packet_band_count for band in stats.band_stats))


def put_group(entry: GroupEntry) -> Any:
    """The message that adds a group, or makes the one of its number what it says."""
    buckets = [_bucket(bucket, entry.type == "select") for bucket in entry.buckets]
    return parser.OFPGroupMod(PROTOCOL, _ADD_OR_MODIFY, _TYPES[entry.type], entry.number, buckets)


def delete_group(number: int) -> Any:
    """The message that deletes a group. Flows that refer to it go with it."""
    return parser.OFPGroupMod(PROTOCOL, ofp.OFPGC_DELETE, ofp.OFPGT_ALL, number, [])


def add_meter(entry: MeterEntry, xid: int) -> bytes:
    """The message that adds a meter."""
    return _meter(ofp.OFPMC_ADD, entry.unit)((xid, entry.number, entry.rate, entry.burst))


def change_meter(entry: MeterEntry, xid: int) -> bytes:
    """The message that makes the meter of its number what it says."""
    return _meter(ofp.OFPMC_MODIFY, entry.unit)((xid, entry.number, entry.rate, entry.burst))


def delete_meter(number: int, xid: int) -> bytes:
    """The message that deletes a meter. Flows that refer to it go with it."""
    return _serialized(parser.OFPMeterMod(PROTOCOL, ofp.OFPMC_DELETE, 0, number, []), xid)


def _bucket(bucket: Bucket, is_weighed: bool) -> Any:
    port = ofp.OFPP_ANY if bucket.watch_port is None else bucket.watch_port
    actions = [encoded(action) for action in bucket.actions]
    return parser.OFPBucket(int(is_weighed), port, ofp.OFPG_ANY, actions)


@lru_cache
def _meter(command: int, unit: str) -> Layout:
    """From transaction id, number, rate and burst to a message: there may be a meter for each port."""

    def by_os_ken(numbers: Numbers) -> bytes:
        xid, number, rate, burst = numbers
        flags, bands = _UNITS[unit] | ofp.OFPMF_BURST, [parser.OFPMeterBandDrop(rate, burst)]
        return _serialized(parser.OFPMeterMod(PROTOCOL, command, flags, number, bands), xid)

    return Layout(by_os_ken, (32, 32, 32, 32))


def _serialized(message: Any, xid: int) -> bytes:
    message.xid = xid
    message.serialize()
    return bytes(message.buf)


def content(entry: GroupOrMeter) -> bytes:
    """What a switch reports of a group or meter that is as it was sent."""
    return _group_content(entry) if isinstance(entry, GroupEntry) else add_meter(entry, 0)[_CONTENT:]


@lru_cache(1 << 12)
def _group_content(entry: GroupEntry) -> bytes:
    return _serialized(put_group(entry), 0)[_CONTENT:]


def requests() -> list[Any]:
    """The requests for all groups and for all meters, in the order of :data:`KINDS`."""
    return [parser.OFPGroupDescStatsRequest(PROTOCOL, 0), parser.OFPMeterConfigStatsRequest(PROTOCOL, 0, ofp.OFPM_ALL)]


def report_changes() -> Any:
    """Make the switch pass on what others ask it to do to groups and meters (OpenFlow 1.4, 7.4.6 and 7.3.10)."""
    reasons = 1 << ofp.OFPRFR_GROUP_MOD | 1 << ofp.OFPRFR_METER_MOD
    # As long as nobody asks for a role, what is said of a master counts.
    wanted = parser.OFPAsyncConfigPropReasons(ofp.OFPACPT_REQUESTFORWARD_MASTER, 8, reasons)
    return parser.OFPSetAsync(PROTOCOL, [wanted])


def reported(kind: str, report: bytes) -> Iterator[tuple[Key, bytes]]:
    """The groups or meters of ours in a report (``kind``), each with what it says of it."""
    at = 0
    while at < len(report):
        (size,) = _SIZE.unpack_from(report, at)
        (number,) = _NUMBER.unpack_from(report, at)
        if is_ours(number):
            yield (kind, number), report[at + _SIZE.size : at + size]
        at += size


def key_in(message: bytes) -> Key | None:
    """The group or meter that a message to a switch is about; None: about none, or it is cut off."""
    kind = _MESSAGES.get(message[1]) if len(message) >= _IN_MESSAGE.size else None
    return None if kind is None else (kind, _IN_MESSAGE.unpack_from(message)[0])
