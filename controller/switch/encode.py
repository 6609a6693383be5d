"""Flows as OpenFlow 1.4 messages, made by os-ken, which is the authority for the wire format.

Nothing here needs a connection: a message is encoded once and the same bytes go to every switch.
"""

import math
import struct
from collections.abc import Iterable
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from os_ken.ofproto import ofproto_protocol
from os_ken.ofproto import ofproto_v1_4 as ofp
from os_ken.ofproto import ofproto_v1_4_parser as parser

from controller.switch.decode import Entry
from controller.switch.learn import encode_learn
from flows.fields import ETH_TYPE_VLAN, TUN_DST, TUN_ID, VLAN, VLAN_PRESENT_AND_ID, VLAN_TCI, Field, show
from flows.flow import COOKIE_DROPS, COOKIE_OWNER, COOKIE_OWNER_MASK, Flow
from flows.learning import LEARNED_OWNER, Learn
from flows.openflow import (
    CONTROLLER_BYTES,
    Action,
    DecTtl,
    Goto,
    Move,
    Output,
    OutputController,
    OutputInPort,
    OutputRegister,
    PopVlan,
    PushVlan,
    Resubmit,
    SetField,
    Term,
)
from flows.plan import Plan

_PROTOCOL = ofproto_protocol.ProtocolDesc(version=ofp.OFP_VERSION)
_ALL_BITS = 2**64 - 1
_BUNDLE_FLAGS = ofp.OFPBF_ATOMIC | ofp.OFPBF_ORDERED


def transaction(plan: Plan, xid: int) -> bytes:
    """One bundle that carries a plan out whole or not at all, and the barrier that confirms it.

    Every message has the same ``xid``. Additions come before deletions, so that no packet finds a gap
    (OpenFlow 1.4, 7.3.9).
    """
    messages = [_bundle(ofp.OFPBCT_OPEN_REQUEST, xid)]
    for change in (*map(_add, plan.add), *map(_delete, plan.delete)):
        messages.append(parser.OFPBundleAddMsg(_PROTOCOL, xid, _BUNDLE_FLAGS, change, []))
    messages += [_bundle(ofp.OFPBCT_COMMIT_REQUEST, xid), parser.OFPBarrierRequest(_PROTOCOL)]
    return _bytes(messages, xid)


_ANYWHERE = (ofp.OFPP_ANY, ofp.OFPG_ANY)
_OURS = (*_ANYWHERE, COOKIE_OWNER << 56, COOKIE_OWNER_MASK)
"""Every flow of ours, in any table; foreign ones left out, and what the switch learned."""
_OUR_DROPS = (*_ANYWHERE, COOKIE_OWNER << 56 | COOKIE_DROPS, COOKIE_OWNER_MASK | COOKIE_DROPS)
"""Those of ours that drop packets."""
_OURS_OR_LEARNED = (*_ANYWHERE, (COOKIE_OWNER & LEARNED_OWNER) << 56, ~(COOKIE_OWNER ^ LEARNED_OWNER) << 56 & _ALL_BITS)
"""The same, with what the switch learned: the two owners differ in one bit."""


@dataclass(frozen=True, slots=True)
class Flows:
    """Which flows are asked for."""

    table: int | None = None
    """Those of one table; None: of all."""
    drops: bool = False
    """Only those that drop packets."""


EVERYTHING = Flows()
DROPS = Flows(drops=True)


def read_flows(which: Flows, xid: int) -> bytes:
    """A request for flows of ours; for everything also those that the switch learned by one of ours."""
    scope = _OURS_OR_LEARNED if which == EVERYTHING else _OUR_DROPS if which.drops else _OURS
    table = ofp.OFPTT_ALL if which.table is None else which.table
    return _bytes([parser.OFPFlowStatsRequest(_PROTOCOL, 0, table, *scope, parser.OFPMatch())], xid)


def count_flows(xid: int) -> bytes:
    """A request for the number of flows of ours. Those that the switch learned come and go by themselves."""
    return _bytes([parser.OFPAggregateStatsRequest(_PROTOCOL, 0, ofp.OFPTT_ALL, *_OURS, parser.OFPMatch())], xid)


def watch(tables: Iterable[int], xid: int) -> bytes:
    """Make the switch report what somebody else does to the flows of some tables; of what we do, that we did it."""
    events = ofp.OFPFMF_ADD | ofp.OFPFMF_REMOVED | ofp.OFPFMF_MODIFY | ofp.OFPFMF_INSTRUCTIONS
    requests = [
        parser.OFPFlowMonitorRequest(_PROTOCOL, monitor_id=table, monitor_flags=events, table_id=table)
        for table in tables
    ]
    return _bytes(requests, xid)


def remove(entry: Entry, xid: int) -> bytes:
    """Remove one flow: that of this cookie in this very place."""
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
    return _bytes([parser.OFPPortDescStatsRequest(_PROTOCOL, 0)], xid)


def tunnel_frames(frame: bytes, hosts: Iterable[IPv4Address], ofport: int, xid: int) -> bytes:
    """A packet-out that sends one frame to each of some hosts by the tunnel port, with key 0."""
    actions: list[Any] = [_set(SetField(TUN_ID, 0))]
    for host in hosts:
        actions += [_set(SetField(TUN_DST, int(host))), parser.OFPActionOutput(ofport, 0)]
    packet_out = parser.OFPPacketOut(_PROTOCOL, ofp.OFP_NO_BUFFER, ofp.OFPP_CONTROLLER, actions, frame)
    return _bytes([packet_out], xid)


def _bytes(messages: Iterable[Any], xid: int) -> bytes:
    encoded = bytearray()
    for message in messages:
        message.set_xid(xid)
        message.serialize()
        encoded += message.buf
    return bytes(encoded)


def _bundle(kind: int, bundle: int) -> Any:
    return parser.OFPBundleCtrlMsg(_PROTOCOL, bundle, kind, _BUNDLE_FLAGS, [])


def _add(flow: Flow) -> Any:
    return parser.OFPFlowMod(
        _PROTOCOL,
        cookie=flow.cookie,
        table_id=flow.table,
        command=ofp.OFPFC_ADD,
        priority=flow.priority,
        match=_match(flow.match),
        instructions=_instructions(flow.actions),
    )


def _delete(cookie: int) -> Any:
    return parser.OFPFlowMod(
        _PROTOCOL,
        cookie=cookie,
        cookie_mask=_ALL_BITS,
        table_id=ofp.OFPTT_ALL,
        command=ofp.OFPFC_DELETE,
        out_port=ofp.OFPP_ANY,
        out_group=ofp.OFPG_ANY,
    )


def _match(terms: Iterable[Term]) -> Any:
    """The match in our order, in which prerequisites come first: os-ken's own would put some of them last."""
    return parser.OFPMatch(_ordered_fields=[oxm(term) for term in terms])


def oxm(term: Term) -> tuple[str, Any]:
    """A term as os-ken wants it: a name, and a value for people, or a value with its mask."""
    name = term.field.wire_name
    if term.field is VLAN:
        return name, ofp.OFPVID_PRESENT | term.value
    if term.field is VLAN_TCI and term.mask == VLAN_PRESENT_AND_ID:
        return name, term.value  # OpenFlow has no mask for "no tag": the value OFPVID_NONE says it
    value = _user(term.field, term.value)
    return name, value if term.mask is None else (value, _user(term.field, term.mask))


def _user(field: Field, value: int) -> Any:
    """A value as os-ken wants it: addresses as text."""
    return show(field, value) if field.kind in ("ipv4", "mac") else value


_NAMES = {kind.name for kind in ofp.oxm_types}


def _moved(field: Field) -> str:
    """A field in a move, by the number that Open vSwitch reports: its older one, where it has two."""
    older = f"{field.wire_name}_nxm"
    return older if older in _NAMES else field.wire_name


def _set(action: SetField) -> Any:
    if action.field is VLAN:
        return parser.OFPActionSetField(vlan_vid=ofp.OFPVID_PRESENT | action.value)
    return parser.OFPActionSetField(**{action.field.wire_name: _user(action.field, action.value)})


def _instructions(actions: Iterable[Action]) -> list[Any]:
    applied: list[Any] = []
    gotos: list[Any] = []
    for action in actions:
        match action:
            case Goto(table):
                gotos.append(parser.OFPInstructionGotoTable(table))
            case _:
                applied.append(action_of(action))
    apply = [parser.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, applied)] if applied else []
    return apply + gotos


def action_of(action: Action) -> Any:
    """An action as os-ken makes it: any but a goto."""
    match action:
        case SetField():
            return _set(action)
        case Move(source, target):
            return parser.NXActionRegMove(
                src_field=_moved(source), dst_field=_moved(target), n_bits=source.bits, src_ofs=0, dst_ofs=0
            )
        case DecTtl():
            return parser.OFPActionDecNwTtl()
        case PushVlan():
            return parser.OFPActionPushVlan(ETH_TYPE_VLAN)
        case PopVlan():
            return parser.OFPActionPopVlan()
        case Learn():
            return encode_learn(action)
        case Resubmit(table):
            return parser.NXActionResubmitTable(in_port=ofp.OFPP_IN_PORT & 0xFFFF, table_id=table)
        case _:
            return _output(action)


def _output(action: Action) -> Any:
    match action:
        case Output(port):
            return parser.OFPActionOutput(port, 0)
        case OutputRegister(register):
            return parser.NXActionOutputReg(ofs_nbits=register.bits - 1, src=register.name, max_len=0)
        case OutputInPort():
            return parser.OFPActionOutput(ofp.OFPP_IN_PORT, 0)
        case OutputController():
            return parser.OFPActionOutput(ofp.OFPP_CONTROLLER, CONTROLLER_BYTES)
        case _:
            raise TypeError(f"{action} is no action that can be applied")
