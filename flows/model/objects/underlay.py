"""The underlay: the network between the hosts, one LAN or racks behind a router."""

from functools import cached_property
from ipaddress import IPv4Address
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from flows.model.objects.types import Declared, Ipv4, Ipv4Range, Number, first_address
from flows.model.ranges import Ranges


class Rack(Declared):
    """A LAN of hosts, and the router by which they reach the other racks."""

    kind = "rack"

    cidr: Annotated[
        Ipv4Range,
        Field(
            description="The range of the rack's hosts: its first address and prefix length. Racks do not overlap.",
            examples=["10.174.1.0/24"],
        ),
    ]
    router: Annotated[
        Ipv4,
        Field(
            default_factory=first_address,
            description="The gateway by which the rack's hosts reach other racks. Without it: the range's first "
            "address (10.174.1.1 in 10.174.1.0/24; in a /31 the lower one). No host can have it.",
            examples=["10.174.1.1"],
        ),
    ]


class Underlay(BaseModel):
    """The network between the hosts. Without racks it is one LAN, in which hosts may have any addresses."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    mtu: Annotated[
        Number,
        Field(
            ge=1280,
            le=9216,
            description="The largest IP packet that the network between the hosts carries, in bytes. "
            "Instances can send what is left after the encapsulation: 42 bytes less with gre, "
            "50 with vxlan, 58 with geneve.",
            examples=[1500],
        ),
    ] = 1500
    racks: Annotated[
        dict[str, Rack],
        Field(
            description="LANs of hosts behind a router, by name. Once there is one, every host's tunnel_ip lies in one."
        ),
    ] = {}

    def rack_of(self, address: IPv4Address) -> Rack | None:
        """The rack whose range an address lies in; None when there is none."""
        return self.ranges.holding(address)

    @cached_property
    def ranges(self) -> Ranges[Rack]:
        """The racks by their ranges."""
        return Ranges((rack.cidr, rack) for rack in self.racks.values())
