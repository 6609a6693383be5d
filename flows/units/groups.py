"""What one host needs of the security groups of its VPCs' ports.

Two kinds of groups matter on a host: those of its own ports, with their rules; and those that these rules name, with
the addresses of their members. Which addresses those are is the only thing that a port of another host changes here.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from hashlib import blake2b
from ipaddress import IPv4Address, IPv4Network
from typing import ClassVar

from flows.model import SecurityGroup, VpcPort
from flows.model.atoms import Atom, atoms
from flows.model.intervals import Interval, Intervals
from flows.model.objects.security_group import NOBODY, Who
from flows.model.services import EVERYTHING, of_ports, of_protocol, protocol_name
from flows.units.context import HostContext
from flows.units.group_presence import GroupPresence, Naming
from flows.units.said import Named, Several, Why, why
from flows.units.subject import Places, Plugged, Subject
from flows.units.unit import Unit

_MOST_REMOTES = (1 << 24) - 1
"""The largest number that a group can give to whom it admits."""
_NO_GROUPS = Several()


@dataclass(frozen=True, slots=True)
class GroupedVpc(Unit):
    """A VPC with a port on this host that has security groups."""

    vpc: Named
    why: Why


@dataclass(frozen=True, slots=True)
class GroupedPort(Unit):
    """A port that is plugged in here, with its groups."""

    owns_flows: ClassVar[bool] = True

    ofport: Named
    groups: Several
    may_be_reached: bool
    """Whether none of its groups says which connections may come in: then all may."""
    may_reach: bool
    """Whether none of its groups says which connections may go out: then all may."""
    why: Why
    logged_inbound: Several = _NO_GROUPS
    """The groups that say which connections may come in, if what one of them refuses is logged; else none."""
    logged_outbound: Several = _NO_GROUPS


@dataclass(frozen=True, slots=True)
class GroupService(Unit):
    """What a group of a port that is here admits in one direction: some services, for whoever is among the remotes."""

    group: Named
    inbound: bool
    protocol: Named | None
    """None: every protocol of which nothing else is said."""
    ports: Interval | None
    """Ports, or ICMP messages (type times 256 plus code); None: all of which nothing else is said."""
    remotes: Named
    why: Why


@dataclass(frozen=True, slots=True)
class GroupFragments(Unit):
    """What a group admits of later fragments, which have no ports: those of a protocol that it admits ports of."""

    group: Named
    inbound: bool
    protocol: Named
    remotes: Named
    why: Why


@dataclass(frozen=True, slots=True)
class GroupRemotes(Unit):
    """Whom a group admits for some services: anybody, or members of groups and addresses of ranges."""

    group: Named
    inbound: bool
    remotes: Named
    anybody: bool
    members_of: tuple[Named, ...]
    ranges: tuple[IPv4Network, ...]
    why: Why


@dataclass(frozen=True, slots=True)
class GroupMember(Unit):
    """An address of a member of groups that rules name which matter here, in a VPC that is here."""

    owns_flows: ClassVar[bool] = True

    vpc: Named
    ip: IPv4Address
    inbound: bool
    groups: Several
    why: Why

    def __hash__(self) -> int:
        """There are very many of these: to hash all of it would take long."""
        return hash((GroupMember, self.vpc, int(self.ip), self.inbound))


@dataclass(frozen=True, slots=True)
class PeerMember(Unit):
    """The same in a VPC that a subnet which is here has a peering with."""

    owns_flows: ClassVar[bool] = True

    subnet: Named
    ip: IPv4Address
    inbound: bool
    groups: Several
    why: Why


def _of_host(here: HostContext) -> Iterator[Unit]:
    for vpc in here.local_vpcs:
        if vpc.name in here.grouped_vpcs:
            yield GroupedVpc(here.vpc(vpc), why(vpc))
    for group in here.local_groups:
        yield from _GroupUnits(group, here).units()


def _of_vpc_port(here: HostContext, port: VpcPort, places: Places, interface: Plugged) -> Iterator[Unit]:
    """What a port is as a member of groups, and as a port that has them."""
    if not here.groups:
        return
    names = sorted(here.network.groups_of(port))
    found = [here.groups[name] for name in names if name in here.groups]
    if not found:
        return
    reason = why(port)
    yield from _member(port, found, reason)
    if interface is not None:
        inbound = [group for group in found if group.says_inbound]
        outbound = [group for group in found if group.says_outbound]
        groups = Several(group.group for group in found)
        ofport = Named(interface.ofport, port.name)
        yield GroupedPort(ofport, groups, not inbound, not outbound, reason, _logged(inbound), _logged(outbound))


def _logged(groups: Iterable[GroupPresence]) -> Several:
    """Groups that refuse together what none of them allows, if that is logged; else none."""
    groups = tuple(groups)
    return Several(group.group for group in groups if any(one.is_logged for one in groups))


def _member(port: VpcPort, found: Iterable[GroupPresence], reason: Why) -> Iterator[Unit]:
    named: dict[Naming, list[Named]] = {}
    for group in found:
        for naming in group.named:
            named.setdefault(naming, []).append(group.group)
    for naming, groups in named.items():
        for ip in port.ips:
            if naming.range is None:
                yield GroupMember(naming.scope, ip, naming.inbound, Several(groups), reason)
            elif ip in naming.range:
                yield PeerMember(naming.scope, ip, naming.inbound, Several(groups), reason)


class _GroupUnits:
    """The units of one group's rules."""

    def __init__(self, group: SecurityGroup, here: HostContext) -> None:
        self._group = here.group(group)
        self._here = here
        self._rules = {True: group.inbound or (), False: group.outbound or ()}

    def units(self) -> Iterator[Unit]:
        cut = {inbound: atoms(rules) for inbound, rules in self._rules.items()}
        fragments = {inbound: _of_fragments(found) for inbound, found in cut.items()}
        numbers = _numbers(
            (inbound, who)
            for inbound in cut
            for who in (*(atom.who for atom in cut[inbound]), *fragments[inbound].values())
        )
        for inbound, found in cut.items():
            for atom in found:
                yield from self._of_atom(inbound, atom, numbers[inbound, atom.who])
            for protocol, who in fragments[inbound].items():
                yield from self._of_fragments(inbound, protocol, who, numbers[inbound, who])

    def _of_atom(self, inbound: bool, atom: Atom, remotes: Named) -> Iterator[Unit]:
        protocol = None if atom.protocol is None else _protocol(atom.protocol)
        for rule in self._rules[inbound]:
            if _services(atom) <= rule.services:
                yield GroupService(self._group, inbound, protocol, atom.ports, remotes, why(rule))
                yield self._remotes(inbound, atom.who, remotes, why(rule))

    def _of_fragments(self, inbound: bool, protocol: int, who: Who, remotes: Named) -> Iterator[Unit]:
        for rule in self._rules[inbound]:
            if rule.services & of_protocol(protocol):
                yield GroupFragments(self._group, inbound, _protocol(protocol), remotes, why(rule))
                yield self._remotes(inbound, who, remotes, why(rule))

    def _remotes(self, inbound: bool, who: Who, remotes: Named, reason: Why) -> GroupRemotes:
        groups = tuple(self._here.group(self._here.network.security_groups[name]) for name in sorted(who.groups))
        return GroupRemotes(self._group, inbound, remotes, who.anybody, groups, tuple(sorted(who.ranges)), reason)


def _protocol(number: int) -> Named:
    return Named(number, protocol_name(number))


def _services(atom: Atom) -> Intervals:
    """What an atom is for, at least."""
    if atom.protocol is None:
        return EVERYTHING
    return of_protocol(atom.protocol) if atom.ports is None else of_ports(atom.protocol, *atom.ports)


def _of_fragments(found: Iterable[Atom]) -> dict[int, Who]:
    """Whom atoms admit for later fragments of each protocol that has ports among them: whoever may for any port."""
    admitted: dict[int, Who] = {}
    for atom in found:
        if atom.protocol is not None and atom.ports is not None:
            admitted[atom.protocol] = admitted.get(atom.protocol, NOBODY) | atom.who
    return admitted


def _numbers(sets: Iterable[tuple[bool, Who]]) -> dict[tuple[bool, Who], Named]:
    """A number for whom a group admits in a direction, for each such set. It follows from the set itself.

    So a rule that comes or goes leaves the numbers of the others as they are, unless two sets have the same one.
    """
    found: dict[tuple[bool, Who], Named] = {}
    taken: set[int] = set()
    for inbound, who in sorted(set(sets), key=lambda one: (one[0], _said(one[1]))):
        text = f"{inbound} {_said(who)}"
        number = int.from_bytes(blake2b(text.encode(), digest_size=8).digest()) % _MOST_REMOTES + 1
        while number in taken:
            number = number % _MOST_REMOTES + 1
        taken.add(number)
        found[inbound, who] = Named(number, _said(who))
    return found


def _said(who: Who) -> str:
    """Some remotes in words."""
    return "anybody" if who.anybody else ", ".join([*sorted(who.groups), *map(str, sorted(who.ranges))])


_SECTIONS = {"vpcs", "peerings", "security_groups"}

GROUP_RULES = Subject(
    units=(GroupedVpc, GroupService, GroupFragments, GroupRemotes), sections=_SECTIONS, of_host=_of_host
)
GROUP_PORTS = Subject(units=(GroupedPort, GroupMember, PeerMember), sections=_SECTIONS, of_vpc_port=_of_vpc_port)
