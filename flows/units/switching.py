"""The units of switching (layer 2): what one switch does for a VLAN, be it a host's integration bridge or a plain
switch.

Inside the tables every frame has an 802.1Q header with the VLAN that this switch gives its segment. What it looks like
outside is a matter of the port.
"""

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import ClassVar

from flows.units.copies import Copies
from flows.units.said import Named, Why
from flows.units.unit import Unit


@dataclass(frozen=True, slots=True)
class Learning:
    """How a switch learns the MAC addresses of a segment."""

    ageing: int
    """Seconds after its last frame at which an address is forgotten; at most 65535."""
    limit: int
    """How many addresses the switch learns in the segment."""
    scope: str = ""
    """What is counted together: addresses of another scope of the same segment count anew."""


@dataclass(frozen=True, slots=True)
class Member(Unit):
    """A port that carries a VLAN: an access port, one VLAN of a trunk port, or a way to the physical network."""

    segment: Named
    """A tag that no other segment ever gets."""
    vlan: Named
    """The VLAN inside this switch; 0 is one like all others."""
    ofport: Named
    wire: int | None
    """The VLAN on the wire; None: frames are untagged there."""
    learning: Learning | None
    """None: nothing is learned from its frames."""
    origin: str
    """Whose port it is, by name. What was learned from one origin is forgotten when the port is another's."""
    why: Why


@dataclass(frozen=True, slots=True)
class TrunkAll(Unit):
    """A port that carries every VLAN under its own tag. Untagged frames are a :class:`Member`'s, if anybody's."""

    segment: Named
    ofport: Named
    learning: Learning | None
    origin: str
    why: Why


@dataclass(frozen=True, slots=True)
class TunnelSegment(Unit):
    """A segment that is on this host and comes to it by tunnel."""

    segment: Named
    vlan: Named
    key: int
    """The tunnel key: the segment's id."""
    learning: Learning | None
    why: Why


@dataclass(frozen=True, slots=True)
class RemoteMembers(Unit):
    """Another host on which a segment of this host has ports."""

    owns_flows: ClassVar[bool] = True

    segment: Named
    vlan: Named
    key: int
    """The tunnel key that both have for it."""
    host: str
    tunnel_ip: IPv4Address
    learning: Learning | None
    why: Why

    @property
    def sends_to(self) -> tuple[IPv4Address, ...]:
        return (self.tunnel_ip,)


@dataclass(frozen=True, slots=True)
class DeclaredMac(Unit):
    """A MAC address of a VLAN that is known to be behind a port of this switch."""

    owns_flows: ClassVar[bool] = True

    vlan: Named
    mac: str
    ofport: Named
    wire: int | None
    why: Why


@dataclass(frozen=True, slots=True)
class RemoteMac(Unit):
    """A MAC address of a VLAN that is known to be on another host."""

    owns_flows: ClassVar[bool] = True

    vlan: Named
    mac: str
    key: int
    host: str
    tunnel_ip: IPv4Address
    tunnel_port: Named
    why: Why


@dataclass(frozen=True, slots=True)
class LinkEnd(Unit):
    """A port of this switch, as the end of a link: whether a switch that speaks a spanning tree may be behind it."""

    ofport: Named
    expects_bpdus: bool
    why: Why


@dataclass(frozen=True, slots=True)
class SwitchGroups(Unit):
    """Frames that are for switches only may come here."""

    why: Why


@dataclass(frozen=True, slots=True)
class PassesMrp(Unit):
    """The switch passes on what is for the applications of MRP."""

    why: Why


@dataclass(frozen=True, slots=True)
class Flood(Unit):
    """Where copies of a frame go whose receiver is not known, or that is for a group."""

    vlan: Named
    copies: Copies
    why: Why


@dataclass(frozen=True, slots=True)
class FloodOthers(Unit):
    """The same for every VLAN that has no :class:`Flood`: the ports that carry whatever comes, each under its tag."""

    ports: tuple[Named, ...]
    why: Why
