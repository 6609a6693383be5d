"""What security groups are on a host: groups that ports there have, groups that their rules name, or both."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network

from flows.model import Network, SecurityGroup
from flows.units.said import Named

Route = tuple[str, str, Named, IPv4Network]
"""A route by a peering that works in both directions: from which VPC to which, of which subnet, to which range."""


@dataclass(frozen=True, slots=True)
class Naming:
    """Where rules of groups that are here name a group: in one VPC or subnet, in one direction."""

    scope: Named
    inbound: bool
    range: IPv4Network | None
    """The addresses that the subnet reaches by a peering; None: the scope is the group's own VPC."""


@dataclass(frozen=True, slots=True)
class GroupPresence:
    """What a security group is on a host."""

    group: Named
    says_inbound: bool
    """Whether it says which connections may come in."""
    says_outbound: bool
    is_logged: bool
    """Whether what it refuses is logged."""
    named: tuple[Naming, ...]
    """Where rules that are here name it."""


def group_presences(
    network: Network,
    here: Iterable[SecurityGroup],
    routes: Iterable[Route],
    tag: Callable[[SecurityGroup], Named],
    vpc_tag: Callable[[str], Named],
) -> Mapping[str, GroupPresence]:
    """What each group is on a host, by name. ``here``: those that ports on the host have."""
    routes = tuple(routes)
    named: dict[str, dict[Naming, None]] = {}
    for group in here:
        named.setdefault(group.name, {})
        for rules, inbound in ((group.inbound, True), (group.outbound, False)):
            for name in sorted({name for rule in rules or () for name in rule.who.groups}):
                found = _namings(network, group.vpc, name, inbound, routes, vpc_tag)
                named.setdefault(name, {}).update(dict.fromkeys(found))
    found_groups = (network.security_groups[name] for name in sorted(named))
    return {
        of.name: GroupPresence(tag(of), of.inbound is not None, of.outbound is not None, of.log, tuple(named[of.name]))
        for of in found_groups
    }


def _namings(
    network: Network,
    vpc: str,
    name: str,
    inbound: bool,
    routes: Iterable[Route],
    vpc_tag: Callable[[str], Named],
) -> Iterator[Naming]:
    """Where a rule of a group of a VPC that names a group finds members of that."""
    of = network.security_groups[name].vpc
    if of == vpc:
        yield Naming(vpc_tag(vpc), inbound, None)
    for near, remote, subnet, to in routes:
        if (near, remote) == (vpc, of):
            yield Naming(subnet, inbound, to)
