"""The frame that one port sends to another: what a trace follows."""

import struct
from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import Literal

from flows.model import GATEWAY_MAC, AnyPort, Network, SegmentPort, SwitchPort, VpcPort
from flows.model.intervals import Intervals
from flows.model.services import PING, of_ports
from flows.openflow.fields import ETH_TYPE_IPV4, ETH_TYPE_VLAN, PROTO_ICMP
from flows.simulate.packet import Unsupported
from flows.simulate.receivers import NotSent, Receiver

_TTL = 64
_SOURCE_PORT = 49152  # the first of the dynamic ports (RFC 6335)
_PROTOCOLS = {"icmp": PROTO_ICMP, "tcp": 6, "udp": 17}
_NO_ADDRESS = IPv4Address(0)


@dataclass(frozen=True, slots=True)
class Traffic:
    """What kind of packet. ``port``: the port of TCP and UDP that a connection is for."""

    protocol: Literal["icmp", "tcp", "udp"]
    port: int = 0
    is_answer: bool = False
    """Whether it is the answer to the first packet of the connection; otherwise it is that first packet."""

    @property
    def answer(self) -> "Traffic":
        """What the receiver sends back."""
        return replace(self, is_answer=True)

    @property
    def services(self) -> Intervals:
        """What a rule of a security group must allow."""
        return PING if self.protocol == "icmp" else of_ports(_PROTOCOLS[self.protocol], self.port, self.port)

    def __str__(self) -> str:
        said = "ping" if self.protocol == "icmp" else f"{self.protocol.upper()} to port {self.port}"
        return f"answer to {said}" if self.is_answer else said


def frame_of(
    network: Network,
    source: AnyPort,
    target: Receiver,
    traffic: Traffic,
    *,
    number: int = 0,
    is_answered: bool = True,
) -> bytes:
    """The frame as the sender puts it on the wire.

    ``number``: the IP packet's identification. ``is_answered``: else the checksum of what is in the IP packet is wrong.
    Raises :class:`NotSent` when it would send none, :class:`Unsupported` when it goes through a router.
    """
    receiver_mac, tag = _reach(network, source, target)
    packet = _ipv4(source.address or _NO_ADDRESS, target.address or _NO_ADDRESS, traffic, number, is_answered)
    header = b"" if tag is None else struct.pack("!HH", ETH_TYPE_VLAN, tag)
    return _mac(receiver_mac) + _mac(source.mac_address) + header + struct.pack("!H", ETH_TYPE_IPV4) + packet


def frame_of_hop(source: AnyPort, target: AnyPort, traffic: Traffic, sender_mac: str, receiver_mac: str) -> bytes:
    """The frame in which a packet from one port to another passes a LAN, for instance from router to router."""
    packet = _ipv4(source.address or _NO_ADDRESS, target.address or _NO_ADDRESS, traffic, 0, True)
    return _mac(receiver_mac) + _mac(sender_mac) + struct.pack("!H", ETH_TYPE_IPV4) + packet


def _reach(network: Network, source: AnyPort, target: Receiver) -> tuple[str, int | None]:
    """The MAC address that the frame is for, and its VLAN tag."""
    match source, target:
        case VpcPort(), _:
            if target.address is None:
                raise NotSent(f"{target.name} has no address that a port of a VPC could send to")
            return GATEWAY_MAC, None
        case SegmentPort(), _:
            _check_same_network(source, target)
            return target.mac_address, _segment_tag(network, source, target)
        case SwitchPort(), SwitchPort():
            _check_way(network, source, target)
            return target.mac_address, _switch_tag(source, target)
        case _:
            return target.mac_address, None


def _check_same_network(source: SegmentPort, target: Receiver) -> None:
    """A sender gives what is for another network to its gateway, which is no part of a segment."""
    if source.ip is not None and target.address is not None and target.address not in source.ip.network:
        raise NotSent(f"{source.name} ({source.ip}) does not send to {target.address}: it is not in its network")


def _check_way(network: Network, source: SwitchPort, target: SwitchPort) -> None:
    if source.ip is None or target.ip is None or target.ip.ip in source.ip.network:
        return
    way = network.lans.way(source, target)
    if isinstance(way, str):
        raise NotSent(way)
    raise Unsupported(f"the way leads through {' and '.join(way)}: routers between plain switches are not simulated")


def _segment_tag(network: Network, source: SegmentPort, target: Receiver) -> int | None:
    """The tag of the first segment that both carry; of the sender's first one where there is none."""
    if source.segment is not None:
        return None
    carried = network.segments_of(source)
    if not carried:
        raise NotSent(f"{source.name} is a trunk of no segment")
    theirs = network.segments_of(target) if isinstance(target, SegmentPort) else ()
    return next((each for each in carried if each in theirs), carried[0]).vlan or None


def _switch_tag(source: SwitchPort, target: SwitchPort) -> int | None:
    if source.trunk is None:
        return None
    theirs = (target.vlan,) if target.trunk is None else target.trunk
    carried = source.trunk or theirs or (0,)
    return next((vlan for vlan in carried if not theirs or vlan in theirs), carried[0]) or None


def _ipv4(source: IPv4Address, target: IPv4Address, traffic: Traffic, number: int, is_answered: bool) -> bytes:
    """An IPv4 packet with right checksums (RFC 791, 792, 768, 9293)."""
    ports = (traffic.port, _SOURCE_PORT) if traffic.is_answer else (_SOURCE_PORT, traffic.port)
    match traffic.protocol:
        case "icmp":  # echo, echo reply
            body, at = struct.pack("!BBHHH", 0 if traffic.is_answer else 8, 0, 0, 1, 1), 2
        case "udp":
            body, at = struct.pack("!HHHH", *ports, 8, 0), 6
        case "tcp":  # SYN, SYN and ACK
            flags, acked = (0x12, 2) if traffic.is_answer else (0x02, 0)
            body, at = struct.pack("!HHIIBBHHH", *ports, 1, acked, 5 << 4, flags, 64240, 0, 0), 16
    proto = _PROTOCOLS[traffic.protocol]
    pseudo = b"" if proto == PROTO_ICMP else source.packed + target.packed + struct.pack("!HH", proto, len(body))
    body = _checked(body, at, pseudo)
    if not is_answered:
        body = body[:at] + bytes([body[at] ^ 0x55, body[at + 1]]) + body[at + 2 :]
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), number, 0x4000, _TTL, proto, 0)
    return _checked(header + source.packed + target.packed, 10) + body


def _checked(data: bytes, at: int, before: bytes = b"") -> bytes:
    """The data with its checksum in place (RFC 1071); ``before`` counts too, but is not part of it."""
    summed = before + data + b"\0" * (len(data) % 2)
    total = sum(struct.unpack(f"!{len(summed) // 2}H", summed))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return data[:at] + struct.pack("!H", ~total & 0xFFFF) + data[at + 2 :]


def _mac(text: str) -> bytes:
    return bytes.fromhex(text.replace(":", ""))
