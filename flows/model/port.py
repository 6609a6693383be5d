"""Ports: the network interfaces of instances."""

from hashlib import blake2b
from typing import Annotated, Any

from pydantic import Field

from flows.model.types import Declared, Ipv4, Mac, Word

GATEWAY_MAC = "02:00:00:00:00:01"
"""The MAC address of every gateway, on every host: an instance that moves finds the one it knows."""


def derived_mac(name: str) -> str:
    """The MAC address of a port that declares none: 0a (locally administered, unicast) and 40 bits of its name."""
    return ":".join(f"{byte:02x}" for byte in b"\x0a" + blake2b(name.encode(), digest_size=5).digest())


def _mac_from_name(data: dict[str, Any]) -> str:
    return derived_mac(data["name"])


class Port(Declared):
    """One network interface of an instance.

    ``host`` is where it runs. Without it the port belongs to the first host on which an interface with
    ``external_ids:iface-id`` equal to its name appears.
    """

    kind = "port"

    vpc: Annotated[Word, Field(description="The VPC that the port is in, by name.", examples=["blue"])]
    ips: Annotated[
        tuple[Ipv4, ...],
        Field(
            min_length=1,
            description="The port's addresses, all of one subnet of the VPC. It may use no others.",
            examples=[["10.0.1.141"]],
        ),
    ]
    mac: Annotated[
        Mac,
        Field(
            default_factory=_mac_from_name,
            description="The port's MAC address, its own in the VPC. Without it one is made from the port's name; "
            "it begins with 0a.",
            examples=["0a:00:00:00:00:01"],
        ),
    ]
    host: Annotated[
        Word | None,
        Field(
            description="The host that the port is on, by name. Without it the port is on the host where an "
            "interface with external_ids:iface-id equal to the port's name appears first.",
            examples=["host86"],
        ),
    ] = None
