"""From a frame's bytes to its fields, as Open vSwitch finds them (``miniflow_extract`` of its lib/flow.c).

The fields of a header that is cut off or makes no sense are 0. One VLAN tag is parsed (``other_config:vlan-limit`` is 1
by default). Further tags only show in the frame's type.
"""

import struct

from flows.openflow.fields import (
    ARP_OP,
    ARP_SHA,
    ARP_SPA,
    ARP_THA,
    ARP_TPA,
    ETH_DST,
    ETH_SRC,
    ETH_TYPE,
    ETH_TYPE_ARP,
    ETH_TYPE_IPV4,
    ETH_TYPE_VLAN,
    ICMP_CODE,
    ICMP_TYPE,
    IP_DSCP,
    IP_DST,
    IP_FRAG,
    IP_PROTO,
    IP_SRC,
    IP_TTL,
    PROTO_ICMP,
    PROTO_TCP,
    PROTO_UDP,
    TCP_DST,
    TCP_FLAGS,
    TCP_SRC,
    UDP_DST,
    UDP_SRC,
    VLAN_PRESENT,
    VLAN_TCI,
    Field,
)
from flows.simulate.packet import BARE_LENGTH, FRAG_FIRST, FRAG_LATER, ICMP_ID, QUOTED, Packet, Unsupported

ETH_HEADER = 14
"""Bytes without which a frame has no fields at all."""

_VLAN_TYPES = (ETH_TYPE_VLAN, 0x88A8)
_LEAST_TYPE = 0x600  # below it stands a length (IEEE 802.3)
_NO_TYPE = 0x5FF  # what Open vSwitch makes of a frame without a type
_SNAP = bytes.fromhex("aaaa03000000")
_ARP_ETHERNET_IPV4 = struct.pack("!HHBB", 1, ETH_TYPE_IPV4, 6, 4)  # RFC 826
_DONT_FRAGMENT_AND_RESERVED = 0xC000
_FRAGMENT_OFFSET = 0x1FFF

Fields = dict[Field, int]


def extract(frame: bytes) -> Packet:
    """The fields of a frame. Raises :class:`Unsupported` for less than an Ethernet header."""
    if len(frame) < ETH_HEADER:
        raise Unsupported(f"a frame of {len(frame)} bytes is not simulated")
    found: Fields = {ETH_DST: int.from_bytes(frame[:6]), ETH_SRC: int.from_bytes(frame[6:12])}
    rest = frame[12:]
    if _number(rest, 0, 2) in _VLAN_TYPES and len(rest) >= 6:
        found[VLAN_TCI] = _number(rest, 2, 2) | VLAN_PRESENT
        rest = rest[4:]
    found[BARE_LENGTH] = 12 + len(rest)
    found[ETH_TYPE], rest = _type(rest)
    if found[ETH_TYPE] == ETH_TYPE_IPV4:
        _ipv4(rest, found)
    elif found[ETH_TYPE] == ETH_TYPE_ARP:
        _arp(rest, found)
    return Packet({field.name: value for field, value in found.items()})


def _type(rest: bytes) -> tuple[int, bytes]:
    """A frame's type, and what comes after it. Frames with a length have one by SNAP, or none (RFC 1042)."""
    kind, rest = _number(rest, 0, 2), rest[2:]
    if kind >= _LEAST_TYPE:
        return kind, rest
    if rest[:6] == _SNAP and len(rest) >= 8 and _number(rest, 6, 2) >= _LEAST_TYPE:
        return _number(rest, 6, 2), rest[8:]
    return _NO_TYPE, rest


def _ipv4(data: bytes, found: Fields) -> None:
    """A header whose lengths do not fit has no fields (RFC 791)."""
    if len(data) < 20:
        return
    header, total = (data[0] & 0xF) * 4, _number(data, 2, 2)
    if not 20 <= header <= total <= len(data):
        return
    found[IP_TTL], found[IP_PROTO] = data[8], data[9]
    found[IP_SRC], found[IP_DST] = _number(data, 12, 4), _number(data, 16, 4)
    fragment = _number(data, 6, 2) & ~_DONT_FRAGMENT_AND_RESERVED
    if fragment:
        found[IP_FRAG] = FRAG_LATER if fragment & _FRAGMENT_OFFSET else FRAG_FIRST
    found[IP_DSCP] = data[1] >> 2
    if found.get(IP_FRAG) != FRAG_LATER:
        _layer_4(data[header:total], found)


def _layer_4(data: bytes, found: Fields) -> None:
    """A header that is cut off, or a TCP header whose length does not fit, has no fields (RFC 9293)."""
    proto = found[IP_PROTO]
    if proto == PROTO_ICMP and len(data) >= 8:
        found[ICMP_TYPE], found[ICMP_CODE] = data[0], data[1]
        found[ICMP_ID] = _number(data, 4, 2)
        _quoted(data[8:], found)
    elif proto == PROTO_UDP and len(data) >= 8:
        found[UDP_SRC], found[UDP_DST] = _number(data, 0, 2), _number(data, 2, 2)
    elif proto == PROTO_TCP and len(data) >= 20 and 20 <= (data[12] >> 4) * 4 <= len(data):
        found[TCP_SRC], found[TCP_DST] = _number(data, 0, 2), _number(data, 2, 2)
        found[TCP_FLAGS] = _number(data, 12, 2) & TCP_FLAGS.everything


def _quoted(data: bytes, found: Fields) -> None:
    """The packet that an ICMP error tells of: its IP header, and at least 8 bytes of what follows (RFC 792).

    Of TCP, Open vSwitch wants the whole header.
    """
    header = (data[0] & 0xF) * 4 if data else 0
    if header < 20 or len(data) < header + 8 or (data[9] == PROTO_TCP and len(data) < header + 20):
        return
    proto, rest = data[9], data[header:]
    ends = (_number(rest, 0, 2), _number(rest, 2, 2), 0, 0)
    if proto == PROTO_ICMP:
        ends = (_number(rest, 4, 2), _number(rest, 4, 2), rest[0], rest[1])
    found.update(zip(QUOTED, (proto, _number(data, 12, 4), _number(data, 16, 4), *ends), strict=True))


def _arp(data: bytes, found: Fields) -> None:
    """Only ARP for IPv4 over Ethernet has fields, and only small operations are known (RFC 826)."""
    if len(data) < 28 or data[:6] != _ARP_ETHERNET_IPV4:
        return
    operation = _number(data, 6, 2)
    if operation <= 0xFF:
        found[ARP_OP] = operation
    found[ARP_SHA], found[ARP_SPA] = _number(data, 8, 6), _number(data, 14, 4)
    found[ARP_THA], found[ARP_TPA] = _number(data, 18, 6), _number(data, 24, 4)


def _number(data: bytes, offset: int, size: int) -> int:
    return int.from_bytes(data[offset : offset + size])
