"""Translation of a connection's addresses: ``nat`` within the action ``ct`` of ovs-actions(7)."""

from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Literal


@dataclass(frozen=True, slots=True)
class Nat:
    """Translate a connection's addresses: those of its first packet are chosen anew, and those of all others follow.

    With neither source nor destination nothing is chosen: packets of connections that were translated are.
    """

    side: Literal["src", "dst"] | None = None
    addresses: tuple[IPv4Address, IPv4Address] | None = None
    """The first and the last one. Never 0.0.0.0: Open vSwitch 3.1.0 can abort on it."""
    ports: tuple[int, int] | None = None
    """The first and the last one."""

    def __post_init__(self) -> None:
        if (self.side is None) != (self.addresses is None):
            raise ValueError("a translation has a side and addresses, or neither")
        if self.addresses is not None and not int(self.addresses[0]):
            raise ValueError("a translation to 0.0.0.0 can abort Open vSwitch 3.1.0")

    def __str__(self) -> str:
        if self.addresses is None:
            return "nat"
        to = _range(*self.addresses) + ("" if self.ports is None else f":{_range(*self.ports)}")
        return f"nat({self.side}={to})"


def _range(first: object, last: object) -> str:
    return str(first) if first == last else f"{first}-{last}"
