"""The only place with register bits.

A register carries what one table decided to a later one. All are 0 when a packet enters. Tags and numbers count from 1,
so a register that no table has set never stands for an object (ADR 2).
"""

from flows.openflow.fields import Bit, Bits, Field

VPC = Field("reg0", 32, "hex")
"""The VPC's local tag, in which addresses are looked up. Through a peering it becomes the peer's."""

SUBNET = Field("reg1", 32, "hex")
"""The local tag of the sender's subnet; 0 for packets from a tunnel. While the security groups of a receiver are asked:
of the receiver's."""

OUT_PORT = Field("reg2", 32, "hex")
"""The OpenFlow port number that the packet leaves by."""

PEERED = Field("reg3", 32, "hex")
"""1 once a peering was taken: a second one is never taken."""

ADMITTED = Field("reg4", 32, "hex")
"""1 when the sender's MAC address is among those that its segment may learn here: the switch itself writes it, by
``ROOM`` and ``NO_PACKET``, or table known does (ADR 10). All other values mean no."""
ROOM = Bit(ADMITTED, 0)
"""There was room for the address, or it is known. Always 1 when the switch only looks what it would do."""
NO_PACKET = Bit(ADMITTED, 1)
"""The switch only looks what it would do: nothing was learned just now."""

REMOTE = Field("reg5", 32, "hex")
"""1 for a frame that came by a tunnel: it never leaves by one."""

PAYLOAD_TAG = Field("reg6", 32, "hex")
"""1 for a frame that came by a tunnel with an 802.1Q header of its own, below that of its segment."""

NOTIFIED = Field("reg7", 32, "hex")
"""How far a packet of a port is that is announced to move here. It goes its way; then the controller gets it."""
NOT_TOLD, PASSES, TELLS = 0, 1, 2

ASKED = Field("reg8", 32, "hex")
"""The OpenFlow port number of the port whose security groups are asked."""

GROUP = Field("reg9", 32, "hex")
"""The local tag of the security group that is asked."""
OPEN_IN, OPEN_OUT = 0xFFFFFFFF, 0xFFFFFFFE
"""In place of a group: none of the port's groups says who may reach the port, or whom it may reach."""

CONNECTION = Field("reg10", 32, "hex")
"""What is known of the connection that a packet belongs to, as the port sees it whose security groups are asked."""
REMOTES = Bits(CONNECTION, 0, 24)
"""Whom the group admits for this service: a number that the group gives to each such set. 0: nobody."""
HAS_GROUPS = Bit(CONNECTION, 29)
"""The packet was sent by a port with security groups."""
ALLOWED = Bit(CONNECTION, 30)
"""A rule of a group allows the connection."""
INBOUND = Bit(CONNECTION, 31)
"""Somebody else opened the connection, to the port."""

MEMBER_OF = Field("reg11", 32, "hex")
"""The local tag of a security group that the other end of the connection is a member of."""

KEPT = Field("reg12", 32, "hex")
"""An address of the packet, for as long as another one stands in its place. With reg13 to reg15 it has room for one of
IPv6."""

ALL: dict[str, Field] = {
    "VPC": VPC,
    "SUBNET": SUBNET,
    "OUT_PORT": OUT_PORT,
    "PEERED": PEERED,
    "ADMITTED": ADMITTED,
    "REMOTE": REMOTE,
    "PAYLOAD_TAG": PAYLOAD_TAG,
    "NOTIFIED": NOTIFIED,
    "ASKED": ASKED,
    "GROUP": GROUP,
    "CONNECTION": CONNECTION,
    "MEMBER_OF": MEMBER_OF,
    "KEPT": KEPT,
}
"""Every register by its meaning, for the page that is generated from this one."""
