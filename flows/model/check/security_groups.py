"""Security groups: whom their rules name, the ports that are in them, and what in them does nothing."""

from collections.abc import Iterator, Mapping, Sequence
from ipaddress import IPv4Network
from itertools import chain

from flows.model.check.checker import Checker
from flows.model.file.source import Path
from flows.model.intervals import Intervals
from flows.model.objects.rule_values import icmp_of, is_group, ports_of
from flows.model.objects.security_group import MOST_GROUPS, Rule, SecurityGroup, Who
from flows.model.problem import Problem, shown
from flows.model.services import TCP, UDP, of_icmp, words

_FOR_ANYBODY = ("any", "anybody", "all")
"""Words that somebody may write for anybody."""

_COMPARED_RULES = 500
"""So many rules of a list are compared with each other, which is slow."""

_OPENING = Intervals.of(part for kind in (8, 13, 15, 17) for part in of_icmp(kind).parts)
"""ICMP messages that begin an exchange (RFC 792, 950). Linux and Open vSwitch track no others."""


def security_groups(c: Checker) -> Iterator[Problem]:
    peered = _peered(c)
    for name, group in c.network.security_groups.items():
        path = ("security_groups", name)
        if name in _FOR_ANYBODY:
            message = f"no security group can be named '{name}': a rule for anybody has neither 'from' nor 'to'"
            yield c.error(path, f"{message}; use another name", at_key=True)
        for here, rule in _rules(path, group):
            written = [key for key in ("tcp", "udp", "icmp", "protocol") if getattr(rule, key) is not None]
            for key in written[1:]:
                message = f"a rule is about one protocol, and this one has '{written[0]}' too; write a rule for each"
                yield c.error((*here, key), message, at_key=True)
            yield from _remotes(c, here, rule, group, peered)


_Placed = Sequence[tuple[Path, Rule]]
"""Rules, each with its place."""


def _lists(path: Path, group: SecurityGroup) -> tuple[_Placed, _Placed]:
    """The rules of both directions. A rule's name is its number in its list."""
    inbound = [((*path, "in", int(rule.name) - 1), rule) for rule in group.inbound or ()]
    return inbound, [((*path, "out", int(rule.name) - 1), rule) for rule in group.outbound or ()]


def _rules(path: Path, group: SecurityGroup) -> Iterator[tuple[Path, Rule]]:
    return chain(*_lists(path, group))


def _peered(c: Checker) -> set[frozenset[str]]:
    """The pairs of VPCs of which some subnets are peered."""
    return {frozenset(end.partition("/")[0] for end in peering.between) for peering in c.network.peerings.values()}


def _remotes(
    c: Checker, here: Path, rule: Rule, group: SecurityGroup, peered: set[frozenset[str]]
) -> Iterator[Problem]:
    known = c.network.security_groups
    seen: set[str] = set()
    for index, remote in enumerate(rule.remote or ()):
        place = (*here, rule.word, index)
        if remote in seen:
            yield c.error(place, f"{shown(remote)} is here twice; once is enough")
        seen.add(remote)
        if not is_group(remote):
            continue
        if remote in _FOR_ANYBODY:
            yield c.error(place, f"leave '{rule.word}' out: a rule without it is for anybody")
        elif remote not in known:
            yield from c.unknown(place, "security_groups", remote, known)
        elif _is_out_of_reach(c, known[remote].vpc, group.vpc, peered):
            message = f"security group '{remote}' is of vpc '{known[remote].vpc}', of which nobody can reach"
            yield c.error(place, f"{message} vpc '{group.vpc}': no peering connects them")


def _is_out_of_reach(c: Checker, one: str, other: str, peered: set[frozenset[str]]) -> bool:
    """Whether two VPCs are not connected, as far as all is known of them."""
    is_known = {one, other} <= c.network.vpcs.keys() and c.is_complete(("peerings",))
    return is_known and one != other and frozenset((one, other)) not in peered


def port_groups(c: Checker) -> Iterator[Problem]:
    known = c.network.security_groups
    for name, port in c.network.vpc_ports.items():
        if not (port.groups or port.labels):
            continue
        path = ("ports", name)
        seen: set[str] = set()
        for index, group in enumerate(port.groups):
            place = (*path, "groups", index)
            if group in seen:
                yield c.error(place, f"{shown(group)} is here twice; once is enough")
            seen.add(group)
            vpc = known[group].vpc if group in known else port.vpc
            if vpc != port.vpc and {vpc, port.vpc} <= c.network.vpcs.keys():
                message = f"security group '{group}' is of vpc '{vpc}', and this port is in '{port.vpc}'"
                yield c.error(place, f"{message}; a port can only be in groups of its own VPC")
        number = len(c.network.groups_of(port))
        if number > MOST_GROUPS:
            message = f"the port is in {number} security groups; {MOST_GROUPS} are the most"
            yield c.error((*path, "groups" if port.groups else "labels"), message, at_key=True)


def idle_groups(c: Checker) -> Iterator[Problem]:
    """Groups that nobody is in, and those that say nothing."""
    for name, group in c.network.security_groups.items():
        path = ("security_groups", name)
        if group.inbound is None and group.outbound is None:
            message = "this group has neither 'in' nor 'out', so it restricts nobody and only names its members"
            yield c.warning(path, f"{message}; write 'in: []' to let nothing in", at_key=True)
        if not c.network.members[name]:
            labels = ", ".join(f"{key}: {value}" for key, value in group.members.items())
            wanted = (
                f"no port of vpc '{group.vpc}' lists it or has the labels {labels}" if labels else "no port lists it"
            )
            yield c.warning(path, f"nobody is in this group: {wanted}", at_key=True)


def idle_rules(c: Checker) -> Iterator[Problem]:
    """Rules, or parts of them, that can never do anything."""
    near = _near(c)
    for name, group in c.network.security_groups.items():
        path = ("security_groups", name)
        for here, rule in _rules(path, group):
            yield from _said_twice(c, here, rule)
            yield from _never_new(c, here, rule)
            yield from _nobody(c, here, rule, near[group.vpc], group.vpc)
        for rules in _lists(path, group):
            yield from _covered(c, rules)


def _said_twice(c: Checker, here: Path, rule: Rule) -> Iterator[Problem]:
    """Ports and messages that a rule names more than once."""
    lists = (
        ("tcp", [(text, ports_of(TCP, text)) for text in rule.tcp or ()]),
        ("udp", [(text, ports_of(UDP, text)) for text in rule.udp or ()]),
        ("icmp", [(text, icmp_of(text)) for text in rule.icmp or ()]),
    )
    for key, parts in lists:
        said: list[tuple[str, Intervals]] = []
        for index, (text, services) in enumerate(parts):
            first = next((other for other, before in said if before & services), None)
            if first is not None:
                both = words(services & dict(said)[first]).removeprefix(f"{key} ")
                why = f": {first} has it too" if first != both else "; once is enough"
                yield c.warning((*here, key, index), f"{both} is here twice{why}")
            said.append((text, services))


def _never_new(c: Checker, here: Path, rule: Rule) -> Iterator[Problem]:
    for index, text in enumerate(rule.icmp or ()):
        if not icmp_of(text) & _OPENING:
            message = f"{text} never begins an exchange: it passes with the connection that it belongs to"
            yield c.warning((*here, "icmp", index), f"{message}, which needs no rule; no rule lets in any other")


def _near(c: Checker) -> Mapping[str, list[IPv4Network]]:
    """The ranges of each VPC and of the subnets that it is peered with."""
    found = {name: [subnet.cidr for subnet in vpc.subnets.values()] for name, vpc in c.network.vpcs.items()}
    for peering in c.network.peerings.values():
        for end in peering.between:
            found[c.network.ends[end][0].name].append(c.network.ends[peering.other(end)][1].cidr)
    return found


def _nobody(c: Checker, here: Path, rule: Rule, near: Sequence[IPv4Network], vpc: str) -> Iterator[Problem]:
    for index, remote in enumerate(rule.remote or ()):
        place = (*here, rule.word, index)
        if is_group(remote):
            if not c.network.members[remote]:
                yield c.warning(place, f"this admits nobody: security group '{remote}' has no members")
        elif not any(IPv4Network(remote).overlaps(cidr) for cidr in near):
            message = f"this admits nobody: no subnet of vpc '{vpc}' or peered with it has addresses in {remote}"
            yield c.warning(place, message)


def _covered(c: Checker, rules: _Placed) -> Iterator[Problem]:
    """Rules that another one of the list makes needless; of two that say the same, the second."""
    compared = rules[:_COMPARED_RULES]
    for at, (here, rule) in enumerate(compared):
        for other_at, (there, other) in enumerate(compared):
            if other_at != at and _is_within(rule, other) and (other_at < at or not _is_within(other, rule)):
                message = f"this rule does nothing: {other} on line {c.line(there)} admits all of it"
                yield c.warning(here, message)
                break


def _is_within(one: Rule, other: Rule) -> bool:
    return _is_part(one.who, other.who) and one.services <= other.services


def _is_part(one: Who, other: Who) -> bool:
    """Whether whoever is among the first ones is among the others, by what is written."""
    if one.anybody or other.anybody:
        return other.anybody
    ranges = all(any(narrow.subnet_of(wide) for wide in other.ranges) for narrow in one.ranges)
    return one.groups <= other.groups and ranges
