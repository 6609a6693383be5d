"""Routers between the networks of plain switches."""

from typing import Annotated

from pydantic import Field

from flows.model.interfaces import router_leg
from flows.model.objects.port import derived_mac
from flows.model.objects.route import Route
from flows.model.objects.switch import UNTAGGED, Vlan
from flows.model.objects.types import Declared, Ipv4Interface, Reference, Word


class RouterInterface(Declared):
    """A router's leg in one network, plugged into a plain switch."""

    kind = "interface"

    switch: Annotated[
        Word, Field(description="The plain switch that it is plugged into.", examples=["s1"]), Reference("switch")
    ]
    vlan: Annotated[
        Vlan, Field(description="The VLAN that it is in, untagged on its cable; 0: the untagged LAN.", examples=[101])
    ] = UNTAGGED
    ip: Annotated[
        Ipv4Interface,
        Field(
            description="The router's address in that network, and the prefix length: the machines' gateway there.",
            examples=["192.168.1.1/24"],
        ),
    ]


class Router(Declared):
    """A machine that forwards IP packets between the networks of its interfaces, and along its routes."""

    kind = "router"

    interfaces: Annotated[
        dict[str, RouterInterface], Field(default_factory=dict, description="The router's legs, by name.")
    ]
    routes: Annotated[
        tuple[Route, ...],
        Field(
            description="Static routes to networks in which the router has no interface.",
            examples=[[{"to": "192.168.12.0/24", "via": "192.168.56.2"}]],
        ),
    ] = ()

    def leg(self, interface: str) -> str:
        """The switch's end of the cable of an interface."""
        return router_leg(self.name, interface)

    def mac(self, interface: str) -> str:
        """The MAC address of an interface. The dot keeps it apart from that of any port."""
        return derived_mac(f"{self.name}.{interface}")
