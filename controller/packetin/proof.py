"""A frame of the controller's own has come through a tunnel: the way from its sender to this switch works."""

from flows.fields import ETH_TYPE_EXPERIMENTAL

_HEADER = 14


def sender(frame: bytes) -> int | None:
    """The datapath id of the switch that sent a proof; None for any other frame."""
    if len(frame) < _HEADER + 8 or int.from_bytes(frame[12:14]) != ETH_TYPE_EXPERIMENTAL:
        return None
    return int.from_bytes(frame[_HEADER : _HEADER + 8])
