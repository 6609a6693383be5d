"""The headers of Ethernet and IPv4 in a frame that somebody else made: nothing in it can be relied on."""

import struct
from dataclasses import dataclass

from flows.openflow.fields import ETH_TYPE_IPV4

ETHERNET = struct.Struct("!6s6sH")
IPV4 = struct.Struct("!BBHHHBBH4s4s")
OFFSET = 0x1FFF
"""The bits that tell where a fragment lies in its datagram (RFC 791)."""


@dataclass(frozen=True, slots=True)
class Ipv4Header:
    """The header of a datagram. Its size is right; all else is as the sender wrote it."""

    size: int
    """Bytes, with options."""
    total: int
    """Bytes of the datagram."""
    fragment: int
    protocol: int
    source: bytes
    target: bytes

    @property
    def is_later_fragment(self) -> bool:
        """Whether it is no first fragment: it has no ports."""
        return bool(self.fragment & OFFSET)


def header_of(frame: bytes) -> Ipv4Header | None:
    """The IPv4 header of an Ethernet frame, of which there may be the beginning only; None: it has none in full."""
    if len(frame) < ETHERNET.size + IPV4.size:
        return None
    _, _, ethertype = ETHERNET.unpack_from(frame)
    version, _, total, _, fragment, _, protocol, _, source, target = IPV4.unpack_from(frame, ETHERNET.size)
    size = (version & 0xF) * 4
    if ethertype != ETH_TYPE_IPV4 or version >> 4 != 4:
        return None
    if not IPV4.size <= size <= min(total, len(frame) - ETHERNET.size):
        return None
    return Ipv4Header(size, total, fragment, protocol, source, target)
