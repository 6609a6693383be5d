"""The whole of what a user declares.

encapsulation: gre            # or vxlan, geneve
underlay: {mtu: 1500}        # and racks: {rack1: {cidr: 10.174.233.0/24}}
hosts:
  host86: {tunnel_ip: 10.174.233.86}
vpcs:
  blue:
    id: 6289
    subnets:
      web: {cidr: 10.0.1.0/24, routes: [{to: 172.16.0.0/24, via: blue-green}]}
segments:
  red: {id: 1}
ports:
  vm1: {vpc: blue, ips: [10.0.1.141], host: host86}
  vm2: {segment: red, host: host86}
  desk: {switch: s1, vlan: 101, ip: 192.168.1.101/24, gateway: 192.168.1.1}
peerings:
  blue-green: {between: [blue/web, green/db]}
security_groups:
  web: {vpc: blue, in: [{tcp: [80, 443]}]}
switches: {s1: {}, s2: {}}
links:
  s1-s2: {between: [s1, s2]}
routers:
  r1: {interfaces: {lan: {switch: s2, vlan: 101, ip: 192.168.1.1/24}}}
"""

from collections.abc import Iterator, Mapping
from functools import cached_property
from ipaddress import IPv4Address
from typing import Annotated, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field

from flows.model.objects.host import TUNNEL_OVERHEAD, Encapsulation, Host
from flows.model.objects.lans import Lans
from flows.model.objects.peering import Peering
from flows.model.objects.port import Port, SegmentPort, VpcPort
from flows.model.objects.router import Router
from flows.model.objects.security_group import SecurityGroup
from flows.model.objects.segment import Segment
from flows.model.objects.switch import Link, PlainSwitch, SwitchPort
from flows.model.objects.types import Declared
from flows.model.objects.underlay import Underlay
from flows.model.objects.vpc import Subnet, Vpc
from flows.model.ranges import Ranges

AnyPort = VpcPort | SegmentPort | SwitchPort


class Network(BaseModel):
    """Everything that a user declared. Valid when it comes from :func:`flows.model.parse`."""

    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)

    encapsulation: Annotated[
        Encapsulation, Field(description="How packets travel between hosts. The same on every host.")
    ] = "gre"
    underlay: Annotated[Underlay, Field(description="The network between the hosts.")] = Underlay()
    hosts: Annotated[
        dict[str, Host], Field(description="The machines that run Open vSwitch and instances, by name.")
    ] = {}
    vpcs: Annotated[
        dict[str, Vpc], Field(description="Private networks, by name. They cannot see each other unless peered.")
    ] = {}
    segments: Annotated[
        dict[str, Segment],
        Field(description="Switched (layer 2) networks, by name. They are isolated from each other."),
    ] = {}
    ports: Annotated[dict[str, AnyPort], Field(description="The network interfaces of instances, by name.")] = {}
    peerings: Annotated[dict[str, Peering], Field(description="Connections between subnets of two VPCs, by name.")] = {}
    security_groups: Annotated[
        dict[str, SecurityGroup],
        Field(description="Which connections ports of VPCs may have, by name: rules, and the ports they hold for."),
    ] = {}

    switches: Annotated[
        dict[str, PlainSwitch],
        Field(description="Plain switches: bridges that are no hosts, by name. They learn MAC addresses."),
    ] = {}
    links: Annotated[dict[str, Link], Field(description="Cables between plain switches, by name.")] = {}
    routers: Annotated[
        dict[str, Router], Field(description="Routers between the networks of plain switches, by name.")
    ] = {}

    @cached_property
    def vpc_ports(self) -> Mapping[str, VpcPort]:
        """The ports of VPCs."""
        return {name: port for name, port in self.ports.items() if isinstance(port, VpcPort)}

    @cached_property
    def segment_ports(self) -> Mapping[str, SegmentPort]:
        """The ports of segments."""
        return {name: port for name, port in self.ports.items() if isinstance(port, SegmentPort)}

    @cached_property
    def host_ports(self) -> Mapping[str, VpcPort | SegmentPort]:
        """The ports that are on hosts: all but those of plain switches."""
        return {**self.vpc_ports, **self.segment_ports}

    @cached_property
    def switch_ports(self) -> Mapping[str, SwitchPort]:
        """The ports of machines on plain switches."""
        return {name: port for name, port in self.ports.items() if isinstance(port, SwitchPort)}

    def groups_of(self, port: VpcPort) -> tuple[str, ...]:
        """The security groups that a port is in: those that it lists, then those that its labels put it into."""
        chosen = (
            group.name for group in self._by_labels.get(port.vpc, ()) if group.members.items() <= port.labels.items()
        )
        return tuple(dict.fromkeys((*port.groups, *chosen)))

    @cached_property
    def _by_labels(self) -> Mapping[str, list[SecurityGroup]]:
        """Of each VPC the groups that choose members by labels."""
        found: dict[str, list[SecurityGroup]] = {}
        for group in self.security_groups.values():
            if group.members:
                found.setdefault(group.vpc, []).append(group)
        return found

    @cached_property
    def members(self) -> Mapping[str, tuple[VpcPort, ...]]:
        """The ports that are in each security group."""
        found: dict[str, list[VpcPort]] = {name: [] for name in self.security_groups}
        for port in self.vpc_ports.values():
            for name in self.groups_of(port):
                found[name].append(port)
        return {name: tuple(ports) for name, ports in found.items()}

    def segments_of(self, port: SegmentPort) -> tuple[Segment, ...]:
        """The segments that a port carries."""
        if port.segment is not None:
            return (self.segments[port.segment],)
        if port.trunk:
            return tuple(self.segments[name] for name in port.trunk)
        return tuple(segment for segment in self.segments.values() if segment.vlan is not None)

    @cached_property
    def lans(self) -> Lans:
        """The broadcast domains of plain switches, and who is in them."""
        return Lans(self)

    def with_ports(self, ports: Mapping[str, AnyPort]) -> "Network":
        """The same network with other ports. (A copy would keep what was already computed of the old ones.)"""
        fields = {name: getattr(self, name) for name in type(self).model_fields}
        return Network.model_construct(**{**fields, "ports": dict(ports)})

    @property
    def instance_mtu(self) -> int:
        """The largest IP packet, in bytes, that an instance can send without the tunnel breaking it."""
        return self.underlay.mtu - TUNNEL_OVERHEAD[self.encapsulation]

    def subnet_of(self, vpc: str, address: IPv4Address) -> Subnet | None:
        """The subnet of a VPC that an address lies in."""
        return self.ranges[vpc].holding(address)

    @cached_property
    def ranges(self) -> Mapping[str, Ranges[Subnet]]:
        """The subnets of each VPC by their ranges."""
        return {vpc.name: Ranges((s.cidr, s) for s in vpc.subnets.values()) for vpc in self.vpcs.values()}

    @cached_property
    def ends(self) -> Mapping[str, tuple[Vpc, Subnet]]:
        """Every subnet as it is written in a peering: ``vpc/subnet``."""
        return {
            f"{vpc.name}/{subnet.name}": (vpc, subnet) for vpc in self.vpcs.values() for subnet in vpc.subnets.values()
        }


def _sections() -> Iterator[tuple[str, type[Declared]]]:
    for name, field in Network.model_fields.items():
        if get_origin(field.annotation) is dict:
            kind = get_args(field.annotation)[1]
            yield name, Port if kind == AnyPort else kind


SECTIONS: Mapping[str, type[Declared]] = dict(_sections())
"""The parts of a network that hold objects by name, each with the class of its objects."""
