"""What every unit is: a small frozen value from which each table makes its rule applications, and from nothing else."""

from ipaddress import IPv4Address
from typing import ClassVar

from flows.units.said import Why


class Unit:
    """What a switch needs to know of one thing. Every unit is a frozen dataclass that inherits from this."""

    __slots__ = ()

    owns_flows: ClassVar[bool] = False
    """Whether no other unit on the same switch ever wants one of its flows, or a group or meter that these refer to.

    Say True only for what exists very often and has its own key (a port, an address). A preview then need not look
    whether somebody else wants a flow.
    """

    why: Why

    @property
    def sends_to(self) -> tuple[IPv4Address, ...]:
        """The tunnel addresses of the hosts that its flows send packets to."""
        return ()
