"""The fields of packets and switches that rules match and set: names and widths as in ovs-fields(7)."""

from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address
from typing import Literal

Kind = Literal["number", "hex", "ipv4", "ipv6", "mac", "flags"]


@dataclass(frozen=True, slots=True)
class Prerequisite:
    """A value that a packet must have for another field to exist in it, and that a match of that field must name."""

    field: "Field"
    value: int
    mask: int | None = None
    """The bits that count; None: all of them; 0: none, but a match must name some value."""

    def __str__(self) -> str:
        if self.mask == 0:
            return f"{self.field}"
        return f"{self.field}={self.value:#x}" + ("" if self.mask is None else f"/{self.mask:#x}")


@dataclass(frozen=True, slots=True)
class Field:
    """One field. Registers are fields too; they are laid out in :mod:`flows.pipeline.registers`."""

    name: str
    """As ``ovs-ofctl`` prints it in a match."""
    bits: int
    kind: Kind = "number"
    oxm: str = ""
    """As OpenFlow's extensible match names it, where that differs from ``name``."""
    nxm: str = ""
    """As ovs-actions(7) names it where bits can be chosen, where that is not ``NXM_NX_`` and ``name``."""
    set_name: str = ""
    """As ``set_field`` names it, where that differs from ``name``."""
    needs: tuple[Prerequisite, ...] = ()
    """What a match must also contain for this field to exist in the packet."""
    flags: tuple[str, ...] = ()
    """The names of its bits, the lowest first."""

    @property
    def wire_name(self) -> str:
        """The name in OpenFlow's extensible match."""
        return self.oxm or self.name

    @property
    def everything(self) -> int:
        """A value with all its bits set."""
        return (1 << self.bits) - 1

    def __repr__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class Bits:
    """Some neighbouring bits of a field, with a meaning of their own.

    They are declared in :mod:`flows.pipeline.registers`.
    """

    field: Field
    first: int
    """The lowest one, counted from 0."""
    width: int

    @property
    def mask(self) -> int:
        """These bits of the field, set."""
        return ((1 << self.width) - 1) << self.first

    def __str__(self) -> str:
        end = f"..{self.first + self.width - 1}" if self.width > 1 else ""
        return f"{nxm(self.field)[:-2]}[{self.first}{end}]"


def bits_of(field: Field | Bits) -> Bits:
    """All bits of a field, or these."""
    return field if isinstance(field, Bits) else Bits(field, 0, field.bits)


def Bit(field: Field, number: int) -> Bits:  # noqa: N802 - stands for a value, as Bits does
    """One bit of a field, counted from the lowest."""
    return Bits(field, number, 1)


ETH_TYPE_IPV4 = 0x0800
ETH_TYPE_ARP = 0x0806
ETH_TYPE_VLAN = 0x8100
ETH_TYPE_IPV6 = 0x86DD
ETH_TYPE_EXPERIMENTAL = 0x88B5
"""IEEE 802 local experimental EtherType 1: our own frames between hosts."""
PROTO_ICMP, PROTO_TCP, PROTO_UDP, PROTO_ICMPV6 = 1, 6, 17, 58

# In the order in which Open vSwitch 3.1 reports them in a match (nx_put_raw of its lib/nx-match.c); registers come
# between the tunnel's fields and those of connection tracking.
IN_PORT = Field("in_port", 16, nxm="NXM_OF_IN_PORT")
ETH_SRC = Field("dl_src", 48, "mac", "eth_src", "NXM_OF_ETH_SRC", "eth_src")
ETH_DST = Field("dl_dst", 48, "mac", "eth_dst", "NXM_OF_ETH_DST", "eth_dst")
VLAN = Field("dl_vlan", 12, oxm="vlan_vid")
"""The VLAN of the outermost 802.1Q header. Matched: only frames with a header have one."""
VLAN_TCI = Field("vlan_tci", 16, "hex", "vlan_vid", "NXM_OF_VLAN_TCI")
"""The outermost 802.1Q header: priority, the bit that says that there is one, VLAN; 0 without a header."""
ETH_TYPE = Field("dl_type", 16, "hex", "eth_type")

_IPV4 = (Prerequisite(ETH_TYPE, ETH_TYPE_IPV4),)
_IPV6 = (Prerequisite(ETH_TYPE, ETH_TYPE_IPV6),)
_ARP = (Prerequisite(ETH_TYPE, ETH_TYPE_ARP),)

IP_SRC = Field("nw_src", 32, "ipv4", "ipv4_src", "NXM_OF_IP_SRC", "ip_src", _IPV4)
IP_DST = Field("nw_dst", 32, "ipv4", "ipv4_dst", "NXM_OF_IP_DST", "ip_dst", _IPV4)
IPV6_SRC = Field("ipv6_src", 128, "ipv6", needs=_IPV6)
IPV6_DST = Field("ipv6_dst", 128, "ipv6", needs=_IPV6)
IP_FRAG = Field("nw_frag", 8, oxm="ip_frag", needs=_IPV4)
"""0: not a fragment; 1: the first; 3: a later one."""
FIRST_FRAGMENT, LATER_FRAGMENT = 1, 3
FRAGMENTS = {0: "no", FIRST_FRAGMENT: "first", LATER_FRAGMENT: "later"}
"""What Open vSwitch calls the values of ``IP_FRAG`` (ovs-fields(7))."""
IP_DSCP = Field("ip_dscp", 6, needs=_IPV4)
"""The class of service (RFC 2474)."""
IP_TTL = Field("nw_ttl", 8, needs=_IPV4)
IP_PROTO = Field("nw_proto", 8, oxm="ip_proto", needs=_IPV4)
IPV6_PROTO = Field("nw_proto", 8, oxm="ip_proto", needs=_IPV6)

_TCP = (*_IPV4, Prerequisite(IP_PROTO, PROTO_TCP))
_UDP = (*_IPV4, Prerequisite(IP_PROTO, PROTO_UDP))
_ICMP = (*_IPV4, Prerequisite(IP_PROTO, PROTO_ICMP))
_ICMPV6 = (*_IPV6, Prerequisite(IPV6_PROTO, PROTO_ICMPV6))

TCP_SRC = Field("tp_src", 16, oxm="tcp_src", nxm="NXM_OF_TCP_SRC", set_name="tcp_src", needs=_TCP)
TCP_DST = Field("tp_dst", 16, oxm="tcp_dst", nxm="NXM_OF_TCP_DST", set_name="tcp_dst", needs=_TCP)
TCP_FLAGS = Field(
    "tcp_flags", 12, "flags", needs=_TCP, flags=("fin", "syn", "rst", "psh", "ack", "urg", "ece", "cwr", "ns")
)
UDP_SRC = Field("tp_src", 16, oxm="udp_src", nxm="NXM_OF_UDP_SRC", set_name="udp_src", needs=_UDP)
UDP_DST = Field("tp_dst", 16, oxm="udp_dst", nxm="NXM_OF_UDP_DST", set_name="udp_dst", needs=_UDP)
ICMP_TYPE = Field("icmp_type", 8, oxm="icmpv4_type", needs=_ICMP)
ICMP_CODE = Field("icmp_code", 8, oxm="icmpv4_code", needs=_ICMP)
ICMPV6_TYPE = Field("icmp_type", 8, oxm="icmpv6_type", set_name="icmpv6_type", needs=_ICMPV6)
ICMPV6_CODE = Field("icmp_code", 8, oxm="icmpv6_code", set_name="icmpv6_code", needs=_ICMPV6)

ND_TARGET = Field("nd_target", 128, "ipv6", "ipv6_nd_target", needs=_ICMPV6)
"""The address that neighbour discovery is about (RFC 4861): of ICMPv6 types 135 and 136 only."""

ARP_OP = Field("arp_op", 16, needs=_ARP)
ARP_SPA = Field("arp_spa", 32, "ipv4", nxm="NXM_OF_ARP_SPA", needs=_ARP)
ARP_TPA = Field("arp_tpa", 32, "ipv4", nxm="NXM_OF_ARP_TPA", needs=_ARP)
ARP_SHA = Field("arp_sha", 48, "mac", needs=_ARP)
ARP_THA = Field("arp_tha", 48, "mac", needs=_ARP)

TUN_ID = Field("tun_id", 64, "hex", "tunnel_id")
TUN_SRC = Field("tun_src", 32, "ipv4", "tun_ipv4_src", "NXM_NX_TUN_IPV4_SRC")
TUN_DST = Field("tun_dst", 32, "ipv4", "tun_ipv4_dst", "NXM_NX_TUN_IPV4_DST")

CT_STATE = Field("ct_state", 32, "flags", flags=("new", "est", "rel", "rpl", "inv", "trk", "snat", "dnat"))
"""What connection tracking knows of the packet (ovs-fields(7)). 0: it was not asked."""
NEW, ESTABLISHED, RELATED, REPLY, INVALID, TRACKED, SNAT, DNAT = (1 << bit for bit in range(8))
"""The bits of ``CT_STATE``."""
CT_ZONE = Field("ct_zone", 16, "hex")
CT_MARK = Field("ct_mark", 32, "hex")
CT_LABEL = Field("ct_label", 128, "hex")

_TUPLE = (Prerequisite(CT_STATE, TRACKED, TRACKED | INVALID),)
CT_IP_SRC = Field("ct_nw_src", 32, "ipv4", needs=_TUPLE)
"""The connection as its first packet named it: addresses, protocol and ports, in whatever direction a packet goes."""
CT_IP_DST = Field("ct_nw_dst", 32, "ipv4", needs=_TUPLE)
CT_IPV6_SRC = Field("ct_ipv6_src", 128, "ipv6", needs=_TUPLE)
CT_IPV6_DST = Field("ct_ipv6_dst", 128, "ipv6", needs=_TUPLE)
CT_IP_PROTO = Field("ct_nw_proto", 8, needs=_TUPLE)
CT_TP_SRC = Field("ct_tp_src", 16, needs=(*_TUPLE, Prerequisite(CT_IP_PROTO, 0, 0)))
CT_TP_DST = Field("ct_tp_dst", 16, needs=(*_TUPLE, Prerequisite(CT_IP_PROTO, 0, 0)))
"""Open vSwitch 3.1 reports no match of these two without one of the protocol."""

DECLARED = tuple(item for item in list(vars().values()) if isinstance(item, Field))
"""Every field but registers, in this order."""

VLAN_PRESENT = 0x1000
"""The bit of ``VLAN_TCI`` that Open vSwitch keeps set while there is a header (ovs-fields(7))."""
VLAN_PRESENT_AND_ID = 0x1FFF
ETH_MULTICAST = 1 << 40
"""The bit of a MAC address that makes it a group's (IEEE 802, I/G)."""


def is_of_ipv6(field: Field) -> bool:
    """Whether only packets of IPv6 have it."""
    return field.kind == "ipv6" or any(needed.value == ETH_TYPE_IPV6 for needed in field.needs)


def show(field: Field, value: int) -> str:
    """A field's value as ``ovs-ofctl`` prints it."""
    match field.kind:
        case "ipv4":
            return str(IPv4Address(value))
        case "ipv6":
            return str(IPv6Address(value))
        case "mac":
            return ":".join(f"{byte:02x}" for byte in value.to_bytes(6))
        case "hex" | "flags":
            return f"{value:#x}" if value else "0"
        case "number":
            return str(value)


def nxm(field: Field | Bits) -> str:
    """A field, or some bits of it, as ovs-actions(7) names it where bits can be chosen."""
    if isinstance(field, Bits):
        return str(field)
    if field is VLAN:
        return f"NXM_OF_VLAN_TCI[0..{VLAN.bits - 1}]"
    return f"{field.nxm or f'NXM_NX_{field.name.upper()}'}[]"
