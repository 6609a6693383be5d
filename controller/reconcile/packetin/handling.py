"""What handlers of packets are given, and what they decide. A handler is pure: it has no clock, no state, no I/O."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address

from flows.pipeline.templates import Value


@dataclass(frozen=True, slots=True)
class Packet:
    """A packet that a rule sent to the controller. Instances make such packets: nothing of it can be relied on."""

    frame: bytes
    """Its beginning, from the Ethernet header on."""
    length: int
    """Bytes of all of it."""
    values: Mapping[str, Value]
    """What the rule was applied to: its parameters."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A frame that is sent out of the port by which the packet came."""

    frame: bytes


@dataclass(frozen=True, slots=True)
class Probed:
    """A tunnel probe came through."""

    sender: int
    """The datapath id of the switch that sent it."""
    is_full: bool
    """Whether it was as large as the underlay's MTU allows."""


@dataclass(frozen=True, slots=True)
class ShownUp:
    """A port is on the host that it was announced to move to."""

    port: str


@dataclass(frozen=True, slots=True)
class RefusedPacket:
    """Security groups refused a packet, and that is to be logged."""

    port: str
    """Whose groups."""
    direction: str
    """``in``: somebody else opened the connection; ``out``: the port did."""
    groups: str
    """Those that could have allowed it, in words."""
    source: IPv4Address
    target: IPv4Address
    protocol: int
    numbers: tuple[int, int] | None
    """Source and destination port of TCP and UDP, type and code of ICMP; None: it has none."""


@dataclass(frozen=True, slots=True)
class LeftOut:
    """Nothing is done, and that is counted."""

    why: str
    """One of a few sentences: nothing of the packet itself is in it."""
    is_missed: bool = True
    """Whether somebody may wait for an answer."""


Decision = Answer | Probed | ShownUp | RefusedPacket | LeftOut
Handler = Callable[[Packet], Decision]
