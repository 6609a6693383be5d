"""Which ports a change of the model lets reach each other, and which it parts.

Only what the change can touch is looked at. Ports that nothing tells apart are looked at together: two ports of one
subnet that every route treats alike reach the same others.
"""

from collections.abc import Collection, Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import IPv4Network

from flows.model.difference import NetworkDifference
from flows.model.objects.network import AnyPort, Network
from flows.model.objects.port import SegmentPort, VpcPort
from flows.model.objects.switch import SwitchPort
from flows.model.objects.vpc import SubnetRoute
from flows.model.problem import listed
from flows.model.reach.reachability import Decider, Verdict, answers, decider


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

    @property
    def pairs(self) -> int:
        """How many pairs of ports these are, whichever of the two begins."""
        if self.ports == self.others:
            return len(self.ports) * (len(self.ports) - 1) // 2
        return len(self.ports) * len(self.others)


def reachability_changes(difference: NetworkDifference) -> list[ReachabilityChange]:
    """All pairs of ports whose pings are answered in one of two networks and not in the other, in groups."""
    return list(_Comparison(difference).changes())


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
                    yield from self._change(ports, others)

    def _change(self, ports: Sequence[str], others: Sequence[str]) -> Iterator[ReachabilityChange]:
        if ports is others and len(ports) == 1:
            return
        one, other = ports[0], others[1] if ports is others else others[0]
        before, after = self._old.answers(one, other), self._new.answers(one, other)
        if before.arrives == after.arrives:
            return
        reason = after.reason or self._what_is_gone(dict.fromkeys([*ports, *others]))
        deciding = {found.what: found for found in (*before.because, *after.because)}
        because = tuple(found for what, found in deciding.items() if what in self._changed_objects)
        yield ReachabilityChange(tuple(ports), tuple(others), after.arrives, reason, because)

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
        return frozenset(found)

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

    def answers(self, one: str, other: str) -> Verdict:
        """Whether a ping between two ports is answered; between ports that are not there it is not."""
        source, target = self._port(one), self._port(other)
        if source is None or target is None:
            return Verdict(False, "", tuple(decider(port) for port in (source, target) if port))
        return answers(self.network, source, target)

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
                return "vpc", port.vpc, self._end(port), frozenset(to for to in ranges if port.ips[0] in to)
            case SegmentPort(segment=str(segment), ip=ip) if ip is not None:
                return "segment", segment, frozenset(net for net in self._networks[segment] if ip.ip in net), ip.network
            case SwitchPort():
                return "switch", name
            case _:
                return None

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
