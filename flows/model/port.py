"""Ports: the network interfaces of instances."""

from collections.abc import Mapping
from hashlib import blake2b
from typing import Annotated, Any

from pydantic import Field, model_validator

from flows.model.types import Declared, Ipv4, Mac

GATEWAY_MAC = "02:00:00:00:00:01"
"""The MAC address of every gateway, on every host: an instance that moves finds the one it knows."""


def derived_mac(name: str) -> str:
    """The MAC address of a port that declares none: 0a (locally administered, unicast) and 40 bits of its name."""
    return ":".join(f"{byte:02x}" for byte in b"\x0a" + blake2b(name.encode(), digest_size=5).digest())


class Port(Declared):
    """One network interface of an instance.

    ``host`` is where it runs. Without it the port belongs to the first host on which an interface with
    ``external_ids:iface-id`` equal to its name appears.
    """

    kind = "port"

    vpc: str
    ips: Annotated[tuple[Ipv4, ...], Field(min_length=1)]
    mac: Mac
    host: str | None = None

    @model_validator(mode="before")
    @classmethod
    def _mac_from_name(cls, data: Any) -> Any:
        if isinstance(data, Mapping) and data.get("mac") is None:
            name = data.get("(name)", data.get("name", ""))
            return {**data, "mac": derived_mac(str(name))}
        return data
