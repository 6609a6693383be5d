"""The only place with register bits.

A register carries what one table decided to a later one. All are 0 when a packet enters. Tags and numbers count from 1,
so a register that no table has set never stands for an object (ADR 2).
"""

from flows.openflow.fields import Bit, Field

VPC = Field("reg0", 32, "hex")
"""The VPC's local tag, in which addresses are looked up. Through a peering it becomes the peer's."""

SUBNET = Field("reg1", 32, "hex")
"""The local tag of the sender's subnet. 0 for packets from a tunnel."""

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
"""1 for a packet that was also sent to the controller: it came from a port that is announced to move here."""

ALL: dict[str, Field] = {
    "VPC": VPC,
    "SUBNET": SUBNET,
    "OUT_PORT": OUT_PORT,
    "PEERED": PEERED,
    "ADMITTED": ADMITTED,
    "REMOTE": REMOTE,
    "PAYLOAD_TAG": PAYLOAD_TAG,
    "NOTIFIED": NOTIFIED,
}
"""Every register by its meaning, for the page that is generated from this one."""
