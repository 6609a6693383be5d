"""What is found wrong with a message from a switch, before anything takes it apart.

os-ken writes a traceback for some of these, and never comes to an end with others: a length of 0 in a list.
"""

import inspect
import struct
from typing import Any

from hypothesis import given
from hypothesis import strategies as st
from os_ken.controller import ofp_event
from os_ken.ofproto import ofproto_v1_4 as ofp
from os_ken.ofproto import ofproto_v1_4_parser as parser

from controller.openflow import groups_and_meters
from controller.openflow.decode import cookies, entries, use_own_decoders
from controller.openflow.message_check import HEADER, fault, is_used
from controller.openflow.sessions import SwitchApp
from tests.openflow import PROTOCOL

use_own_decoders()


def message(kind: int, body: bytes = b"", version: int = ofp.OFP_VERSION) -> bytes:
    return HEADER.pack(version, kind, HEADER.size + len(body), 1) + body


def reply(kind: int, body: bytes = b"") -> bytes:
    return message(ofp.OFPT_MULTIPART_REPLY, struct.pack("!HH4x", kind, 0) + body)


def port(properties: bytes = b"") -> bytes:
    return struct.pack("!IH2x6s2x16sII", 1, 40 + len(properties), b"\2" * 6, b"eth0", 0, 0) + properties


def taken(one: bytes) -> Any:
    """What os-ken makes of a message."""
    version, kind, size, xid = HEADER.unpack_from(one)
    return parser.msg_parser(PROTOCOL, version, kind, size, xid, bytearray(one))


FLOW = struct.pack("!HB9xHQ2xQQ8xHH4x", 56, 0, 1, 7, 3, 60, ofp.OFPMT_OXM, 4)
ETHERNET = struct.pack("!HH4x6I", ofp.OFPPDPT_ETHERNET, 32, 1, 2, 3, 4, 5, 6)
OPTICAL = struct.pack("!HH4x8I", ofp.OFPPDPT_OPTICAL, 40, *range(8))
EXPERIMENTER = struct.pack("!HHIII", ofp.OFPPDPT_EXPERIMENTER, 16, 0x2320, 1, 7)
UNKNOWN = struct.pack("!HH4x", 9, 8)
IN_PORT = struct.pack("!HHHBBI", ofp.OFPMT_OXM, 12, 0x8000, 0, 4, 9) + bytes(4)
PACKET_IN = struct.pack("!IHBBQ", 0xFFFFFFFF, 4, 0, 0, 7)
BY_TUNNEL = struct.pack("!HHIQII", ofp.OFPMT_OXM, 24, 0x80004C08, 5, 0x80000004, 9)
"""A match: a tunnel key, then the port."""
METERED = struct.pack("!IH6xIQQII", 5, 56, 1, 9, 900, 1, 0) + struct.pack("!QQ", 4, 400)

SOUND = {
    "hello": message(ofp.OFPT_HELLO),
    "hello with versions": message(ofp.OFPT_HELLO, struct.pack("!HHI", 1, 8, 0x7E), version=6),
    "features": message(ofp.OFPT_FEATURES_REPLY, bytes(24)),
    "error": message(ofp.OFPT_ERROR, bytes(12)),
    "error of Open vSwitch's own": message(ofp.OFPT_ERROR, struct.pack("!HHI", 0xFFFF, 2, 0x2320)),
    "packet-in": message(ofp.OFPT_PACKET_IN, PACKET_IN + IN_PORT + bytes(6)),
    "packet-in by a tunnel": message(ofp.OFPT_PACKET_IN, PACKET_IN + BY_TUNNEL + bytes(2) + b"frame"),
    "port": message(ofp.OFPT_PORT_STATUS, bytes(8) + port(ETHERNET)),
    "port of many kinds": message(ofp.OFPT_PORT_STATUS, bytes(8) + port(OPTICAL + EXPERIMENTER + UNKNOWN)),
    "ports": reply(ofp.OFPMP_PORT_DESC, port() + port(ETHERNET)),
    "no ports": reply(ofp.OFPMP_PORT_DESC),
    "flows": reply(ofp.OFPMP_FLOW, FLOW + FLOW),
    "update": reply(ofp.OFPMP_FLOW_MONITOR, struct.pack("!HHBBHHH4xQHH4x", 32, 1, 0, 0, 0, 0, 0, 7, 1, 4)),
    "groups": reply(ofp.OFPMP_GROUP_DESC, struct.pack("!HBBI", 8, 0, 0, 5) * 2),
    "meters": reply(ofp.OFPMP_METER_CONFIG, struct.pack("!HHIHHII4x", 24, 2, 5, 1, 16, 9, 9)),
    "what somebody else did to a group": message(ofp.OFPT_REQUESTFORWARD, message(ofp.OFPT_GROUP_MOD, bytes(8))),
    "what meters count": reply(ofp.OFPMP_METER, METERED + METERED),
    "description": reply(ofp.OFPMP_DESC, bytes(1056)),
    "barrier": message(ofp.OFPT_BARRIER_REPLY),
    "configuration": message(ofp.OFPT_GET_CONFIG_REPLY, struct.pack("!HH", 0, 128)),
    "count": reply(ofp.OFPMP_AGGREGATE, bytes(24)),
}


def test_sound() -> None:
    for what, one in SOUND.items():
        assert fault(one) is None, what
        take_apart(one)


def test_what_is_listened_for_is_taken_apart() -> None:
    """No handler of ours waits for messages that are thrown away before they are taken apart."""
    handlers = [handler for _, handler in inspect.getmembers(SwitchApp, inspect.isfunction)]
    listened_for = {event for handler in handlers for event in getattr(handler, "callers", {})}
    come = {type(ofp_event.ofp_msg_to_ev(taken(one))) for one in SOUND.values() if is_used(HEADER.unpack_from(one)[1])}
    assert listened_for - come == {ofp_event.EventOFPStateChange}, "which is no message"


BAD = {
    "a meter shorter than its counters": (reply(ofp.OFPMP_METER, METERED[:4] + b"\0\x20" + METERED[6:]), True),
    "a meter with half a band": (reply(ofp.OFPMP_METER, METERED[:4] + b"\0\x30" + METERED[6:48]), True),
    "a meter that is cut off": (reply(ofp.OFPMP_METER, METERED[:48]), True),
    "a meter of length 0": (reply(ofp.OFPMP_METER, METERED[:4] + bytes(2) + METERED[6:]), True),
    "garbage": (b"GET / HTTP/1.1\r\n\r\n", True),
    "no such type": (message(99), False),
    "reserved version": (message(ofp.OFPT_BARRIER_REPLY, version=0x7F), True),
    "another version than agreed": (message(ofp.OFPT_BARRIER_REPLY, version=6), True),
    "hello of 1.0": (message(ofp.OFPT_HELLO, version=1), True),
    "hello without 1.4": (message(ofp.OFPT_HELLO, struct.pack("!HHI", 1, 8, 0x52), version=6), True),
    "hello with an element of length 0": (message(ofp.OFPT_HELLO, struct.pack("!HHI", 1, 0, 0)), True),
    "features cut off": (message(ofp.OFPT_FEATURES_REPLY, bytes(20)), True),
    "configuration cut off": (message(ofp.OFPT_GET_CONFIG_REPLY, b"\0\0"), True),
    "error cut off": (message(ofp.OFPT_ERROR, b"\0"), True),
    "packet-in without a match": (message(ofp.OFPT_PACKET_IN, PACKET_IN), False),
    "packet-in with a field beyond its match": (
        message(ofp.OFPT_PACKET_IN, PACKET_IN + IN_PORT[:7] + b"\xff" + IN_PORT[8:] + bytes(6)),
        False,
    ),
    "port with a property of length 0": (message(ofp.OFPT_PORT_STATUS, bytes(8) + port(bytes(8))), True),
    "port with a property shorter than its type": (
        message(ofp.OFPT_PORT_STATUS, bytes(8) + port(struct.pack("!HH4x", ofp.OFPPDPT_ETHERNET, 8))),
        True,
    ),
    "port with an experimenter's property of odd length": (
        message(ofp.OFPT_PORT_STATUS, bytes(8) + port(struct.pack("!HHIII", 0xFFFF, 14, 0x2320, 1, 7))),
        True,
    ),
    "port of length 0": (reply(ofp.OFPMP_PORT_DESC, port()[:4] + b"\0\0" + port()[6:]), True),
    "port cut off": (reply(ofp.OFPMP_PORT_DESC, port()[:39]), True),
    "flow of length 0": (reply(ofp.OFPMP_FLOW, b"\0\0" + FLOW[2:]), True),
    "flow cut off": (reply(ofp.OFPMP_FLOW, FLOW[:-1]), True),
    "group of length 0": (reply(ofp.OFPMP_GROUP_DESC, bytes(8)), True),
    "meter cut off": (reply(ofp.OFPMP_METER_CONFIG, struct.pack("!HHI", 24, 2, 5)), True),
    "update of length 0": (reply(ofp.OFPMP_FLOW_MONITOR, bytes(8)), True),
    "description cut off": (reply(ofp.OFPMP_DESC), True),
    "count cut off": (reply(ofp.OFPMP_AGGREGATE, bytes(8)), True),
    "count with a byte too many": (reply(ofp.OFPMP_AGGREGATE, bytes(25)), True),
    "description with a byte too many": (reply(ofp.OFPMP_DESC, bytes(1057)), True),
    "reply that nobody asked for": (reply(ofp.OFPMP_TABLE_FEATURES, bytes(8)), False),
    "reply cut off": (message(ofp.OFPT_MULTIPART_REPLY, b"\0"), True),
}


def test_bad() -> None:
    for what, (one, is_fatal) in BAD.items():
        found = fault(one)
        assert found is not None, what
        assert found.is_fatal == is_fatal, (what, found)


@st.composite
def spoilt(draw: st.DrawFn) -> bytes:
    """A sound message, some bytes of which are others, and which may be cut off or longer."""
    one = bytearray(draw(st.sampled_from(sorted(SOUND.values()))))
    for _ in range(draw(st.integers(0, 4))):
        one[draw(st.integers(0, len(one) - 1))] = draw(st.integers(0, 255))
    one = one[: draw(st.integers(8, len(one)))] + draw(st.binary(max_size=16))
    one[2:4] = len(one).to_bytes(2)
    return bytes(one)


@given(spoilt())
def test_what_is_sound_can_be_taken_apart(one: bytes) -> None:
    """By os-ken, which ends, and by ourselves: whatever was spoilt was found."""
    if fault(one) is None:
        take_apart(one)


def test_a_frame_with_the_port_that_it_came_in_by() -> None:
    """As os-ken's own decoder says."""
    for what in ("packet-in", "packet-in by a tunnel"):
        one = SOUND[what]
        by_os_ken: Any = parser.OFPPacketIn.parser(PROTOCOL, *HEADER.unpack_from(one), bytearray(one))
        assert taken(one).match["in_port"] == by_os_ken.match["in_port"] == 9
        assert taken(one).data == bytes(by_os_ken.data)


def take_apart(one: bytes) -> None:
    """As it is done with a sound message."""
    kind = HEADER.unpack_from(one)[1]
    if not is_used(kind) or kind == ofp.OFPT_HELLO:
        return
    message = taken(one)
    if kind == ofp.OFPT_MULTIPART_REPLY and message.type == ofp.OFPMP_FLOW:
        reported = b"".join(message.body)
        assert len(cookies(reported)) == len(list(entries(reported)))
    elif kind == ofp.OFPT_MULTIPART_REPLY and message.type in (ofp.OFPMP_GROUP_DESC, ofp.OFPMP_METER_CONFIG):
        list(groups_and_meters.reported("group", b"".join(message.body)))
