"""Security groups refuse a connection, and one of them is logged: what the packet tells of it."""

from ipaddress import IPv4Address

from controller.reconcile.packetin.handling import LeftOut, Packet, RefusedPacket
from controller.reconcile.packetin.ipv4 import ETHERNET, Ipv4Header, header_of
from flows.model.services import ICMP, TCP, UDP

_BROKEN = LeftOut("its IPv4 header is broken")


def handle(packet: Packet) -> RefusedPacket | LeftOut:
    """What was refused, to whom, and by which groups."""
    header = header_of(packet.frame)
    if header is None:
        return _BROKEN
    return RefusedPacket(
        port=str(packet.values["port"]),
        direction=str(packet.values["direction"]),
        groups=str(packet.values["groups"]),
        source=IPv4Address(header.source),
        target=IPv4Address(header.target),
        protocol=header.protocol,
        numbers=_numbers(packet.frame, header),
    )


def _numbers(frame: bytes, header: Ipv4Header) -> tuple[int, int] | None:
    """Source and destination port, or type and code of ICMP."""
    if header.is_later_fragment or header.protocol not in (ICMP, TCP, UDP):
        return None
    first = ETHERNET.size + header.size
    octets = frame[first : ETHERNET.size + header.total][:4]
    if header.protocol == ICMP:
        return (octets[0], octets[1]) if len(octets) >= 2 else None
    return (int.from_bytes(octets[:2]), int.from_bytes(octets[2:])) if len(octets) == 4 else None
