"""What is sent to a switch, as OpenFlow 1.4 messages.

os-ken makes them; it is the authority for the wire format. It makes one flow of each shape; in the others only the
numbers are filled in (ADR 14). Nothing here needs a connection.
"""

import math
import struct
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address
from typing import Any

from os_ken.ofproto import ofproto_common as ofp_common
from os_ken.ofproto import ofproto_v1_4 as ofp
from os_ken.ofproto import ofproto_v1_4_parser as parser

from controller.openflow import flowmod, groups_and_meters
from controller.openflow.actions import encoded
from controller.openflow.decode import ReportedFlow
from controller.openflow.flowmod import PROTOCOL
from flows.compile.desired import MeterPlan, Plan
from flows.openflow.actions import Output, SetField
from flows.openflow.fields import TUN_DST, TUN_ID
from flows.openflow.flow import COOKIE_DROPS, COOKIE_OWNER, COOKIE_OWNER_MASK, Flow, Shape
from flows.openflow.layout import Layout
from flows.openflow.learn import LEARNED_OWNER

PIECE = 1 << 16
"""Bytes of a transaction that are made and sent at a time."""
CHANGE = 1
"""The ``xid`` of every change in a bundle: the same bytes go to every switch, in every transaction."""
_BUNDLE = 1
"""A session has one bundle at a time."""
_ALL_BITS = 2**64 - 1
_BUNDLE_FLAGS = ofp.OFPBF_ATOMIC | ofp.OFPBF_ORDERED
_SHAPES = 1 << 12
"""Shapes that are remembered."""
_CT_FLUSH_ZONE = 29
"""NXT_CT_FLUSH_ZONE (include/openflow/nicira-ext.h)."""
_ZONE = struct.Struct("!6xH")
_CONTENT = 64
"""Where in a bundled flow-mod the match begins, and after it the instructions."""


def transaction(plan: Plan, xid: int) -> Iterator[bytes]:
    """One bundle that carries a plan out whole or not at all, and the barrier with ``xid`` that confirms it.

    It is made piece by piece, as the pieces are asked for. Additions come before deletions, so that no packet finds a
    gap (OpenFlow 1.4, 7.3.9); groups are there as long as flows refer to them.
    """
    piece = bytearray(_bytes([*_flushes(plan.begun), _bundle(ofp.OFPBCT_OPEN_REQUEST)], xid))
    groups = (_bundled(groups_and_meters.put_group(entry)) for entry in plan.groups)
    old_groups = (_bundled(groups_and_meters.delete_group(number)) for number in plan.old_groups)
    for changes in (groups, map(addition, plan.add), map(_deletion, plan.delete), old_groups):
        for change in changes:
            piece += change
            if len(piece) >= PIECE:
                yield bytes(piece)
                piece.clear()
    end = [_bundle(ofp.OFPBCT_COMMIT_REQUEST), *_flushes(plan.ended), parser.OFPBarrierRequest(PROTOCOL)]
    yield bytes(piece) + _bytes(end, xid)


def _flushes(zones: Iterable[int]) -> Iterator[Any]:
    """Messages that empty zones of connection tracking.

    Each zone twice: Open vSwitch 3.1 leaves some connections out when its map shrinks meanwhile.
    """
    for zone in sorted(zones):
        for _ in range(2):
            yield parser.OFPExperimenter(PROTOCOL, ofp_common.NX_EXPERIMENTER_ID, _CT_FLUSH_ZONE, _ZONE.pack(zone))


def meters(plan: MeterPlan, xid: int) -> bytes:
    """The messages that carry a plan for meters out, one by one, and the barrier that confirms them; all with ``xid``.

    A switch that refuses one does the others.
    """
    messages = [groups_and_meters.add_meter(entry, xid) for entry in plan.add]
    messages += [groups_and_meters.change_meter(entry, xid) for entry in plan.change]
    messages += [groups_and_meters.delete_meter(number, xid) for number in plan.delete]
    return b"".join(messages) + barrier(xid)


def watch_groups_and_meters(xid: int) -> bytes:
    """Make the switch report when somebody else changes groups or meters."""
    return _bytes([groups_and_meters.report_changes()], xid)


def read_groups_and_meters(xids: Iterable[int]) -> bytes:
    """The requests for all groups, and for all meters."""
    requests = zip(groups_and_meters.requests(), xids, strict=True)
    return b"".join(_bytes([request], xid) for request, xid in requests)


def addition(flow: Flow) -> bytes:
    """The message that adds a flow within a bundle."""
    return _additions(flow.shape)((flow.cookie, *flow.numbers))


def content(flow: Flow) -> bytes:
    """A flow's match and instructions, as they are sent and as the switch reports them."""
    return _contents(flow.shape)(flow.numbers)


@lru_cache(_SHAPES)
def _additions(shape: Shape) -> Layout:
    return Layout(lambda numbers: _by_os_ken(shape, *numbers), (64, *shape.bits))


@lru_cache(_SHAPES)
def _contents(shape: Shape) -> Layout:
    return Layout(lambda numbers: _by_os_ken(shape, 0, *numbers)[_CONTENT:], shape.bits)


def _by_os_ken(shape: Shape, cookie: int, *numbers: int) -> bytes:
    match, actions = shape.parts(numbers)
    return _bundled(flowmod.add(shape.table, shape.priority, cookie, match, actions))


def _deletion(cookie: int) -> bytes:
    return _deletions()((cookie,))


@lru_cache
def _deletions() -> Layout:
    return Layout(lambda numbers: _bundled(flowmod.delete(*numbers)), (64,))


_ANYWHERE = (ofp.OFPP_ANY, ofp.OFPG_ANY)
_OURS = (*_ANYWHERE, COOKIE_OWNER << 56, COOKIE_OWNER_MASK)
"""Every flow of ours, in any table, without foreign and learned flows."""
_OUR_DROPS = (*_ANYWHERE, COOKIE_OWNER << 56 | COOKIE_DROPS, COOKIE_OWNER_MASK | COOKIE_DROPS)
"""Those of ours that drop packets."""
_OWNER_BITS = 7
"""Bits of a cookie by which flows of ours, and those that were learned, are told from all others."""
_OURS_OR_LEARNED = (*_ANYWHERE, (COOKIE_OWNER & LEARNED_OWNER) << 56, ~(COOKIE_OWNER ^ LEARNED_OWNER) << 56 & _ALL_BITS)
"""The same, with learned flows: the two owners differ in one bit."""


@dataclass(frozen=True, slots=True)
class Flows:
    """Which flows are asked for."""

    table: int | None = None
    """Those of one table; None: of all."""
    drops: bool = False
    """Only those that drop packets."""
    learned: bool = False
    """Also those that the switch learned by one of ours."""
    foreign_bit: int | None = None
    """Those that are not ours: the first bit of the cookie that is another one, counted from the highest."""

    def asks_for(self, cookie: int) -> bool:
        """Whether flows that are not ours and have a cookie are among those asked for."""
        value, mask = self.foreign_cookies
        return cookie & mask == value

    @property
    def foreign_cookies(self) -> tuple[int, int]:
        """The cookies of those that are not ours, as value and mask."""
        assert self.foreign_bit is not None
        low = 63 - self.foreign_bit
        return (COOKIE_OWNER << 56 >> low ^ 1) << low, _ALL_BITS >> low << low


EVERYTHING = Flows(learned=True)
DROPS = Flows(drops=True)
FOREIGN = tuple(Flows(foreign_bit=bit) for bit in range(_OWNER_BITS))
"""Together all flows that neither are ours nor were learned: a mask cannot say "any other cookie"."""


def read_flows(which: Flows, xid: int) -> bytes:
    """A request for flows of ours."""
    scope = _OURS_OR_LEARNED if which.learned else _OUR_DROPS if which.drops else _OURS
    if which.foreign_bit is not None:
        scope = (*_ANYWHERE, *which.foreign_cookies)
    table = ofp.OFPTT_ALL if which.table is None else which.table
    return _bytes([parser.OFPFlowStatsRequest(PROTOCOL, 0, table, *scope, parser.OFPMatch())], xid)


def count_flows(xid: int) -> bytes:
    """A request for the number of flows of ours. Those that the switch learned come and go by themselves."""
    return _bytes([parser.OFPAggregateStatsRequest(PROTOCOL, 0, ofp.OFPTT_ALL, *_OURS, parser.OFPMatch())], xid)


def count_meters(xid: int) -> bytes:
    """The request for what all meters have counted."""
    return _bytes([parser.OFPMeterStatsRequest(PROTOCOL, 0, ofp.OFPM_ALL)], xid)


def watch(tables: Iterable[int], xid: int) -> bytes:
    """Make the switch report each change of flows in some tables. Our own changes are reported without the flow."""
    events = ofp.OFPFMF_ADD | ofp.OFPFMF_REMOVED | ofp.OFPFMF_MODIFY | ofp.OFPFMF_INSTRUCTIONS
    requests = [
        parser.OFPFlowMonitorRequest(PROTOCOL, monitor_id=table, monitor_flags=events, table_id=table)
        for table in tables
    ]
    return _bytes(requests, xid)


def remove(entry: ReportedFlow, xid: int) -> bytes:
    """Remove one flow: this cookie, table, priority and match."""
    size = 8 * math.ceil(len(entry.match) / 8)
    body = struct.pack(
        "!QQBBHHHIIIHH",
        *(entry.cookie, _ALL_BITS, entry.table, ofp.OFPFC_DELETE_STRICT, 0, 0, entry.priority),
        *(ofp.OFP_NO_BUFFER, ofp.OFPP_ANY, ofp.OFPG_ANY, 0, 0),
    )
    header = struct.pack("!BBHI", ofp.OFP_VERSION, ofp.OFPT_FLOW_MOD, 8 + len(body) + size, xid)
    return header + body + entry.match.ljust(size, b"\0")


def read_ports(xid: int) -> bytes:
    """A request for the description of every port."""
    return _bytes([parser.OFPPortDescStatsRequest(PROTOCOL, 0)], xid)


def barrier(xid: int) -> bytes:
    """A request that the switch answers once it has done all that was sent before."""
    return _bytes([parser.OFPBarrierRequest(PROTOCOL)], xid)


def read_description(xid: int) -> bytes:
    """A request for the description of the switch."""
    return _bytes([parser.OFPDescStatsRequest(PROTOCOL, 0)], xid)


def tunnel_frames(frame: bytes, hosts: Iterable[IPv4Address], ofport: int, xid: int) -> bytes:
    """A packet-out that sends one frame to each of some hosts by the tunnel port, with key 0."""
    send = _tunnel_actions(ofport)
    actions = _no_key() + b"".join(send.replace(_SOMEBODY.packed, host.packed) for host in hosts)
    return _packet_out(actions, frame, xid)


def frame_out(frame: bytes, ofport: int, xid: int) -> bytes:
    """A packet-out that sends a frame out of a port."""
    return _packet_out(_output(ofport), frame, xid)


def _packet_out(actions: bytes, frame: bytes, xid: int) -> bytes:
    body = _PACKET_OUT.pack(ofp.OFP_NO_BUFFER, ofp.OFPP_CONTROLLER, len(actions)) + actions + frame
    return _HEADER.pack(ofp.OFP_VERSION, ofp.OFPT_PACKET_OUT, _HEADER.size + len(body), xid) + body


_HEADER = struct.Struct("!BBHI")
_PACKET_OUT = struct.Struct("!IIH6x")
"""What comes before a packet-out's actions (OpenFlow 1.4, 7.3.7)."""
_SOMEBODY = IPv4Address("255.1.254.2")
"""A host in whose place others are put: os-ken takes some 50 microseconds for each, and hundreds are sent a second."""


@lru_cache
def _tunnel_actions(ofport: int) -> bytes:
    """The actions that send to :data:`_SOMEBODY`."""
    to = encoded(SetField(TUN_DST, int(_SOMEBODY)))
    return _serialized(to) + _output(ofport)


@lru_cache
def _output(ofport: int) -> bytes:
    return _serialized(encoded(Output(ofport)))


@lru_cache
def _no_key() -> bytes:
    return _serialized(encoded(SetField(TUN_ID, 0)))


def _serialized(action: Any) -> bytes:
    data = bytearray()
    action.serialize(data, 0)
    return bytes(data)


def ask_config(xid: int) -> bytes:
    """A question for the switch's configuration."""
    return _bytes([parser.OFPGetConfigRequest(PROTOCOL)], xid)


def pass_fragments(xid: int) -> bytes:
    """Make the switch treat fragments as it does by default: they are matched like other packets."""
    return _bytes([parser.OFPSetConfig(PROTOCOL, ofp.OFPC_FRAG_NORMAL, ofp.OFPCML_NO_BUFFER)], xid)


CLOSED = {
    ofp.OFPPC_NO_RECV: "no-receive",
    ofp.OFPPC_NO_FWD: "no-forward",
    ofp.OFPPC_NO_PACKET_IN: "no-packet-in",
}
"""The settings of a port that stop packets, by their names in ovs-ofctl(8). Whether its device is up is up to the
host.
"""


def open_port(number: int, mac: str, xid: int) -> bytes:
    """Let all packets pass a port."""
    return _bytes([parser.OFPPortMod(PROTOCOL, number, mac, 0, sum(CLOSED), [])], xid)


def _bytes(messages: Iterable[Any], xid: int) -> bytes:
    encoded = bytearray()
    for message in messages:
        message.set_xid(xid)
        message.serialize()
        encoded += message.buf
    return bytes(encoded)


def _bundle(kind: int) -> Any:
    return parser.OFPBundleCtrlMsg(PROTOCOL, _BUNDLE, kind, _BUNDLE_FLAGS, [])


def _bundled(change: Any) -> bytes:
    return _bytes([parser.OFPBundleAddMsg(PROTOCOL, _BUNDLE, _BUNDLE_FLAGS, change, [])], CHANGE)
