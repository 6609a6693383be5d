"""Which subsystems of the kernel answer to generic netlink (Linux, include/uapi/linux/genetlink.h)."""

import socket
import struct
from collections.abc import Iterator

_GENERIC = 16
"""NETLINK_GENERIC"""
_CONTROLLER = 16
"""GENL_ID_CTRL"""
_GET_FAMILY = 3
_FAMILY_NAME = 2
_DUMP = 0x301
"""NLM_F_REQUEST | NLM_F_DUMP"""
_NOTHING_MORE = (2, 3)
"""NLMSG_ERROR, NLMSG_DONE"""

_HEADER = struct.Struct("=IHHII")
_COMMAND = struct.Struct("=BBH")
_ATTRIBUTE = struct.Struct("=HH")


def families() -> frozenset[str]:
    """The names of those that are there now. Unlike a question after one name, this loads no module."""
    size = _HEADER.size + _COMMAND.size
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, _GENERIC) as kernel:
        kernel.send(_HEADER.pack(size, _CONTROLLER, _DUMP, 1, 0) + _COMMAND.pack(_GET_FAMILY, 1, 0))
        return frozenset(name for family in _answers(kernel) for name in _names(family[size:]))


def _answers(kernel: socket.socket) -> Iterator[bytes]:
    """One message for each family; several of them come at once."""
    while True:
        rest = kernel.recv(1 << 16)
        while rest:
            size, kind, *_ = _HEADER.unpack_from(rest)
            if kind in _NOTHING_MORE:
                return
            yield rest[:size]
            rest = rest[_aligned(size) :]


def _names(attributes: bytes) -> Iterator[str]:
    while attributes:
        size, kind = _ATTRIBUTE.unpack_from(attributes)
        if kind == _FAMILY_NAME:
            yield attributes[_ATTRIBUTE.size : size].rstrip(b"\0").decode()
        attributes = attributes[_aligned(size) :]


def _aligned(size: int) -> int:
    return (size + 3) & ~3
