"""The TTL of a packet is used up at its gateway: the sender is told so, by ICMP "time exceeded" (RFC 792, RFC 1812).

That is what ``traceroute`` goes by. The answer comes from the gateway of the sender's subnet, which the rule names.
There is no answer to what RFC 1812, 4.3.2.7 forbids to answer: ICMP errors, what is for a group, later fragments,
senders that are no single machine; nor to packets that a router has to drop anyway (5.2.2).
"""

import struct
from ipaddress import IPv4Address

from controller.reconcile.packetin.handling import Answer, LeftOut, Packet
from controller.reconcile.packetin.ipv4 import ETHERNET, IPV4, Ipv4Header, header_of
from flows.model import GATEWAY_MAC
from flows.openflow.fields import ETH_TYPE_IPV4, PROTO_ICMP
from flows.pipeline.tables.gateway import FRESH_TTL, ICMP_QUOTED

_ICMP = struct.Struct("!BBHI")
_NO_OPTIONS = 0x45
_CONTROL = 0xC0
"""Precedence of network control: errors are not queued behind what may have caused them (RFC 1812, 4.3.2.5)."""
_DONT_FRAGMENT = 0x4000
_TIME_EXCEEDED, _IN_TRANSIT = 11, 0
_QUERIES = {0, 8, 9, 10, 13, 14, 15, 16, 17, 18}
"""Types of ICMP that are no errors (RFC 792, 950, 1256)."""
_MAC = bytes.fromhex(GATEWAY_MAC.replace(":", ""))

_BROKEN = LeftOut("its IPv4 header is broken")
_TO_MANY = LeftOut("it is for a group or for everybody")
_NOT_ITS = LeftOut("its port is another's by now")
_FROM_NOBODY = LeftOut("its sender is no single machine")
_FRAGMENT = LeftOut("it is a later fragment")
_AN_ERROR = LeftOut("it is an ICMP error itself, or may be one")


def handle(packet: Packet) -> Answer | LeftOut:
    """Time exceeded, or why there is no answer."""
    gateway = packet.values["gateway"]
    assert isinstance(gateway, IPv4Address)
    own = bytes.fromhex(str(packet.values["mac"]).replace(":", ""))
    if len(packet.frame) < ETHERNET.size + IPV4.size:
        return _BROKEN
    receiver, sender, _ = ETHERNET.unpack_from(packet.frame)
    datagram = packet.frame[ETHERNET.size : ICMP_QUOTED]
    if receiver[0] & 1:
        return _TO_MANY
    if sender != own:
        return _NOT_ITS
    asked = header_of(packet.frame)
    if asked is None or asked.total > packet.length - ETHERNET.size:
        return _BROKEN
    fault = _fault(asked, datagram)
    if fault is not None:
        return fault
    icmp = _checked(_ICMP.pack(_TIME_EXCEEDED, _IN_TRANSIT, 0, 0) + datagram[: asked.total], 2)
    size = IPV4.size + len(icmp)
    header = (_NO_OPTIONS, _CONTROL, size, 0, _DONT_FRAGMENT, FRESH_TTL, PROTO_ICMP, 0, gateway.packed, asked.source)
    return Answer(ETHERNET.pack(sender, _MAC, ETH_TYPE_IPV4) + _checked(IPV4.pack(*header), 10) + icmp)


def _fault(asked: Ipv4Header, datagram: bytes) -> LeftOut | None:
    """Why a datagram gets no answer; None: it gets one."""
    size = asked.size
    if _sum(datagram[:size]) != 0xFFFF:
        return _BROKEN
    if _is_special(asked.target):
        return _TO_MANY
    if _is_special(asked.source):
        return _FROM_NOBODY
    if asked.is_later_fragment:
        return _FRAGMENT
    is_icmp = asked.protocol == PROTO_ICMP
    if is_icmp and (asked.total == size or len(datagram) == size or datagram[size] not in _QUERIES):
        return _AN_ERROR
    return None


def _is_special(packed: bytes) -> bool:
    """Whether an address is none of a single machine: a group's, everybody's, this network's, the loopback's."""
    return packed[0] >= 224 or packed[0] in (0, 127)


def _checked(data: bytes, at: int) -> bytes:
    """With the Internet checksum at this place, which is 0 before (RFC 1071)."""
    return data[:at] + struct.pack("!H", 0xFFFF - _sum(data)) + data[at + 2 :]


def _sum(data: bytes) -> int:
    """The one's complement sum of 16-bit words."""
    total: int = sum(struct.unpack(f"!{(len(data) + 1) // 2}H", data + bytes(len(data) % 2)))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total
