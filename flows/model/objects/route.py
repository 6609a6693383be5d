"""Static routes of machines and routers."""

from typing import Annotated

from pydantic import Field

from flows.model.objects.types import Declared, Ipv4, Ipv4Range


class Route(Declared):
    """Where packets for ``to`` go next, unless a longer prefix matches. The name of a route is its destination."""

    kind = "route to"

    name: Annotated[str, Field(alias="(name)")]
    to: Annotated[
        Ipv4Range,
        Field(description="The destination. 0.0.0.0/0 is the default route.", examples=["192.168.12.0/24"]),
    ]
    via: Annotated[
        Ipv4,
        Field(
            description="The next hop: an address in a network that the sender is in itself.",
            examples=["192.168.56.2"],
        ),
    ]
