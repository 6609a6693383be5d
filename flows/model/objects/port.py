"""Ports: the network interfaces of instances."""

from collections.abc import Mapping
from hashlib import blake2b
from ipaddress import IPv4Address
from typing import Annotated, Any, ClassVar, Self

from pydantic import ConfigDict, Field

from flows.model.objects.rule_values import Labels
from flows.model.objects.types import Declared, Ipv4, Ipv4Interface, Mac, NeedsValue, Reference, Word

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

    host: Annotated[
        Word | None,
        Field(
            description="The host that the port is on, by name. Without it the port is on the host where an "
            "interface with external_ids:iface-id equal to the port's name appears first.",
            examples=["host86"],
        ),
        Reference("host"),
    ] = None
    moving_to: Annotated[
        Word | None,
        Field(
            description="The host that the port is announced to move to; 'host' must say where it is. Until it has "
            "shown up there, what is sent to it reaches both. Then the controller makes this its 'host'.",
            examples=["host87"],
        ),
        Reference("host"),
    ] = None

    def moved(self, place: str) -> Self:
        """The same port on another host. Nothing is announced any more."""
        return self.model_copy(update={"host": place, "moving_to": None})

    def announced(self, place: str, at: str) -> Self:
        """The same port, about to move to another host. ``at``: where it is, in case no other host is declared."""
        return self.model_copy(update={"host": at if self.host in (None, place) else self.host, "moving_to": place})

    @property
    def address(self) -> IPv4Address | None:
        """The first of the instance's addresses, as far as the model knows one."""
        raise NotImplementedError

    @property
    def mac_address(self) -> str:
        """The instance's MAC address: the declared one, or the one that is made from the port's name."""
        raise NotImplementedError

    @property
    def where(self) -> str:
        """What the port is in, in words."""
        raise NotImplementedError


class VpcPort(Port):
    """A port of a VPC: it speaks IPv4 under its own addresses only."""

    vpc: Annotated[
        Word, Field(description="The VPC that the port is in, by name.", examples=["blue"]), Reference("vpc")
    ]
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
    groups: Annotated[
        tuple[Word, ...],
        Field(
            description="The security groups of its VPC that the port is in, by name. It is also in those whose "
            "'members' are labels that it has. A port that is in none may have any connection.",
            examples=[["web"]],
        ),
        Reference("security group"),
        NeedsValue("list security groups, like [web], or leave it out"),
    ] = ()
    labels: Annotated[
        Labels,
        Field(
            default_factory=dict,
            description="Words by which security groups can choose their members.",
            examples=[{"app": "web", "stage": "test"}],
        ),
        NeedsValue("write labels like {app: web}, or leave it out"),
    ]

    @property
    def address(self) -> IPv4Address:
        return self.ips[0]

    @property
    def mac_address(self) -> str:
        return self.mac

    @property
    def where(self) -> str:
        return f"VPC {self.vpc}"


class SegmentPort(Port):
    """A port of a segment (access: untagged frames), or of several (trunk: frames with the VLAN tag of each)."""

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["segment"]}, {"required": ["trunk"]}]})
    refused: ClassVar[Mapping[str, str]] = {
        key: f"security groups are for ports of VPCs; a port of a segment has no '{key}'"
        for key in ("groups", "labels")
    }

    segment: Annotated[
        Word | None,
        Field(description="The segment whose untagged frames the port carries, by name.", examples=["red"]),
        Reference("segment"),
    ] = None
    trunk: Annotated[
        tuple[Word, ...] | None,
        Field(
            description="In place of 'segment': the segments that the port carries, by name, each under the VLAN tag "
            "that it declares. An empty list stands for every segment that declares one.",
            examples=[["red", "green"]],
        ),
        Reference("segment"),
    ] = None
    mac: Annotated[
        Mac | None,
        Field(
            description="The port's MAC address. Frames to it are never flooded. Without it the address is learned.",
            examples=["0a:00:00:00:00:01"],
        ),
    ] = None
    ip: Annotated[
        Ipv4Interface | None,
        Field(
            description="The instance's address and prefix length. A segment delivers by MAC address: this is what "
            "the lab gives the instance, and what it expects of pings.",
            examples=["192.168.100.101/24"],
        ),
    ] = None
    gateway: Annotated[
        Ipv4 | None,
        Field(
            description="The instance's default gateway, some other instance of the segment. For the lab, as 'ip'.",
            examples=["192.168.100.1"],
        ),
    ] = None

    @property
    def address(self) -> IPv4Address | None:
        return self.ip.ip if self.ip else None

    @property
    def mac_address(self) -> str:
        return self.mac or derived_mac(self.name)

    @property
    def where(self) -> str:
        if self.segment is not None:
            return f"segment {self.segment}"
        return f"a trunk of {', '.join(self.trunk)}" if self.trunk else "a trunk of every segment"
