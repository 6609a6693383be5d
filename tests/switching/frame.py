"""Ethernet frames as values, and VXLAN around them: as much as tests of switching need."""

import struct
from dataclasses import dataclass, field
from ipaddress import IPv4Address

BROADCAST = 0xFFFFFFFFFFFF
_TAG, _TYPE = 0x8100, 0x88B6  # IEEE 802.1Q; local experimental EtherType 2
_VXLAN_PORT = 4789


@dataclass(frozen=True, slots=True)
class Tag:
    """An IEEE 802.1Q header."""

    vlan: int
    priority: int = 0


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame; the first tag is the outermost. Addresses are numbers."""

    src: int
    dst: int
    tags: tuple[Tag, ...] = ()
    number: int = field(default=0)
    """Tells it from other frames."""

    def encode(self) -> bytes:
        tags = b"".join(struct.pack("!HH", _TAG, tag.priority << 13 | tag.vlan) for tag in self.tags)
        return self.dst.to_bytes(6) + self.src.to_bytes(6) + tags + struct.pack("!HQ", _TYPE, self.number) + bytes(38)

    @staticmethod
    def decode(data: bytes) -> "Frame":
        dst, src, rest = int.from_bytes(data[:6]), int.from_bytes(data[6:12]), data[12:]
        tags: list[Tag] = []
        while struct.unpack_from("!H", rest)[0] == _TAG:
            (tci,) = struct.unpack_from("!H", rest, 2)
            tags.append(Tag(tci & 0xFFF, tci >> 13))
            rest = rest[4:]
        assert struct.unpack_from("!H", rest)[0] == _TYPE, rest.hex()
        return Frame(src, dst, tuple(tags), struct.unpack_from("!Q", rest, 2)[0])


def encapsulate(frame: bytes, key: int, source: IPv4Address, to: IPv4Address, to_mac: bytes) -> bytes:
    """A frame inside VXLAN, inside UDP, inside IPv4, inside Ethernet (RFC 7348)."""
    inside = struct.pack("!II", 1 << 27, key << 8) + frame
    udp = struct.pack("!HHHH", 49152, _VXLAN_PORT, 8 + len(inside), 0) + inside
    header = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0) + source.packed + to.packed
    header = header[:10] + struct.pack("!H", _checksum(header)) + header[12:]
    return to_mac + bytes.fromhex("020000000001") + b"\x08\x00" + header + udp


def decapsulate(packet: bytes) -> tuple[IPv4Address, int, bytes]:
    """Whom an encapsulated frame is for, its key, and the frame."""
    assert packet[12:14] == b"\x08\x00", packet.hex()
    (key,) = struct.unpack_from("!I", packet, 14 + 20 + 8 + 4)
    return IPv4Address(packet[30:34]), key >> 8, packet[14 + 20 + 8 + 8 :]


def _checksum(header: bytes) -> int:
    total: int = sum(struct.unpack("!10H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF
