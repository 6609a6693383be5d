"""Security groups in OVN: a port group for each, its ACLs, and the address sets that OVN keeps of port groups itself.

An ACL ``allow-related`` for each rule and, as in Neutron, one below them that drops, in each direction that the group
declares. Only what the benchmarks need is translated: rules of TCP and UDP, ``icmp: ping`` and ``protocol: udp``.
"""

from collections.abc import Iterable

from flows.model import Network, SecurityGroup
from flows.model.objects.rule_values import is_group
from flows.model.objects.security_group import DIRECTIONS, Direction, Rule

_ALLOW, _DROP = "1001", "1000"
_WAYS: dict[Direction, tuple[str, str, str]] = {
    "in": ("to-lport", "outport", "src"),
    "out": ("from-lport", "inport", "dst"),
}
"""Of each direction: OVN's name, the port that the group is about, and which address is the other end's."""


def group_words(network: Network) -> list[str]:
    """The part of an ovn-nbctl command that makes the security groups of a network, with their members."""
    members: dict[str, list[str]] = {name: [] for name in network.security_groups}
    for port in network.vpc_ports.values():
        for name in network.groups_of(port):
            members[name].append(port.name)
    words = [word for name, ports in members.items() for word in ("--", "pg-add", name, *ports)]
    return words + [word for group in network.security_groups.values() for word in _acls(group)]


def _acls(group: SecurityGroup) -> Iterable[str]:
    for direction in DIRECTIONS:
        rules = group.rules_of(direction)
        if rules is None:
            continue
        way, port, other = _WAYS[direction]
        of_group = f"{port} == @{group.name} && ip4"
        for rule in rules:
            match = of_group + _match(rule, other)
            yield from ("--", "--type=port-group", "acl-add", group.name, way, _ALLOW, match, "allow-related")
        yield from ("--", "--type=port-group", "acl-add", group.name, way, _DROP, of_group, "drop")


def _match(rule: Rule, other: str) -> str:
    """What a rule says, as the rest of a match."""
    parts = []
    if rule.remote is not None:
        named = (f"${one}_ip4" if is_group(one) else one for one in rule.remote)
        parts.append(f"ip4.{other} == {{{', '.join(named)}}}")
    for protocol, ports in (("tcp", rule.tcp), ("udp", rule.udp)):
        if ports is not None:
            parts.append(f"{protocol}.dst == {{{', '.join(ports)}}}")
    if rule.icmp is not None:
        assert rule.icmp == ("ping",)
        parts.append("icmp4.type == 8")
    if rule.protocol is not None:
        assert rule.protocol == "udp"
        parts.append("udp")
    return "".join(f" && {part}" for part in parts)
