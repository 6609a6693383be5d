"""The underlay: the network between the hosts, one LAN or racks behind a router."""

from collections.abc import Mapping
from ipaddress import IPv4Address, IPv4Network
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, model_validator

from flows.model.types import Declared, Ipv4, Ipv4Range, Number


class Rack(Declared):
    """A LAN of hosts, and the router by which they reach the other racks.

    ``router`` is the address that hosts of the rack use as their gateway; the first one of the range when not given.
    """

    kind = "rack"

    cidr: Ipv4Range
    router: Ipv4

    @model_validator(mode="before")
    @classmethod
    def _first_address_is_router(cls, data: Any) -> Any:
        if not isinstance(data, Mapping) or data.get("router") is not None:
            return data
        try:
            router = str(next(iter(IPv4Network(data["cidr"]).hosts())))
        except (KeyError, ValueError):
            # cidr is missing or broken, which is reported at cidr; any address will do here.
            router = "0.0.0.0"
        return {**data, "router": router}

    def not_a_machine(self, address: IPv4Address) -> str | None:
        """Why no machine of the rack can have an address; None when one can. RFC 3021: a /31 has room for two."""
        if address not in self.cidr:
            return f"outside {self.cidr}"
        if self.cidr.prefixlen < 31:
            if address == self.cidr.network_address:
                return f"the network address of {self.cidr}"
            if address == self.cidr.broadcast_address:
                return f"the broadcast address of {self.cidr}"
        return None


class Underlay(BaseModel):
    """The network between the hosts. Without racks it is one LAN, in which hosts may have any addresses."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    mtu: Annotated[Number, Field(ge=1280, le=9216, description="The largest IP packet it carries, in bytes.")] = 1500
    racks: dict[str, Rack] = {}

    def rack_of(self, address: IPv4Address) -> Rack | None:
        """The rack whose range an address lies in; None when there is none."""
        return next((rack for rack in self.racks.values() if address in rack.cidr), None)
