"""VPCs: private routed networks, their subnets, and each subnet's routes out of the VPC."""

from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import Field, model_validator

from flows.model.types import Declared, Ipv4, Ipv4Range, Number

NOTHING = "nothing"
"""The next hop of a route whose packets are dropped."""


class SubnetRoute(Declared):
    """Where packets for ``to`` go when no address of the VPC itself matches (the source's subnet_route).

    ``via`` is the name of a peering that this subnet has, or ``nothing``: such packets are dropped.
    The name of a route is its destination.
    """

    kind = "route to"

    name: Annotated[str, Field(alias="(name)")]
    to: Ipv4Range
    via: str


class Subnet(Declared):
    """An address range of one VPC.

    ``gateway`` is the address that instances use as their default gateway; the first one of the range
    when not given. No machine has it: the host of each instance answers for it.
    """

    kind = "subnet"

    cidr: Ipv4Range
    gateway: Ipv4
    routes: tuple[SubnetRoute, ...] = ()

    @model_validator(mode="before")
    @classmethod
    def _first_address_is_gateway(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or data.get("gateway") is not None:
            return data
        try:
            cidr = str(data["cidr"])
            address, length = cidr.split("/")
            head, last = address.rsplit(".", 1)
            gateway = f"{head}.{int(last) + 1}" if int(length) < 31 else address
        except (KeyError, ValueError):
            # cidr is missing or broken, which is reported at cidr; any address will do here.
            gateway = "0.0.0.0"
        return {**data, "gateway": gateway}


class Vpc(Declared):
    """A private routed network. Its id travels between hosts as the tunnel key."""

    kind = "vpc"

    id: Annotated[Number, Field(ge=0, le=2**32 - 1)]
    subnets: Annotated[dict[str, Subnet], Field(default_factory=dict)]
