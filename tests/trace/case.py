"""A packet, and what must become of it."""

from dataclasses import dataclass, field

from flows.model import Network

Where = tuple[Network, str] | str
"""A host of a network, or the plain switch."""
PLAIN = "plain switch"
TUNNEL = "65000"
"""The OpenFlow port of the tunnels."""


@dataclass(frozen=True)
class Case:
    name: str
    where: Where
    packet: str
    ends: str
    """The last sentence."""
    out: list[str] = field(default_factory=list)
    fields: dict[str, str] = field(default_factory=dict)
    enter: str = ""
    """Actions to enter the pipeline by, instead of from the port."""
    datapath: str = ""
    """What the datapath is told to do, in part."""
    through: str = ""
    """What a sentence on the way says."""
