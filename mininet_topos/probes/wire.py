"""Whole frames, as they are on the wire: sent and received by packet sockets, with every VLAN tag."""

import socket
import struct
from dataclasses import dataclass

ETH_P_ALL = 3
_SOL_PACKET, _PACKET_AUXDATA = 263, 8
_AUXDATA = struct.Struct("=IIIHHHH")
"""struct tpacket_auxdata: status, length, length kept, two offsets, the tag and its EtherType."""
_TAG_VALID, _TPID_VALID = 0x10, 0x40
_DOT1Q = 0x8100
_ADDRESSES = 12
"""Bytes before the EtherType: two MAC addresses."""
_LONGEST = 65535


@dataclass(frozen=True, slots=True)
class Frame:
    """A frame that passed an interface. ``is_outgoing``: it left by it."""

    data: bytes
    is_outgoing: bool


def listen(interface: str) -> socket.socket:
    """A socket that receives whatever passes an interface of this namespace, and sends by it."""
    packets = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETH_P_ALL))
    packets.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 22)
    packets.setsockopt(_SOL_PACKET, _PACKET_AUXDATA, 1)
    packets.bind((interface, ETH_P_ALL))
    return packets


def receive(packets: socket.socket) -> Frame:
    """The next frame. The kernel takes its outer VLAN tag out and hands it over separately; it is put back."""
    data, ancillary, _, (_, _, kind, _, _) = packets.recvmsg(_LONGEST, socket.CMSG_SPACE(_AUXDATA.size))
    for level, name, value in ancillary:
        if (level, name) == (_SOL_PACKET, _PACKET_AUXDATA):
            status, _, _, _, _, tag, ethertype = _AUXDATA.unpack(value[: _AUXDATA.size])
            if status & _TAG_VALID:
                tpid = ethertype if status & _TPID_VALID else _DOT1Q
                data = data[:_ADDRESSES] + struct.pack("!HH", tpid, tag) + data[_ADDRESSES:]
    return Frame(data, kind == socket.PACKET_OUTGOING)
