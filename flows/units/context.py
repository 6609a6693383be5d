"""What the units of one host are made from, ports aside.

A port's units depend on the port, on its places, and on the presence of its VPC or segment on the host
(:class:`VpcPresence`, :class:`SegmentPresence`). These are small values. When one is another, the ports of that VPC or
segment are made anew on that host. So what a port's units read of the model, beside the port, has to be in one of them.
"""

from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network

from flows.inputs.facts import HostFacts
from flows.inputs.tags import Tags
from flows.model import NOTHING, Network, SecurityGroup, Segment, Subnet, Vpc
from flows.units.group_presence import Route, group_presences
from flows.units.said import Named
from flows.units.switching import Learning

TUNNEL_PORT = "the tunnel port"
"""What a host's tunnel port is called."""


@dataclass(frozen=True, slots=True)
class VpcPresence:
    """What a VPC is on a host: one with ports there, one to which a peer's routes lead, or both."""

    vpc: Named
    key: int
    """The tunnel key: the VPC's id."""
    is_here: bool
    """Whether it has a port on the host."""
    routes: tuple[tuple[Named, IPv4Network], ...]
    """The routes that lead to it and work in both directions: the subnet that each belongs to, and its range."""
    subnets: tuple[tuple[Named, IPv4Network], ...]
    """Its subnets; when it has no port on the host, those to which these routes lead."""
    gateways: tuple[IPv4Address, ...]
    """Of its subnets, when it has a port on the host."""


@dataclass(frozen=True, slots=True)
class SegmentPresence:
    """What a segment is on a host that has a port of it."""

    segment: Segment
    number: Named
    vlan: Named
    learning: Learning | None
    uplink: tuple[Named, int | None] | None
    """The port to the physical network that carries the segment, and its VLAN there."""
    tunnel: Named | None
    """The port by which it reaches other hosts."""


@lru_cache(maxsize=1 << 16)
def _vpc_tag(number: int, name: str) -> Named:
    """Made once: every host has the same, and most comparisons of units are of the same then."""
    return Named(number, f"VPC {name}")


@lru_cache(maxsize=1 << 16)
def _tag(number: int, end: str) -> Named:
    """Of a subnet, or of a security group."""
    return Named(number, end)


class HostContext:
    """One host: the model without its ports, its numbers, what was observed, and which VPCs and segments are there."""

    def __init__(
        self,
        network: Network,
        tags: Tags,
        facts: HostFacts,
        host: str,
        vpcs: Set[str],
        segments: Iterable[str],
        groups: Iterable[str] = (),
    ) -> None:
        """``vpcs``, ``segments``, ``groups``: those that have a port on the host.

        Of the network's ports nothing is asked.
        """
        self.network = network
        self.host = host
        self.local_vpcs = tuple(network.vpcs[name] for name in sorted(vpcs))
        """The VPCs that have a port on the host, by name."""
        self.tunnel = None if facts.tunnel_ofport is None else Named(facts.tunnel_ofport, TUNNEL_PORT)
        """The host's tunnel port; None: it has none yet."""
        self._tags = tags
        self._physical = dict(facts.physical)
        self.routed: dict[str, None] = {}
        """The subnets, written ``vpc/subnet``, to which routes lead that work in both directions."""
        self.local_groups = tuple(network.security_groups[name] for name in sorted(groups))
        """The security groups that have a port on the host, by name."""
        self.grouped_vpcs = frozenset(group.vpc for group in self.local_groups)
        """The names of the VPCs that these belong to."""
        self._ways: list[Route] = []
        routes = self._routes_to_peers()
        self.groups = group_presences(
            network, self.local_groups, self._ways, self.group, lambda name: self.vpc(network.vpcs[name])
        )
        """What each security group is on the host, by name."""
        self.vpcs: Mapping[str, VpcPresence] = {
            name: self._vpc_presence(network.vpcs[name], name in vpcs, routes) for name in sorted(vpcs | routes.keys())
        }
        """What each VPC is on the host, by name."""
        numbers, vlans = tags.segments, tags.vlans.get(host, {})
        self.segments: Mapping[str, SegmentPresence] = {
            name: self._segment_presence(network.segments[name], numbers[name], vlans[name])
            for name in segments
            if name in numbers and name in vlans
        }
        """What each segment is on the host, by name: those that have their numbers."""

    def vpc(self, vpc: Vpc) -> Named:
        """The tag of a VPC."""
        return _vpc_tag(self._tags.vpcs[vpc.name], vpc.name)

    def subnet(self, vpc: Vpc, subnet: Subnet) -> Named:
        """The tag of a subnet."""
        end = f"{vpc.name}/{subnet.name}"
        return _tag(self._tags.subnets[end], end)

    def group(self, group: SecurityGroup) -> Named:
        """The tag of a security group."""
        return _tag(self._tags.groups[group.name], group.name)

    def _routes_to_peers(self) -> dict[str, list[tuple[Named, IPv4Network]]]:
        """The routes of VPCs on this host that work in both directions, by the VPC that they lead to."""
        found: dict[str, list[tuple[Named, IPv4Network]]] = {}
        for vpc in self.local_vpcs:
            for subnet in vpc.subnets.values():
                for route in subnet.routes:
                    if route.via == NOTHING:
                        continue
                    remote = self.network.peerings[route.via].other(f"{vpc.name}/{subnet.name}")
                    remote_vpc, remote_subnet = self.network.ends[remote]
                    if any(returning.via == route.via for returning in remote_subnet.routes):
                        self.routed[remote] = None
                        found.setdefault(remote_vpc.name, []).append((self.subnet(vpc, subnet), route.to))
                        self._ways.append((vpc.name, remote_vpc.name, self.subnet(vpc, subnet), route.to))
        return found

    def _vpc_presence(
        self, vpc: Vpc, is_here: bool, routes: Mapping[str, list[tuple[Named, IPv4Network]]]
    ) -> VpcPresence:
        routed = (self.network.ends[end] for end in self.routed)
        subnets = vpc.subnets.values() if is_here else [subnet for of, subnet in routed if of.name == vpc.name]
        tagged = tuple((self.subnet(vpc, subnet), subnet.cidr) for subnet in subnets)
        gateways = tuple(subnet.gateway for subnet in vpc.subnets.values()) if is_here else ()
        return VpcPresence(self.vpc(vpc), vpc.id, is_here, tuple(routes.get(vpc.name, ())), tagged, gateways)

    def _segment_presence(self, segment: Segment, number: int, vlan: int) -> SegmentPresence:
        name = f"segment {segment.name}"
        learning = None if segment.flood_only else Learning(segment.ageing, segment.max_macs, f"VLAN {vlan}")
        tunnel = self.tunnel if segment.physical is None and segment.id is not None else None
        return SegmentPresence(segment, Named(number, name), Named(vlan, name), learning, self._uplink(segment), tunnel)

    def _uplink(self, segment: Segment) -> tuple[Named, int | None] | None:
        physical = segment.physical
        if physical is None or physical.network not in self._physical:
            return None
        return Named(self._physical[physical.network], f"physical network {physical.network}"), physical.vlan or None
