"""VPCs: private routed networks, their subnets, and each subnet's routes out of the VPC."""

from typing import Annotated

from pydantic import Field

from flows.model.objects.types import Declared, Ipv4, Ipv4Range, Number, Reference, Word, first_address

NOTHING = "nothing"
"""The next hop of a route whose packets are dropped."""

LARGEST_ID = 2**32 - 1
"""Of any encapsulation."""


class SubnetRoute(Declared):
    """Where packets for ``to`` go when no address of the VPC itself matches (the source's subnet_route).

    ``via`` is the name of a peering that this subnet has, or ``nothing``: such packets are dropped.
    The name of a route is its destination.
    """

    kind = "route to"

    name: Annotated[str, Field(alias="(name)")]
    to: Annotated[
        Ipv4Range,
        Field(
            description="The destination: a range inside the subnet at the other end of the peering.",
            examples=["172.16.0.0/24"],
        ),
    ]
    via: Annotated[
        Word,
        Field(
            description="The peering that leads there, by name, or 'nothing': such packets are dropped.",
            examples=["blue-green"],
        ),
        Reference("peering", nobody=NOTHING),
    ]


class Subnet(Declared):
    """An address range of one VPC.

    ``gateway`` is the address that instances use as their default gateway; the first one of the range
    when not given. No machine has it: the host of each instance answers for it.
    """

    kind = "subnet"

    cidr: Annotated[
        Ipv4Range,
        Field(
            description="The subnet's range: its first address and prefix length. Subnets of one VPC do not overlap; "
            "those of different VPCs may.",
            examples=["10.0.1.0/24"],
        ),
    ]
    gateway: Annotated[
        Ipv4,
        Field(
            default_factory=first_address,
            description="The default gateway of the subnet's instances. Without it: the range's first address "
            "(10.0.1.1 in 10.0.1.0/24; in a /31 the lower one). No port can have it.",
            examples=["10.0.1.1"],
        ),
    ]
    routes: Annotated[
        tuple[SubnetRoute, ...],
        Field(
            description="The ways out of the VPC. Subnets of one VPC reach each other without any.",
            examples=[[{"to": "172.16.0.0/24", "via": "blue-green"}]],
        ),
    ] = ()


class Vpc(Declared):
    """A private routed network. Its id travels between hosts as the tunnel key."""

    kind = "vpc"

    id: Annotated[
        Number,
        Field(
            ge=0,
            description="The VPC's number, its own: it travels between hosts as the tunnel key. "
            "Up to 16777215 with vxlan and geneve, up to 4294967295 with gre.",
            examples=[6289],
            json_schema_extra={"maximum": LARGEST_ID},
        ),
    ]
    subnets: Annotated[
        dict[str, Subnet],
        Field(default_factory=dict, description="The VPC's address ranges, by name."),
    ]
