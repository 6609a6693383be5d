"""Plain switches, the links between them, and the ports of machines on them."""

import re
from collections.abc import Mapping
from functools import cached_property
from ipaddress import IPv4Address
from typing import Annotated, Any, ClassVar, Self

from pydantic import BeforeValidator, Field, WithJsonSchema

from flows.model.contract import datapath_id
from flows.model.interfaces import link_end
from flows.model.objects.port import Port, derived_mac
from flows.model.objects.route import Route
from flows.model.objects.segment import LARGEST_VLAN, Ageing
from flows.model.objects.types import (
    NAME_PATTERN,
    Declared,
    Flag,
    Ipv4,
    Ipv4Interface,
    Mac,
    Number,
    Reference,
    Word,
    what,
)
from flows.model.problem import shown

UNTAGGED = 0
"""The VLAN of frames that carry no tag."""

_DPID = re.compile("[0-9a-f]{16}")


def _dpid(value: Any) -> Any:
    if value is None or isinstance(value, list | dict):
        raise ValueError(f"this must be a datapath id, like 00000000000000a1, not {what(value)}")
    if not isinstance(value, str):
        return value
    digits = value.lower()
    if not _DPID.fullmatch(digits):
        raise ValueError(
            f"{shown(value)} is not a datapath id; write its 16 hexadecimal digits, as 'ovs-vsctl get bridge NAME "
            "datapath_id' prints them, like 00000000000000a1"
        )
    if int(digits, 16) == 0:
        raise ValueError("the datapath id of a switch is not 0; write the one that it has, like 00000000000000a1")
    return int(digits, 16)


def _vlan(value: Any) -> Any:
    if value is None or isinstance(value, list | dict):
        raise ValueError(f"this must be a VLAN, like 101, not {what(value)}")
    if not isinstance(value, str):
        return value
    if not re.fullmatch("0|[1-9][0-9]{0,3}", value, re.ASCII) or int(value) > LARGEST_VLAN:
        raise ValueError(f"{shown(value)} is not a VLAN; they go from 1 to {LARGEST_VLAN}, and 0 is untagged")
    return int(value)


def _vlans(value: Any) -> Any:
    if value is not None and not isinstance(value, list | tuple):
        raise ValueError(f"the VLANs of a trunk must be a list, like [101, 102], not {what(value)}")
    return value


def _two_switches(value: Any) -> Any:
    if not isinstance(value, list | tuple):
        raise ValueError(f"the ends of a link must be a list of two switches, like [s1, s2], not {what(value)}")
    if len(value) != 2:
        raise ValueError(f"a link has two ends, like [s1, s2], not {len(value)}")
    return value


Dpid = Annotated[int, BeforeValidator(_dpid), WithJsonSchema({"type": "string", "pattern": "^[0-9A-Fa-f]{16}$"})]
Vlan = Annotated[int, BeforeValidator(_vlan), Field(ge=0, le=LARGEST_VLAN)]
Vlans = Annotated[tuple[Vlan, ...], BeforeValidator(_vlans)]
Ends = Annotated[
    tuple[Word, Word],
    BeforeValidator(_two_switches),
    WithJsonSchema(
        {"type": "array", "items": {"type": "string", "pattern": NAME_PATTERN}, "minItems": 2, "maxItems": 2}
    ),
]


class PlainSwitch(Declared):
    """A bridge that is no host, and learns MAC addresses in each VLAN. The controller knows it by its datapath id.

    Its ports are found by the names of their interfaces: a machine's is named like its port.
    """

    kind = "switch"

    dpid: Annotated[
        Dpid | None,
        Field(
            description="The switch's datapath id: 16 hexadecimal digits. Without it one is made from the switch's "
            "name, which whoever makes the bridge then gives it.",
            examples=["00000000000000a1"],
        ),
    ] = None
    ageing: Ageing = 300
    max_macs: Annotated[
        Number,
        Field(
            ge=1,
            le=65535,
            description="How many MAC addresses the switch learns in each VLAN. Frames to any more are flooded.",
        ),
    ] = 1024

    @cached_property
    def datapath_id(self) -> int:
        """By which the controller knows it."""
        return datapath_id(self.name) if self.dpid is None else self.dpid


class Link(Declared):
    """A cable between two plain switches. Links may form rings: as many as must are kept from carrying frames."""

    kind = "link"

    between: Annotated[
        Ends,
        Field(description="The two switches that it connects, by name.", examples=[["s1", "s2"]]),
        Reference("switch"),
    ]
    trunk: Annotated[
        Vlans | None,
        Field(
            description="The VLANs that it carries; 0 stands for untagged frames. Without it, or with an empty list, "
            "it carries every VLAN.",
            examples=[[101, 102]],
        ),
    ] = None

    def carries(self, vlan: int) -> bool:
        """Whether frames of a VLAN can pass."""
        return not self.trunk or vlan in self.trunk

    def end(self, switch: str) -> str:
        """The interface of its end at one of its switches."""
        return link_end(self.name, switch, self.other(switch))

    def other(self, switch: str) -> str:
        """The switch at the other end."""
        first, second = self.between
        return second if switch == first else first


class SwitchPort(Port):
    """A machine's port on a plain switch: of one VLAN (access), or of several (trunk: frames with their tags)."""

    host: ClassVar[None] = None  # type: ignore[misc]  # a port on a switch is on no host
    moving_to: ClassVar[None] = None  # type: ignore[misc]
    refused: ClassVar[Mapping[str, str]] = {
        key: f"security groups are for ports of VPCs; a port of a plain switch has no '{key}'"
        for key in ("groups", "labels")
    }
    switch: Annotated[
        Word,
        Field(description="The plain switch that the machine is plugged into.", examples=["s1"]),
        Reference("switch"),
    ]
    vlan: Annotated[
        Vlan,
        Field(description="The VLAN that the port's untagged frames are of; 0: the untagged LAN.", examples=[101]),
    ] = UNTAGGED
    trunk: Annotated[
        Vlans | None,
        Field(
            description="In place of 'vlan': the VLANs whose frames the port carries with their tags; 0 stands for "
            "untagged frames. An empty list stands for every VLAN.",
            examples=[[101, 102]],
        ),
    ] = None
    bpdu_guard: Annotated[
        Flag,
        Field(
            description="No switch is expected behind the port: BPDUs (frames of spanning trees) that come from it are "
            "dropped and counted. Without it they pass, like a broadcast."
        ),
    ] = False
    mac: Annotated[
        Mac | None,
        Field(
            description="The MAC address that the lab gives the machine. Without it one is made from the port's "
            "name. The switch learns addresses by itself.",
            examples=["0a:00:00:00:00:01"],
        ),
    ] = None
    ip: Annotated[
        Ipv4Interface | None,
        Field(
            description="The machine's address and prefix length: what the lab gives it, and what it expects of pings.",
            examples=["192.168.1.101/24"],
        ),
    ] = None
    gateway: Annotated[
        Ipv4 | None,
        Field(
            description="The machine's default gateway: a router's address in the same network.",
            examples=["192.168.1.1"],
        ),
    ] = None
    routes: Annotated[
        tuple[Route, ...],
        Field(
            description="Routes of the machine itself, besides that to its gateway.",
            examples=[[{"to": "10.0.0.0/8", "via": "192.168.1.2"}]],
        ),
    ] = ()

    def moved(self, place: str) -> Self:
        """The same port on another switch."""
        return self.model_copy(update={"switch": place})

    @property
    def address(self) -> IPv4Address | None:
        return self.ip.ip if self.ip else None

    @property
    def mac_address(self) -> str:
        return self.mac or derived_mac(self.name)

    @property
    def where(self) -> str:
        if self.trunk is not None:
            carried = f"of {', '.join(map(str, self.trunk))}" if self.trunk else "of every VLAN"
            return f"a trunk {carried} of switch {self.switch}"
        return f"VLAN {self.vlan} of switch {self.switch}" if self.vlan else f"switch {self.switch}"
