"""Every action as os-ken makes it: one encoder for each.

A goto and a meter are none of them: they are instructions of their own (OpenFlow 1.4, 5.9).
"""

import struct
from collections.abc import Callable, Mapping
from typing import Any, TypeVar

from os_ken.ofproto import nicira_ext
from os_ken.ofproto import ofproto_v1_4 as ofp
from os_ken.ofproto import ofproto_v1_4_parser as parser

from controller.openflow.fields import as_user, header
from controller.openflow.learn import encode_learn
from flows.openflow.actions import (
    Action,
    CheckPktLarger,
    DecTtl,
    Group,
    Move,
    Output,
    OutputController,
    OutputInPort,
    OutputRegister,
    PopVlan,
    PushVlan,
    Resubmit,
    SetBits,
    SetField,
    SetQueue,
)
from flows.openflow.conntrack import Ct, CtClear
from flows.openflow.fields import ETH_TYPE_VLAN, VLAN, Bits, bits_of
from flows.openflow.learn import Learn
from flows.openflow.nat import Nat

_T = TypeVar("_T")
_NO_TABLE = 0xFF
_ACTION_HEADER = 10
"""Bytes of an experimenter action up to its subtype."""
_CHECK_PKT_LARGER = 49
_NAT_SIDES = {"src": 1 << 0, "dst": 1 << 1}
"""NX_NAT_F_SRC and NX_NAT_F_DST of lib/ofp-actions.c."""


def _set_field(action: SetField) -> Any:
    if action.field is VLAN:
        return parser.OFPActionSetField(vlan_vid=ofp.OFPVID_PRESENT | action.value)
    return parser.OFPActionSetField(**{action.field.wire_name: as_user(action.field, action.value)})


def _move(action: Move) -> Any:
    source, target = bits_of(action.source), bits_of(action.target)
    return parser.NXActionRegMove(
        src_field=header(source.field),
        dst_field=header(target.field),
        n_bits=source.width,
        src_ofs=source.first,
        dst_ofs=target.first,
    )


def _set_bits(action: SetBits) -> Any:
    bits = action.bits
    return parser.NXActionRegLoad(ofs_nbits=_span(bits), dst=header(bits.field), value=action.value)


def _span(bits: Bits) -> int:
    """Which bits of a field, as Open vSwitch writes it."""
    return bits.first << 6 | bits.width - 1


def _output_register(action: OutputRegister) -> Any:
    return parser.NXActionOutputReg(ofs_nbits=action.register.bits - 1, src=action.register.name, max_len=0)


def _ct(action: Ct) -> Any:
    bits = None if isinstance(action.zone, int) else bits_of(action.zone)
    return parser.NXActionCT(
        flags=nicira_ext.NX_CT_F_COMMIT if action.commit else 0,
        zone_src="" if bits is None else header(bits.field),
        zone_ofs_nbits=action.zone if bits is None else _span(bits),
        recirc_table=_NO_TABLE if action.table is None else action.table,
        alg=0,
        actions=[*([] if action.nat is None else [_nat(action.nat)]), *map(encoded, action.remember)],
    )


def _nat(nat: Nat) -> Any:
    """A translation. os-ken's own does not fill it up to 8 bytes, so that nothing could follow it within a ct."""
    present, body = 0, b""
    for at, address in enumerate(_ends(nat.addresses)):
        present |= nicira_ext.NX_NAT_RANGE_IPV4_MIN << at
        body += address.packed
    for at, port in enumerate(_ends(nat.ports)):
        present |= nicira_ext.NX_NAT_RANGE_PROTO_MIN << at
        body += struct.pack("!H", port)
    flags = 0 if nat.side is None else _NAT_SIDES[nat.side]
    data = struct.pack("!2xHH", flags, present) + body
    return parser.NXActionUnknown(nicira_ext.NXAST_NAT, data=data + bytes(-(_ACTION_HEADER + len(data)) % 8))


def _ends(pair: tuple[_T, _T] | None) -> tuple[_T, ...]:
    """The first and the last of a range; only one, when they are the same."""
    return () if pair is None else pair[:1] if pair[0] == pair[1] else pair


def _check_pkt_larger(action: CheckPktLarger) -> Any:
    """NXAST_CHECK_PKT_LARGER, which os-ken lacks (``struct nx_action_check_pkt_larger`` of lib/ofp-actions.c)."""
    field = bytearray()
    ofp.oxm_serialize_header(ofp.oxm_from_user_header(header(action.result.field)), field, 0)
    data = struct.pack("!HH", action.size, action.result.first) + bytes(field) + bytes(6)
    return parser.NXActionUnknown(_CHECK_PKT_LARGER, data=data)


ENCODERS: Mapping[type, Callable[[Any], Any]] = {
    SetField: _set_field,
    Move: _move,
    DecTtl: lambda _: parser.OFPActionDecNwTtl(),
    PushVlan: lambda _: parser.OFPActionPushVlan(ETH_TYPE_VLAN),
    PopVlan: lambda _: parser.OFPActionPopVlan(),
    Output: lambda action: parser.OFPActionOutput(action.port, 0),
    OutputRegister: _output_register,
    OutputInPort: lambda _: parser.OFPActionOutput(ofp.OFPP_IN_PORT, 0),
    OutputController: lambda action: parser.OFPActionOutput(ofp.OFPP_CONTROLLER, action.length),
    SetBits: _set_bits,
    Learn: encode_learn,
    Ct: _ct,
    CtClear: lambda _: parser.NXActionCTClear(),
    Group: lambda action: parser.OFPActionGroup(action.group),
    SetQueue: lambda action: parser.OFPActionSetQueue(action.queue),
    CheckPktLarger: _check_pkt_larger,
    Resubmit: lambda action: parser.NXActionResubmitTable(in_port=ofp.OFPP_IN_PORT & 0xFFFF, table_id=action.table),
}
"""By the kind of action."""


def encoded(action: Action) -> Any:
    """An action as os-ken's own object."""
    return ENCODERS[type(action)](action)
