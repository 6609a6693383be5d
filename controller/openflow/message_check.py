"""Is a message from a switch sound? It is checked before anything decodes it.

os-ken writes a traceback for a message that it cannot decode, and loops for ever on one in which a length is 0. So all
lengths are checked here first, by OpenFlow 1.4 (section 7), for the few messages that this controller receives.
"""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from os_ken.ofproto import ofproto_v1_4 as ofp

HEADER = struct.Struct("!BBHI")
"""Version, type, length, transaction id."""
_HEADER_SIZE = HEADER.size
_LENGTH = struct.Struct("!H")
_KNOWN_TYPES = range(ofp.OFPT_BUNDLE_ADD_MESSAGE + 1)
_BITMAP_OF_OURS = 1 << ofp.OFP_VERSION

_MULTIPART = 16
"""Bytes before the body of a multipart reply."""
_DESCRIPTION = 1056
_AGGREGATE = 24
_FLOW = 56
"""The least that a flow takes: 48 bytes, and an empty match."""
_METER, _BAND = 40, 16
"""Bytes of what a meter has counted (7.3.5.12), and of each of its bands."""
_FULL_UPDATE = 32
_SHORT_UPDATE = 8
_DESCRIBED = 8
"""The least that a group or meter takes without its buckets or bands."""
_PORT = 40
_PROPERTY = 4
_PROPERTIES = {ofp.OFPPDPT_ETHERNET: 32, ofp.OFPPDPT_OPTICAL: 40, ofp.OFPPDPT_EXPERIMENTER: 12}
"""The least that a port's property of a known type takes (7.2.1.1); one of another type: its type and length."""
_PACKET_IN = 24
"""Bytes of a packet-in before its match."""
_BEFORE_PORT = 16
"""Bytes of a port-status before the port."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is wrong with a message."""

    words: str
    is_fatal: bool = True
    """Whether the connection cannot go on: a request may wait for just this message, or nothing after it is understood.
    A packet-in, or an answer to no request, can be left out.
    """


def is_used(kind: int) -> bool:
    """Whether messages of a type are of any use here; others need not be taken apart."""
    return kind in _CHECKS


def fault(message: bytes) -> Fault | None:
    """What is wrong with a message of the length that its header says; None: nothing."""
    version, kind, _, _ = HEADER.unpack_from(message)
    if kind not in _KNOWN_TYPES:
        return Fault(f"OpenFlow has no message of type {kind}", is_fatal=version != ofp.OFP_VERSION)
    if kind != ofp.OFPT_HELLO and version != ofp.OFP_VERSION:
        return Fault(f"{_name(kind)} of version {version:#04x}; OpenFlow 1.4 ({ofp.OFP_VERSION:#04x}) was agreed on")
    check = _CHECKS.get(kind)
    try:
        found = None if check is None else check(message)
    except struct.error:
        found = "it is cut off"
    if found is None:
        return None
    is_left_out = kind == ofp.OFPT_PACKET_IN or found == _UNASKED
    return Fault(f"{_name(kind)} of {len(message)} bytes: {found}", is_fatal=not is_left_out)


def _name(kind: int) -> str:
    known: str = ofp.ofp_msg_type_to_str(kind)
    return known.partition("(")[0].removeprefix("OFPT_").lower().replace("_", "-")


_UNASKED = "it answers no request"


def _hello(message: bytes) -> str | None:
    version, at = message[0], _HEADER_SIZE
    offered = None
    while at < len(message):
        kind, size = struct.unpack_from("!HH", message, at)
        if size < 4 or at + size > len(message):
            return "an element has a wrong length"
        if kind == ofp.OFPHET_VERSIONBITMAP and size >= 8:
            (offered,) = struct.unpack_from("!I", message, at + 4)
        at += (size + 7) // 8 * 8
    if offered & _BITMAP_OF_OURS if offered is not None else version >= ofp.OFP_VERSION:
        return None
    return "the switch does not offer OpenFlow 1.4; on it: ovs-vsctl set Bridge NAME protocols=OpenFlow14"


def _at_least(size: int) -> Callable[[bytes], str | None]:
    return lambda message: "it is cut off" if len(message) < size else None


def _just(size: int) -> Callable[[bytes], str | None]:
    def check(message: bytes) -> str | None:
        return "it is cut off" if len(message) < size else "it is too long" if len(message) > size else None

    return check


def _error(message: bytes) -> str | None:
    (kind,) = _LENGTH.unpack_from(message, _HEADER_SIZE)
    return _at_least(16 if kind == ofp.OFPET_EXPERIMENTER else 12)(message)


def _packet_in(message: bytes) -> str | None:
    kind, size = struct.unpack_from("!HH", message, _PACKET_IN)
    if kind != ofp.OFPMT_OXM or size < 4 or _PACKET_IN + (size + 7) // 8 * 8 + 2 > len(message):
        return "its match is cut off"
    at, end = _PACKET_IN + 4, _PACKET_IN + size
    while at < end:
        if at + 4 > end:
            return "a field of its match is cut off"
        at += 4 + message[at + 3]
    return None if at == end else "a field of its match is cut off"


def _port_status(message: bytes) -> str | None:
    size = len(message) - _BEFORE_PORT
    if size < _PORT:
        return "it is cut off"
    return _port(message, _BEFORE_PORT, size)


def _port(message: bytes, at: int, room: int) -> str | None:
    (size,) = _LENGTH.unpack_from(message, at + 4)
    if size < _PORT or size > room:
        return "a port has a wrong length"

    def size_at(at: int) -> int:
        kind, size = struct.unpack_from("!HH", message, at)
        is_whole = size >= _PROPERTIES.get(kind, _PROPERTY) and (kind != ofp.OFPPDPT_EXPERIMENTER or size % 4 == 0)
        return int(size) if is_whole else 0

    return _walk(message, at + _PORT, at + size, size_at, _PROPERTY, pad=8)


def _walk(message: bytes, at: int, end: int, size_at: Callable[[int], int], least: int, *, pad: int = 1) -> str | None:
    """Go over the elements of a message; each says how long it is."""
    while at < end:
        size = size_at(at)
        if size < least or at + size > end:
            return "something in it has a wrong length"
        at += (size + pad - 1) // pad * pad
    return None


def _each(what: str, least: int) -> Callable[[bytes], str | None]:
    """Things that begin with their lengths."""

    def check(message: bytes) -> str | None:
        at, end, unpack = _MULTIPART, len(message), _LENGTH.unpack_from
        while at < end:
            (size,) = unpack(message, at)
            if size < least:
                break
            at += size
        return None if at == end else f"{what} has a wrong length"

    return check


def _updates(message: bytes) -> str | None:
    def size_at(at: int) -> int:
        size, event = struct.unpack_from("!HH", message, at)
        is_full = event < ofp.OFPFME_ABBREV
        return int(size) if not is_full or size >= _FULL_UPDATE else 0

    return _walk(message, _MULTIPART, len(message), size_at, _SHORT_UPDATE)


def _meters(message: bytes) -> str | None:
    def size_at(at: int) -> int:
        (size,) = _LENGTH.unpack_from(message, at + 4)
        return int(size) if (size - _METER) % _BAND == 0 else 0

    return _walk(message, _MULTIPART, len(message), size_at, _METER)


def _ports(message: bytes) -> str | None:
    for at, room in _each_port(message):
        if found := _port(message, at, room):
            return found
    return None


def _each_port(message: bytes) -> Iterator[tuple[int, int]]:
    at, end = _MULTIPART, len(message)
    while at < end:
        yield at, end - at
        at += max(_PORT, *_LENGTH.unpack_from(message, at + 4))


_BODIES: dict[int, Callable[[bytes], str | None]] = {
    ofp.OFPMP_DESC: _just(_MULTIPART + _DESCRIPTION),
    ofp.OFPMP_FLOW: _each("a flow", _FLOW),
    ofp.OFPMP_GROUP_DESC: _each("a group", _DESCRIBED),
    ofp.OFPMP_METER_CONFIG: _each("a meter", _DESCRIBED),
    ofp.OFPMP_AGGREGATE: _just(_MULTIPART + _AGGREGATE),
    ofp.OFPMP_METER: _meters,
    ofp.OFPMP_PORT_DESC: _ports,
    ofp.OFPMP_FLOW_MONITOR: _updates,
}


def _multipart(message: bytes) -> str | None:
    (kind,) = _LENGTH.unpack_from(message, _HEADER_SIZE)
    if len(message) < _MULTIPART:
        return "it is cut off"
    check = _BODIES.get(kind)
    return _UNASKED if check is None else check(message)


_CHECKS: dict[int, Callable[[bytes], str | None]] = {
    ofp.OFPT_HELLO: _hello,
    ofp.OFPT_ERROR: _error,
    ofp.OFPT_ECHO_REQUEST: _at_least(_HEADER_SIZE),
    ofp.OFPT_ECHO_REPLY: _at_least(_HEADER_SIZE),
    ofp.OFPT_FEATURES_REPLY: _at_least(32),
    ofp.OFPT_GET_CONFIG_REPLY: _just(12),
    ofp.OFPT_PACKET_IN: _packet_in,
    ofp.OFPT_PORT_STATUS: _port_status,
    ofp.OFPT_REQUESTFORWARD: _at_least(_HEADER_SIZE),
    ofp.OFPT_MULTIPART_REPLY: _multipart,
    ofp.OFPT_BARRIER_REPLY: _at_least(_HEADER_SIZE),
}
"""The types of which messages are taken apart, each with what is looked at."""
