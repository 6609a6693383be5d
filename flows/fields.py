"""The fields of packets and switches that rules match and set: names and widths as in ovs-fields(7)."""

from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Literal

Kind = Literal["number", "hex", "ipv4", "mac"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field. Registers are fields too; they are laid out in :mod:`flows.registers`."""

    name: str
    """As ``ovs-ofctl`` prints it in a match."""
    bits: int
    kind: Kind = "number"
    oxm: str = ""
    """As OpenFlow's extensible match (and ``set_field``) names it, where that differs from ``name``."""
    needs: tuple[tuple["Field", int], ...] = ()
    """What a match must also contain for this field to exist in the packet."""

    @property
    def wire_name(self) -> str:
        """The name in OpenFlow's extensible match."""
        return self.oxm or self.name

    def __repr__(self) -> str:
        return self.name


ETH_TYPE_IPV4 = 0x0800
ETH_TYPE_ARP = 0x0806
ETH_TYPE_VLAN = 0x8100
ETH_TYPE_EXPERIMENTAL = 0x88B5
"""IEEE 802 local experimental EtherType 1: our own frames between hosts."""
PROTO_ICMP = 1

IN_PORT = Field("in_port", 16)
ETH_TYPE = Field("dl_type", 16, "hex", "eth_type")
VLAN_TCI = Field("vlan_tci", 16, "hex", "vlan_vid")
"""The outermost 802.1Q header: priority, the bit that says that there is one, VLAN; 0 without a header."""
VLAN = Field("dl_vlan", 12, oxm="vlan_vid")
"""The VLAN of the outermost 802.1Q header. Matched: only frames with a header have one."""
ETH_SRC = Field("dl_src", 48, "mac", "eth_src")
ETH_DST = Field("dl_dst", 48, "mac", "eth_dst")

_IPV4 = ((ETH_TYPE, ETH_TYPE_IPV4),)
_ARP = ((ETH_TYPE, ETH_TYPE_ARP),)

IP_PROTO = Field("nw_proto", 8, oxm="ip_proto", needs=_IPV4)
IP_SRC = Field("nw_src", 32, "ipv4", "ipv4_src", needs=_IPV4)
IP_DST = Field("nw_dst", 32, "ipv4", "ipv4_dst", needs=_IPV4)
IP_TTL = Field("nw_ttl", 8, needs=_IPV4)
IP_FRAG = Field("nw_frag", 8, oxm="ip_frag", needs=_IPV4)
"""Matched with 0: not a fragment."""

_ICMP = (*_IPV4, (IP_PROTO, PROTO_ICMP))
ICMP_TYPE = Field("icmp_type", 8, oxm="icmpv4_type", needs=_ICMP)
ICMP_CODE = Field("icmp_code", 8, oxm="icmpv4_code", needs=_ICMP)

ARP_OP = Field("arp_op", 16, needs=_ARP)
ARP_SPA = Field("arp_spa", 32, "ipv4", needs=_ARP)
ARP_TPA = Field("arp_tpa", 32, "ipv4", needs=_ARP)
ARP_SHA = Field("arp_sha", 48, "mac", needs=_ARP)
ARP_THA = Field("arp_tha", 48, "mac", needs=_ARP)

TUN_ID = Field("tun_id", 64, "hex", "tunnel_id")
TUN_SRC = Field("tun_src", 32, "ipv4", "tun_ipv4_src")
TUN_DST = Field("tun_dst", 32, "ipv4", "tun_ipv4_dst")

VLAN_PRESENT = 0x1000
"""The bit of ``VLAN_TCI`` that Open vSwitch keeps set while there is a header (ovs-fields(7))."""
VLAN_PRESENT_AND_ID = 0x1FFF
ETH_MULTICAST = 1 << 40
"""The bit of a MAC address that makes it a group's (IEEE 802, I/G)."""

_NXM: Mapping[str, str] = {
    "in_port": "NXM_OF_IN_PORT",
    "vlan_tci": "NXM_OF_VLAN_TCI",
    "tun_id": "NXM_NX_TUN_ID",
    "tun_src": "NXM_NX_TUN_IPV4_SRC",
    "tun_dst": "NXM_NX_TUN_IPV4_DST",
    "dl_src": "NXM_OF_ETH_SRC",
    "dl_dst": "NXM_OF_ETH_DST",
    "nw_src": "NXM_OF_IP_SRC",
    "nw_dst": "NXM_OF_IP_DST",
    "arp_spa": "NXM_OF_ARP_SPA",
    "arp_tpa": "NXM_OF_ARP_TPA",
    "arp_sha": "NXM_NX_ARP_SHA",
    "arp_tha": "NXM_NX_ARP_THA",
}


def show(field: Field, value: int) -> str:
    """A field's value as ``ovs-ofctl`` prints it."""
    match field.kind:
        case "ipv4":
            return str(IPv4Address(value))
        case "mac":
            return ":".join(f"{byte:02x}" for byte in value.to_bytes(6))
        case "hex":
            return f"{value:#x}" if value else "0"
        case "number":
            return str(value)


def nxm(field: Field) -> str:
    """A whole field as ovs-actions(7) names it where bits can be chosen."""
    if field is VLAN:
        return f"NXM_OF_VLAN_TCI[0..{VLAN.bits - 1}]"
    return f"{_NXM.get(field.name) or f'NXM_NX_{field.name.upper()}'}[]"
