"""Which ports a change of the model lets reach each other, and which it parts; for which services.

Only what the change can touch is looked at. Ports that nothing tells apart are looked at together: two ports of one
subnet that every route treats alike reach the same others.
"""

from collections.abc import Collection, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from ipaddress import IPv4Network
from typing import Any

from flows.model.difference import NetworkDifference
from flows.model.intervals import Intervals
from flows.model.objects.network import AnyPort, Network
from flows.model.objects.port import SegmentPort, VpcPort
from flows.model.objects.security_group import DIRECTIONS
from flows.model.objects.switch import SwitchPort
from flows.model.objects.vpc import SubnetRoute
from flows.model.problem import listed
from flows.model.reach.deciding import Decider, decider
from flows.model.reach.reachability import Verdict, answers, reached_services
from flows.model.services import EVERYTHING, NO_SERVICE


@dataclass(frozen=True, slots=True)
class ReachabilityChange:
    """Ports that start or stop reaching each other: each of ``ports`` and each of ``others``.

    When both are the same: all of them among each other.
    """

    ports: tuple[str, ...]
    others: tuple[str, ...]
    reach: bool
    """Whether they do after the change; before it, it was the other way round."""
    reason: str
    because: tuple[Decider, ...]
    """The objects of the change that make the difference."""
    services: Intervals = EVERYTHING
    """What for. Security groups may let something else pass between them, before and after."""
    is_mutual: bool = True
    """Whether others reach the ports too; otherwise only ports that begin are meant."""

    @property
    def is_whole(self) -> bool:
        """Whether nothing passes without it: the ports reach each other for everything, or for nothing."""
        return self.is_mutual and self.services == EVERYTHING

    @property
    def pairs(self) -> int:
        """How many pairs of ports these are; when they reach each other, whichever of the two begins."""
        if self.ports == self.others:
            return len(self.ports) * (len(self.ports) - 1) // 2
        return len(self.ports) * len(self.others)


def reachability_changes(difference: NetworkDifference) -> list[ReachabilityChange]:
    """All pairs of ports that reach each other in one of two networks and not in the other, or not for the same."""
    found = list(_Comparison(difference).changes())
    mutual = [change for change in found if change.is_mutual]
    directed = _joined((change for change in found if not change.is_mutual), "ports", "others")
    return [*mutual, *_joined(directed, "others", "ports")]


def _joined(changes: Iterable[ReachabilityChange], joined: str, same: str) -> list[ReachabilityChange]:
    """Changes as fewer ones: those that are alike but for one side become one. A rule for anybody is one line."""
    alike: dict[Hashable, list[ReachabilityChange]] = {}
    for change in changes:
        key = (getattr(change, same), change.services, change.reach, change.because)
        alike.setdefault(key, []).append(change)
    found = []
    for some in alike.values():
        side: dict[str, Any] = {joined: tuple(name for change in some for name in getattr(change, joined))}
        found.append(replace(some[0], **side))
    return found


class _Comparison:
    def __init__(self, difference: NetworkDifference) -> None:
        self._difference = difference
        self._old, self._new = _Side(difference.old), _Side(difference.new)

    def changes(self) -> Iterator[ReachabilityChange]:
        groups = list(self._groups().values())
        touched = [bool(self._touched.intersection(names)) for names in groups]
        for index, ports in enumerate(groups):
            for others, is_touched in zip(groups[index:], touched[index:], strict=True):
                if touched[index] or is_touched:
                    yield from self._changes_of(ports, others)

    def _changes_of(self, ports: Sequence[str], others: Sequence[str]) -> Iterator[ReachabilityChange]:
        if ports is others and len(ports) == 1:
            return
        one, other = ports[0], others[1] if ports is others else others[0]
        there, back = self._services(one, other), self._services(other, one)
        yield from self._changes_for(ports, others, there, is_mutual=there == back)
        if there != back:
            yield from self._changes_for(others, ports, back, is_mutual=False)

    def _services(self, one: str, other: str) -> tuple[Intervals, Intervals]:
        """The services for which one port will reach another one, and those for which it will do so no more."""
        before, after = self._old.services(one, other), self._new.services(one, other)
        return after - before, before - after

    def _changes_for(
        self, ports: Sequence[str], others: Sequence[str], services: tuple[Intervals, Intervals], *, is_mutual: bool
    ) -> Iterator[ReachabilityChange]:
        for some, reach in zip(services, (True, False), strict=True):
            if not some:
                continue
            one, other = ports[0], others[1] if ports is others else others[0]
            before, after = self._old.answers(one, other, some), self._new.answers(one, other, some)
            reason = after.reason or self._what_is_gone(dict.fromkeys([*ports, *others]))
            deciding = {found.what: found for found in (*before.because, *after.because)}
            because = tuple(found for what, found in deciding.items() if what in self._changed_objects)
            yield ReachabilityChange(tuple(ports), tuple(others), reach, reason, because, some, is_mutual)

    def _what_is_gone(self, names: Collection[str]) -> str:
        """Why the reach of some ports is unknown now: some are gone, or have no address."""
        ports = self._new.network.ports
        gone, what = [name for name in names if name not in ports], ("is gone", "are gone")
        if not gone:
            gone = [name for name in names if ports[name].address is None]
            what = ("has no address any more", "have no address any more")
        return f"{listed(gone)} {what[len(gone) > 1]}"

    @cached_property
    def _touched(self) -> frozenset[str]:
        """The ports whose reach may have changed."""
        difference = self._difference
        found = {name for name in difference.changed["ports"] if self._differs(name)}
        if any(difference.changed[section] for section in ("switches", "links", "routers")):
            found.update(difference.old.switch_ports, difference.new.switch_ports)
        for side in (self._old, self._new):
            for end in difference.changed_ends:
                found.update(side.ports_at.get(end, ()))
            for group in difference.changed["security_groups"] & side.network.security_groups.keys():
                found.update(port.name for port in side.network.members[group])
        return frozenset(found)

    def _differs(self, name: str) -> bool:
        """Whether a port that changed may reach others now: a new host or MAC address alone makes no difference."""
        is_machine = name in self._difference.new.switch_ports
        return is_machine or self._old.group(name) != self._new.group(name)

    def _groups(self) -> Mapping[Hashable, list[str]]:
        """The ports whose reach may have changed, in the model's order. Ports that neither network tells apart are
        together.
        """
        areas = set().union(*(side.around(name) for side in (self._old, self._new) for name in self._touched))
        names = dict.fromkeys([*self._difference.old.ports, *self._difference.new.ports])
        groups: dict[Hashable, list[str]] = {}
        for name in names:
            if not areas.isdisjoint((self._old.area(name), self._new.area(name))):
                groups.setdefault((self._old.group(name), self._new.group(name)), []).append(name)
        return groups

    @cached_property
    def _changed_objects(self) -> frozenset[str]:
        """What changed, as verdicts call it."""
        changed = self._difference.changed
        found: set[str] = set()
        for network in (self._difference.old, self._difference.new):
            ports = changed["ports"] & self._touched & network.ports.keys()
            found.update(decider(network.ports[name]).what for name in ports if self._differs(name))
            for section in ("segments", "peerings", "routers"):
                found.update(
                    decider(item).what for name, item in getattr(network, section).items() if name in changed[section]
                )
            for name in changed["vpcs"] & network.vpcs.keys():
                found.update(self._changed_parts(network, name))
            for name in changed["security_groups"] & network.security_groups.keys():
                found.update(self._changed_rules(network, name))
        return frozenset(found)

    def _changed_rules(self, network: Network, name: str) -> Iterator[str]:
        """Rules of a group that the other network does not have; all of them, and the group, where others are in it."""
        other = self._difference.new if network is self._difference.old else self._difference.old
        group, there = network.security_groups[name], other.security_groups.get(name)
        is_for_others = there is None or (group.vpc, group.members) != (there.vpc, there.members)
        for direction in DIRECTIONS:
            rules, theirs = group.rules_of(direction), there.rules_of(direction) if there else None
            if is_for_others or (rules is None) != (theirs is None):
                yield decider(group).what
            known = set() if is_for_others else {str(rule) for rule in theirs or ()}
            yield from (decider(rule, str(group)).what for rule in rules or () if str(rule) not in known)

    def _changed_parts(self, network: Network, vpc: str) -> Iterator[str]:
        """Subnets and routes of a VPC, those that the other network has not like this."""
        other = self._difference.new if network is self._difference.old else self._difference.old
        if vpc not in other.vpcs:
            yield decider(network.vpcs[vpc]).what
        for subnet in network.vpcs[vpc].subnets.values():
            end = f"{vpc}/{subnet.name}"
            there = other.ends[end][1] if end in other.ends else None
            if there is None or there.cidr != subnet.cidr:
                yield decider(subnet, vpc).what
            ways = {(route.to, route.via) for route in there.routes} if there else set()
            yield from (decider(route, end).what for route in subnet.routes if (route.to, route.via) not in ways)


class _Side:
    """One of the two networks."""

    def __init__(self, network: Network) -> None:
        self.network = network

    def _port(self, name: str) -> AnyPort | None:
        """A port that can send and be sent to."""
        port = self.network.ports.get(name)
        return port if port is not None and port.address is not None else None

    def services(self, one: str, other: str) -> Intervals:
        """For what a port reaches another one: for nothing where one of them is not there."""
        source, target = self._port(one), self._port(other)
        return NO_SERVICE if source is None or target is None else reached_services(self.network, source, target)

    def answers(self, one: str, other: str, services: Intervals) -> Verdict:
        """Whether a port reaches another one for some services; between ports that are not there it does not."""
        source, target = self._port(one), self._port(other)
        if source is None or target is None:
            return Verdict(False, "", tuple(decider(port) for port in (source, target) if port))
        return answers(self.network, source, target, services)

    def area(self, name: str) -> Hashable:
        """What a port is in. Only ports of areas that are near each other may reach each other."""
        match self._port(name):
            case VpcPort() as port:
                return "vpc", port.vpc
            case SegmentPort() as port:
                return "segment", port.segment
            case SwitchPort():
                return "switches"
            case _:
                return None

    def around(self, name: str) -> set[Hashable]:
        """The areas that a port may reach, its own among them."""
        port = self._port(name)
        if port is None:
            return set()
        found: set[Hashable] = {self.area(name)}
        if isinstance(port, VpcPort):
            found.update(("vpc", far.partition("/")[0]) for far, _ in self._peers.get(self._end(port), ()))
        return found

    def group(self, name: str) -> Hashable:
        """The same for ports that nothing tells apart; None for a port that is not there."""
        match self._port(name):
            case VpcPort() as port:
                ranges = (route.to for _, routes in self._peers.get(self._end(port), ()) for route in routes)
                routed = frozenset(to for to in ranges if port.ips[0] in to)
                return "vpc", port.vpc, self._end(port), routed, *self._known_to_rules(port)
            case SegmentPort(segment=str(segment), ip=ip) if ip is not None:
                return "segment", segment, frozenset(net for net in self._networks[segment] if ip.ip in net), ip.network
            case SwitchPort():
                return "switch", name
            case _:
                return None

    def _known_to_rules(self, port: VpcPort) -> tuple[frozenset[str], frozenset[tuple[int, int]]]:
        """What rules of security groups can know of a port: its groups, and which of their ranges it is in."""
        if not self.network.security_groups:
            return frozenset(), frozenset()
        prefixes = ((length, int(port.ips[0]) >> 32 - length) for length in self._ranges)
        ranges = (prefix for prefix in prefixes if prefix[1] in self._ranges[prefix[0]])
        return frozenset(self.network.groups_of(port)), frozenset(ranges)

    @cached_property
    def _ranges(self) -> Mapping[int, set[int]]:
        """The ranges that rules name: by the length of their prefixes, the prefixes."""
        found: dict[int, set[int]] = {}
        for group in self.network.security_groups.values():
            for rule in (*(group.inbound or ()), *(group.outbound or ())):
                for cidr in rule.who.ranges:
                    found.setdefault(cidr.prefixlen, set()).add(int(cidr.network_address) >> 32 - cidr.prefixlen)
        return found

    def _end(self, port: VpcPort) -> str:
        subnet = self.network.subnet_of(port.vpc, port.ips[0])
        assert subnet is not None, f"{port.name} has an address of no subnet: the model was not checked"
        return f"{port.vpc}/{subnet.name}"

    @cached_property
    def ports_at(self) -> Mapping[str, list[str]]:
        """The ports of each subnet."""
        found: dict[str, list[str]] = {}
        for port in self.network.vpc_ports.values():
            found.setdefault(self._end(port), []).append(port.name)
        return found

    @cached_property
    def _peers(self) -> Mapping[str, list[tuple[str, tuple[SubnetRoute, ...]]]]:
        """Of each subnet that is peered, the subnets at the other ends and their routes."""
        found: dict[str, list[tuple[str, tuple[SubnetRoute, ...]]]] = {}
        for peering in self.network.peerings.values():
            for end in peering.between:
                far = peering.other(end)
                found.setdefault(end, []).append((far, self.network.ends[far][1].routes))
        return found

    @cached_property
    def _networks(self) -> Mapping[str, set[IPv4Network]]:
        """Of each segment, the networks that its ports are in."""
        found: dict[str, set[IPv4Network]] = {}
        for port in self.network.segment_ports.values():
            if port.segment is not None and port.ip is not None:
                found.setdefault(port.segment, set()).add(port.ip.network)
        return found
