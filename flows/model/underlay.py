"""The underlay: the network between the hosts, one LAN or racks behind a router."""

from ipaddress import IPv4Address
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from flows.model.types import Declared, Ipv4, Ipv4Range, Number, first_address


class Rack(Declared):
    """A LAN of hosts, and the router by which they reach the other racks.

    ``router`` is the address that hosts of the rack use as their gateway; the first one of the range when not given.
    """

    kind = "rack"

    cidr: Annotated[
        Ipv4Range, Field(description="The range of the rack's tunnel addresses.", examples=["10.174.1.0/24"])
    ]
    router: Annotated[
        Ipv4,
        Field(
            default_factory=first_address,
            description="The router's address in the rack, by which its hosts reach the other racks. "
            "The first address of the range when not given.",
            examples=["10.174.1.1"],
        ),
    ]


class Underlay(BaseModel):
    """The network between the hosts. Without racks it is one LAN, in which hosts may have any addresses."""

    model_config = ConfigDict(frozen=True, extra="forbid")

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
        Field(description="LANs of hosts that reach each other only through a router. Without racks: one LAN for all."),
    ] = {}

    def rack_of(self, address: IPv4Address) -> Rack | None:
        """The rack whose range an address lies in; None when there is none."""
        return next((rack for rack in self.racks.values() if address in rack.cidr), None)
