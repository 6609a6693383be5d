"""Segments: switched (layer 2) networks, whose frames are delivered by MAC address."""

from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from flows.model.objects.types import Declared, Flag, Number, Word
from flows.model.objects.vpc import LARGEST_ID

LARGEST_VLAN = 4094
"""IEEE 802.1Q: 4095 is reserved; 0 stands for no VLAN."""


Ageing = Annotated[
    Number,
    Field(ge=1, le=65535, description="Seconds after which a MAC address that is silent is forgotten."),
]


class PhysicalVlan(BaseModel):
    """The VLAN of a physical network that carries a segment."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    network: Annotated[
        Word,
        Field(
            description="The physical network, by the name that hosts give it under 'physical'.", examples=["office"]
        ),
    ]
    vlan: Annotated[
        Number,
        Field(
            ge=0,
            le=LARGEST_VLAN,
            description="The segment's VLAN in the physical network; 0: its frames are untagged there.",
            examples=[1001],
        ),
    ]


class Segment(Declared):
    """A switched (layer 2) network: frames go where their receiver's MAC address was last seen, or everywhere.

    ``id`` travels between hosts as the tunnel key. A segment with ``physical`` has none: the physical network carries
    it between hosts.
    """

    kind = "segment"

    id: Annotated[
        Number | None,
        Field(
            ge=1,
            description="The segment's number: it travels between hosts as the tunnel key, so that no other segment "
            "or VPC has it. Needed, unless a physical network carries the segment.",
            examples=[1],
            json_schema_extra={"maximum": LARGEST_ID},
        ),
    ] = None
    vlan: Annotated[
        Number | None,
        Field(
            ge=0,
            le=LARGEST_VLAN,
            description="The VLAN tag under which trunk ports carry the segment; 0: untagged. Without it no trunk port "
            "can carry it. Inside a host the segment has another, local VLAN.",
            examples=[101],
        ),
    ] = None
    ageing: Ageing = 300
    max_macs: Annotated[
        Number,
        Field(
            ge=1,
            le=65535,
            description="How many MAC addresses each host learns in this segment. Frames to any more are flooded.",
        ),
    ] = 1024
    flood_only: Annotated[
        Flag, Field(description="Learn no MAC addresses: every frame goes to every port of the segment.")
    ] = False
    physical: Annotated[
        PhysicalVlan | None,
        Field(
            description="The physical network that carries the segment between hosts, in place of tunnels.",
            examples=[{"network": "office", "vlan": 1001}],
        ),
    ] = None
