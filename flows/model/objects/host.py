"""Hosts: the machines that run Open vSwitch and instances, and the network between them."""

from typing import Annotated, Literal

from pydantic import Field

from flows.model.objects.types import Declared, InterfaceName, Ipv4, Name

Encapsulation = Literal["gre", "vxlan", "geneve"]

ETHERNET_HEADER = 14
"""Bytes of an Ethernet header without a VLAN tag (IEEE 802.3)."""

TUNNEL_OVERHEAD: dict[Encapsulation, int] = {"gre": 42, "vxlan": 50, "geneve": 58}
"""Bytes that each encapsulation adds to an inner IP packet over IPv4.

The outer IP header (20), the tunnel's own headers and the inner Ethernet header (14). The tunnel's own: GRE with key 8;
UDP and VXLAN 16; UDP, Geneve and 8 bytes for options 24. RFC 2890, RFC 7348, RFC 8926.
"""

KEY_BITS: dict[Encapsulation, int] = {"gre": 32, "vxlan": 24, "geneve": 24}
"""Width of the tunnel key. RFC 2890, RFC 7348, RFC 8926."""


class Host(Declared):
    """A machine that runs Open vSwitch and instances."""

    kind = "host"

    tunnel_ip: Annotated[
        Ipv4,
        Field(
            description="The host's own address in the underlay: its tunnels begin and end here. "
            "Every other host must be able to reach it.",
            examples=["10.174.233.86"],
        ),
    ]
    physical: Annotated[
        dict[Name, InterfaceName],
        Field(
            default_factory=dict,
            description="Physical networks that the host is connected to: a name of your own for each network, and "
            "the network interface by which this host reaches it. It is put on the integration bridge.",
            examples=[{"office": "eth1"}],
        ),
    ]
