"""Group addresses that switches use among themselves: what is sent to them is never just passed on. And most others.

Sources: IEEE 802.1Q-2018, tables 8-1 to 8-3 (reserved addresses) and 10-1 (addresses of MRP applications). IEEE
802-2014, 8.2 (the two lowest bits of the first byte). RFC 1112, 6.4 (groups of IPv4). RFC 2464, 7 (groups of IPv6).
"""

from flows.openflow.fields import ETH_DST
from flows.pipeline.templates import TermTemplate
from flows.units.said import Named

BPDU = "01:80:c2:00:00:00"
"""Where spanning trees send their BPDUs."""
PVST_BPDU = "01:00:0c:cc:cc:cd"
"""Where Cisco's spanning trees of single VLANs (PVST+) send theirs."""

RESERVED = TermTemplate(ETH_DST, 0x0180C2000000, mask=0xFFFFFFFFFFD0)
"""01:80:c2:00:00:00 to 0f: a bridge passes none of these on. 20 to 2f: GVRP, MVRP, MMRP and other MRP applications."""
MRP = TermTemplate(ETH_DST, 0x0180C2000020, mask=0xFFFFFFFFFFF0)
CISCO = TermTemplate(ETH_DST, 0x01000CCCCCCC, mask=0xFFFFFFFFFFFE)
"""01:00:0c:cc:cc:cc (CDP, VTP, DTP, PAgP, UDLD) and PVST+."""
LOCAL_GROUPS = TermTemplate(ETH_DST, 0x030000000000, mask=0x030000000000)
"""Locally administered groups: broadcast, all of IPv6 (33:33), and others, but none that switches use."""
IPV4_GROUPS = TermTemplate(ETH_DST, 0x01005E000000, mask=0xFFFFFF800000)

MAC_CONTROL = Named(0x8808, "a pause frame, or other MAC control")
"""IEEE 802.3, annex 31: never passed on, whoever it is for."""
LINK_PROTOCOLS = (
    MAC_CONTROL,
    Named(0x8809, "LACP, or another slow protocol"),
    Named(0x888E, "802.1X"),
    Named(0x88CC, "LLDP"),
)
"""Ethernet types of protocols between the two ends of a link. Some may be sent to ``BPDU`` too."""
