"""The controller's own frames: one that has come through a tunnel shows that the path from its sender works.

An instance cannot make one (``flows/pipeline/tables/from_tunnel.py``). Whoever is in the underlay could, so each
carries a number that only this process knows; it also tells the frames of a controller that has ended from our own.
"""

import os
import struct

from controller.reconcile.packetin.handling import LeftOut, Packet, Probed
from flows.openflow.fields import ETH_TYPE_EXPERIMENTAL
from flows.pipeline.tables.from_tunnel import KEEPALIVE_MAC, PROBE_MAC

_SECRET = os.urandom(8)
_HEADER = struct.Struct("!6s6sHQ8s?")
"""Receiver and sender MAC, EtherType, the sender's datapath id, the secret, and whether the frame is of full size."""
_SMALLEST = 60
"""Bytes of the smallest Ethernet frame without its checksum (IEEE 802.3)."""


def probe(sender: int, size: int = 0) -> bytes:
    """A frame that the receiver passes up. ``size``: bytes of a full-size frame; 0: as small as can be."""
    return _frame(PROBE_MAC, sender, size)


def keepalive(sender: int) -> bytes:
    """A small frame that the receiver drops."""
    return _frame(KEEPALIVE_MAC, sender, 0)


def handle(packet: Packet) -> Probed | LeftOut:
    """Decode a frame that came through a tunnel."""
    return read(packet.frame) or LeftOut("this controller did not send it", is_missed=False)


def read(frame: bytes) -> Probed | None:
    """Decode a frame, which may be cut short; None when this process did not make it."""
    if len(frame) < _HEADER.size:
        return None
    _, _, ethertype, sender, secret, is_full = _HEADER.unpack_from(frame)
    if ethertype != ETH_TYPE_EXPERIMENTAL or secret != _SECRET:
        return None
    return Probed(sender, is_full)


def _frame(receiver: str, sender: int, size: int) -> bytes:
    mac = bytes.fromhex(receiver.replace(":", ""))
    header = _HEADER.pack(mac, mac, ETH_TYPE_EXPERIMENTAL, sender, _SECRET, size > 0)
    return header.ljust(max(_SMALLEST, size), b"\0")
