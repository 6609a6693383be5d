"""The fields of packets and switches that rules match and set: names and widths as in ovs-fields(7)."""

from dataclasses import dataclass
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
ETH_TYPE_EXPERIMENTAL = 0x88B5
"""IEEE 802 local experimental EtherType 1: our own frames between hosts."""
PROTO_ICMP = 1

IN_PORT = Field("in_port", 16)
ETH_TYPE = Field("dl_type", 16, "hex", "eth_type")
UNTAGGED = Field("vlan_tci", 16, "hex", "vlan_vid")
"""Matched with 0: no 802.1Q header."""
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
TUN_DST = Field("tun_dst", 32, "ipv4", "tun_ipv4_dst")
