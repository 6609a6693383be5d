"""A packet as a switch sees it: a value of named fields, and what matches and actions do to it.

No frame is parsed here: :mod:`flows.simulate.extract` does that. A packet holds every field that a match or an action
of ours may name, registers and tunnel included; what it lacks has the value 0, as in Open vSwitch. A case that is not
modelled raises :class:`Unsupported`.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from flows.openflow import fields
from flows.openflow.actions import Term
from flows.openflow.fields import (
    ARP_OP,
    ARP_SHA,
    ARP_SPA,
    ARP_THA,
    ARP_TPA,
    ETH_TYPE,
    ETH_TYPE_ARP,
    ETH_TYPE_IPV4,
    ETH_TYPE_IPV6,
    IP_DSCP,
    IP_DST,
    IP_FRAG,
    IP_PROTO,
    IP_SRC,
    IP_TTL,
    PROTO_UDP,
    UDP_DST,
    UDP_SRC,
    VLAN,
    VLAN_PRESENT,
    VLAN_PRESENT_AND_ID,
    VLAN_TCI,
    Field,
    show,
)
from flows.pipeline import registers

INNER_TCI = Field("inner_tci", 16, "hex")
"""The 802.1Q header below the outermost one, of those that the switch has parsed or pushed. No match sees it."""

ICMP_ID = Field("icmp_id", 16)
"""An echo's identifier, by which connection tracking tells connections. No match sees it; nor what follows."""
QUOTED = (
    Field("quoted_proto", 8),
    Field("quoted_src", 32, "ipv4"),
    Field("quoted_dst", 32, "ipv4"),
    Field("quoted_tp_src", 16),
    Field("quoted_tp_dst", 16),
    Field("quoted_type", 8),
    Field("quoted_code", 8),
)
"""The packet that an ICMP error tells of: protocol, addresses, ports (or an echo's identifier, twice), type, code."""

BARE_LENGTH = Field("bare_length", 16)
"""Bytes of the frame without the 802.1Q headers that the switch has parsed or pushed; 0: nobody knows."""

_UNSEEN = frozenset({ICMP_ID.name, BARE_LENGTH.name, *(each.name for each in QUOTED)})

_LAYER_4 = (fields.ICMP_TYPE, fields.ICMP_CODE, fields.TCP_SRC, fields.TCP_DST)
"""What a lookup does not see of a fragment; TCP's flags it does."""

_OF_PORTS = frozenset({fields.TCP_SRC.name, fields.TCP_DST.name, fields.TCP_FLAGS.name})
"""The fields of TCP; those of UDP have the same names."""

FRAG_FIRST, FRAG_LATER = 1, 3
"""``IP_FRAG`` of a first fragment, and of a later one (ovs-fields(7), "any" and "later")."""

_VLAN_HEADER = 4
"""Bytes of an 802.1Q header."""
_VLAN_ID = VLAN_PRESENT_AND_ID & ~VLAN_PRESENT

_MODELLED: Mapping[str, Field] = {
    item.name: item
    for item in (*fields.DECLARED, *registers.ALL.values(), INNER_TCI, ICMP_ID, BARE_LENGTH, *QUOTED)
    if item is not VLAN and not fields.is_of_ipv6(item)
}


class Unsupported(Exception):  # noqa: N818 - names what is not supported, as a sentence
    """The simulation does not know what Open vSwitch would do."""


@dataclass(frozen=True, slots=True)
class Packet:
    """One packet inside a switch. ``values``: its fields by name; without one a field is 0."""

    values: Mapping[str, int]

    def __getitem__(self, field: Field) -> int:
        if field is VLAN:
            return self.values.get("vlan_tci", 0) & _VLAN_ID
        return self.values.get(field.name, 0)

    def having(self, *changes: tuple[Field, int]) -> "Packet":
        """The same packet with other values."""
        return Packet({**self.values, **{field.name: value for field, value in changes}})

    def __str__(self) -> str:
        shown = (name for name, value in self.values.items() if value and name not in _UNSEEN)
        # ofproto/trace takes tp_src for TCP's, whatever the protocol.
        ports = {field.name: field.wire_name for field in (UDP_SRC, UDP_DST)} if self[IP_PROTO] == PROTO_UDP else {}
        return ",".join(f"{ports.get(name, name)}={show(_MODELLED[name], self.values[name])}" for name in shown)


@dataclass(frozen=True, slots=True)
class Pattern:
    """Bits of a field that must have a value: one part of a match."""

    field: Field
    value: int
    mask: int

    def __post_init__(self) -> None:
        if _MODELLED.get(self.field.name) is None or fields.is_of_ipv6(self.field):
            raise Unsupported(f"a match of {self.field} is not simulated")


def pattern(term: Term) -> Pattern:
    """The pattern that a term matches."""
    if term.field is VLAN:  # also says that there is a header
        if term.mask is not None:
            raise Unsupported("a match of some bits of dl_vlan is not simulated")
        return Pattern(VLAN_TCI, VLAN_PRESENT | term.value, VLAN_PRESENT_AND_ID)
    mask = (1 << term.field.bits) - 1 if term.mask is None else term.mask
    return Pattern(term.field, term.value & mask, mask)


def as_looked_up(packet: Packet) -> Packet:
    """What a lookup sees: of a fragment, no ports and no ICMP type (OpenFlow's OFPC_FRAG_NORMAL)."""
    if packet[IP_FRAG]:
        return packet.having(*((field, 0) for field in _LAYER_4))
    return packet


def length(packet: Packet) -> int:
    """Bytes of the frame, its Ethernet header and tags counted."""
    if not packet[BARE_LENGTH]:
        raise Unsupported("the length of a packet that came in no frame is not known")
    return packet[BARE_LENGTH] + sum(_VLAN_HEADER for tag in (VLAN_TCI, INNER_TCI) if packet[tag])


def push_vlan(packet: Packet) -> Packet:
    """The packet with one more 802.1Q header, of VLAN 0."""
    if packet[INNER_TCI]:
        raise Unsupported("a third VLAN tag is not simulated")
    return packet.having((INNER_TCI, packet[VLAN_TCI]), (VLAN_TCI, VLAN_PRESENT))


def pop_vlan(packet: Packet) -> Packet:
    """The packet without its outermost 802.1Q header."""
    return packet.having((VLAN_TCI, packet[INNER_TCI]), (INNER_TCI, 0))


def ttl_is_spent(packet: Packet) -> bool:
    """Whether the time to live is too small to decrement. Then Open vSwitch sends the packet to the controller and
    stops.
    """
    if packet[ETH_TYPE] == ETH_TYPE_IPV6:
        raise Unsupported("the hop limit of IPv6 is not simulated")
    return has(packet, IP_TTL) and packet[IP_TTL] <= 1


def as_written(before: Packet, packet: Packet) -> Packet:
    """The packet as its frame is written; ``before``: as the frame was. Open vSwitch does not write an IP header of
    protocol 0 or an ARP of operation 0: these mark what it could not read.
    """
    kept: tuple[Field, ...] = ()
    if packet[ETH_TYPE] == ETH_TYPE_IPV4 and not packet[IP_PROTO]:
        kept = (IP_SRC, IP_DST, IP_TTL, IP_DSCP)
    elif packet[ETH_TYPE] == ETH_TYPE_ARP and not packet[ARP_OP]:
        kept = (ARP_OP, ARP_SPA, ARP_TPA, ARP_SHA, ARP_THA)
    return packet.having(*((field, before[field]) for field in kept)) if kept else packet


def put(packet: Packet, field: Field, value: int) -> Packet:
    """The packet with another value in a field. A field that it does not have is left alone."""
    if field is VLAN:
        tci = packet[VLAN_TCI]
        return packet.having((VLAN_TCI, tci & ~_VLAN_ID | value)) if tci else packet
    if field.name not in _MODELLED or field in (VLAN_TCI, INNER_TCI, ETH_TYPE, IP_FRAG):
        raise Unsupported(f"setting {field} is not simulated")
    return packet.having((field, value)) if has(packet, field) else packet


def load(packet: Packet, field: Field, value: int) -> Packet:
    """The packet after a learned flow has loaded a field. The bits of a VLAN tag count even without a tag."""
    if field is VLAN_TCI and value == 0:  # takes every tag away that the switch knows of (ADR 10)
        return packet.having((VLAN_TCI, 0), (INNER_TCI, 0))
    if field is VLAN and not packet[VLAN_TCI]:
        raise Unsupported("a learned VLAN for a frame without a tag is not simulated")
    return put(packet, field, value)


def has(packet: Packet, field: Field) -> bool:
    """Whether the packet has a field: what ovs-fields(7) calls its prerequisites. A later fragment has no ports."""
    if packet[IP_FRAG] == FRAG_LATER and field.name in _OF_PORTS:
        return False
    return all(packet[n.field] & (n.field.everything if n.mask is None else n.mask) == n.value for n in field.needs)
