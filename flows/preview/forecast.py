"""What hosts and plain switches will report because of a change of the model, some time after it is made.

Flows follow what is observed. A port that the model moves to another host keeps its flows where it is until its
interface shows up there. This says which observations a change leads to, so that a plan can count their flows too.
Only what the change is about is awaited: a port that was missing before, and is the same, is missing afterwards.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property

from flows.inputs.facts import HostFacts, Interface, Plug, SwitchFacts
from flows.inputs.locate import locate
from flows.model import AnyPort, Host, Network, SegmentPort, VpcPort
from flows.model.contract import TUNNEL_OFPORT, datapath_id, tunnel_port
from flows.model.difference import NetworkDifference
from flows.model.interfaces import interface_name
from flows.model.problem import listed

Hosts = Mapping[str, HostFacts]
Switches = Mapping[str, SwitchFacts]


@dataclass(frozen=True, slots=True)
class Observed:
    """The facts of hosts and plain switches at one time."""

    hosts: Hosts
    switches: Switches


@dataclass(frozen=True)
class Forecast:
    """What will be observed after a change. ``difference``: the change; ``now``: what is observed before it."""

    difference: NetworkDifference
    now: Observed

    @cached_property
    def steps(self) -> list[Observed]:
        """What will be observed, one after the other; the last one is for good. Nothing: all stays as it is."""
        final = Observed(
            {name: self._host(host) for name, host in self._network.hosts.items() if self._is_reported(name)},
            {name: self._switch(name) for name in self._network.switches if self._is_reported_of_switch(name)},
        )
        unchanged = {name: facts for name, facts in self.now.hosts.items() if name in self._network.hosts}
        switches = {name: facts for name, facts in self.now.switches.items() if name in self._network.switches}
        if not self._tunnels_anew:
            return [] if final == Observed(unchanged, switches) else [final]
        without = {
            name: replace(facts, tunnel_ofport=None) if name in self._tunnels_anew else facts
            for name, facts in unchanged.items()
        }
        return [Observed(without, switches), final]

    @cached_property
    def events(self) -> list[str]:
        """What happens for that, each as the rest of a sentence that begins with "when"."""
        told = [f"{name} is connected" for name in self._network.hosts if self._is_new(name)]
        told += [f"switch {name} is connected" for name in self._network.switches if self._is_new_switch(name)]
        if anew := self._tunnels_anew:
            old, new = (tunnel_port(one.encapsulation) for one in (self.difference.old, self._network))
            told.append(f"{old} is replaced by {new} on {listed(anew)}")
        ways: dict[tuple[tuple[str, ...], tuple[str, ...], bool], list[str]] = {}
        for name, way in self._ways():
            ways.setdefault(way, []).append(name)
        for (to, away, too), names in ways.items():
            told.append(_plugged(names, to, away, too=too))
        return [*told, *self._physical(), *self._cables()]

    @property
    def _network(self) -> Network:
        return self.difference.new

    def _is_new(self, host: str) -> bool:
        """Whether the change adds a host of which nothing is known yet."""
        return host not in self.difference.old.hosts and host not in self.now.hosts

    def _is_new_switch(self, switch: str) -> bool:
        return switch not in self.difference.old.switches and switch not in self.now.switches

    def _is_reported(self, host: str) -> bool:
        """Whether it can be told what a host will report."""
        return host in self.now.hosts or self._is_new(host)

    def _is_reported_of_switch(self, switch: str) -> bool:
        return switch in self.now.switches or self._is_new_switch(switch)

    @cached_property
    def _tunnels_anew(self) -> list[str]:
        """The hosts whose tunnel port is made anew: Open vSwitch cannot change the type of one."""
        if self.difference.old.encapsulation == self._network.encapsulation:
            return []
        return [
            name
            for name, facts in self.now.hosts.items()
            if name in self._network.hosts and facts.tunnel_ofport is not None
        ]

    @cached_property
    def _changed(self) -> list[AnyPort]:
        """The ports that the change is about."""
        changed = self.difference.changed["ports"]
        return [port for port in self._network.ports.values() if port.name in changed]

    @cached_property
    def _located(self) -> Mapping[str, str]:
        """Where each port is before anything follows."""
        return locate(self._network, self.now.hosts).hosts

    @cached_property
    def _plugged_in(self) -> Mapping[str, set[str]]:
        """The hosts that have an interface for each name now."""
        found: dict[str, set[str]] = {}
        for host, facts in self.now.hosts.items():
            for interface in facts.interfaces:
                found.setdefault(interface.iface_id, set()).add(host)
        return found

    @cached_property
    def _on_switches(self) -> Mapping[str, set[str]]:
        """The same for plain switches: by the name of the interface."""
        found: dict[str, set[str]] = {}
        for switch, facts in self.now.switches.items():
            for plug in facts.plugs:
                found.setdefault(plug.name, set()).add(switch)
        return found

    @cached_property
    def _moves(self) -> Mapping[str, tuple[set[str], set[str]]]:
        """Of each port that is plugged in or unplugged: the hosts or switches that get it, and those that lose it."""
        found: dict[str, tuple[set[str], set[str]]] = {}
        for port in self._changed:
            if isinstance(port, VpcPort | SegmentPort):
                belongs = {host for host in (port.host, port.moving_to) if host is not None}
                has = self._plugged_in.get(port.name, set())
                come = {host for host in belongs - has if self._is_reported(host)}
                gone = (has & {self._located.get(port.name)} if belongs else set()) - belongs
            else:
                has = self._on_switches.get(interface_name(port.name), set())
                come = {port.switch} - has if self._is_reported_of_switch(port.switch) else set()
                old = self.difference.old.switch_ports.get(port.name)
                gone = (has & {old.switch} if old else set()) - {port.switch}
            if come or gone:
                found[port.name] = come, gone
        return found

    @cached_property
    def _by_place(self) -> Mapping[str, tuple[list[str], set[str]]]:
        """Of each host or plain switch: the ports that it gets, and those that it loses."""
        found: dict[str, tuple[list[str], set[str]]] = {}
        for name, (come, gone) in self._moves.items():
            kind = "switch" if name in self._network.switch_ports else "host"
            for place in come:
                found.setdefault(f"{kind} {place}", ([], set()))[0].append(name)
            for place in gone:
                found.setdefault(f"{kind} {place}", ([], set()))[1].add(name)
        return found

    def _ways(self) -> Iterator[tuple[str, tuple[tuple[str, ...], tuple[str, ...], bool]]]:
        """Each port that is plugged in or unplugged: where to, where from, and whether it stays somewhere else too."""
        for name, (come, gone) in self._moves.items():
            has = self._plugged_in.get(name, set()) if name in self._network.host_ports else set()
            port = self._network.ports[name]
            too = port.moving_to in come and port.host in has
            yield name, (tuple(sorted(come)), tuple(sorted(gone)), too)

    def _host(self, host: Host) -> HostFacts:
        """What a host will report."""
        facts = self.now.hosts.get(host.name)
        if facts is None:
            facts = HostFacts(datapath_id(host.name), "netdev", TUNNEL_OFPORT, frozenset())
        come, gone = self._by_place.get(f"host {host.name}", ((), ()))
        tunnel = TUNNEL_OFPORT if host.name in self._tunnels_anew else facts.tunnel_ofport
        if not (come or gone or host.name in self.difference.changed["hosts"] or tunnel != facts.tunnel_ofport):
            return facts
        taken = {interface.ofport for interface in facts.interfaces} | {ofport for _, ofport in facts.physical}
        number = _numbering(taken)
        interfaces = {one for one in facts.interfaces if one.iface_id not in gone}
        interfaces |= {Interface(name, name, number(), bound=False) for name in come}
        physical = facts.physical
        if host.name in self.difference.changed["hosts"]:
            stay = {name: ofport for name, ofport in facts.physical if self._same_nic(host, name)}
            physical = frozenset((name, stay.get(name) or number()) for name in host.physical)
        return replace(facts, tunnel_ofport=tunnel, interfaces=frozenset(interfaces), physical=physical)

    def _same_nic(self, host: Host, physical: str) -> bool:
        """Whether a host is connected to a physical network by the same interface as before."""
        old = self.difference.old.hosts.get(host.name)
        return old is not None and old.physical.get(physical) == host.physical.get(physical)

    def _physical(self) -> Iterator[str]:
        """The interfaces to physical networks that hosts get and lose."""
        for name in sorted(self.difference.changed["hosts"] & self._network.hosts.keys()):
            host, facts = self._network.hosts[name], self.now.hosts.get(name)
            reached = {network for network, _ in facts.physical} if facts else set()
            for network, interface in host.physical.items():
                if self._is_reported(name) and not (network in reached and self._same_nic(host, network)):
                    yield f"{interface} connects {name} to the physical network {network}"
            for network in sorted(reached - host.physical.keys()):
                yield f"{name} is disconnected from the physical network {network}"

    def _switch(self, switch: str) -> SwitchFacts:
        """What a plain switch will report."""
        facts = self.now.switches.get(switch, SwitchFacts(frozenset()))
        come, gone = self._by_place.get(f"switch {switch}", ((), ()))
        there = {plug.name for plug in facts.plugs}
        left = {interface_name(name) for name in gone}
        added = [interface_name(name) for name in come]
        added += [end for end, _ in self._ends(switch) if end not in there]
        if not (left or added):
            return facts
        number = _numbering(plug.ofport for plug in facts.plugs)
        plugs = {plug for plug in facts.plugs if plug.name not in left}
        return SwitchFacts(frozenset(plugs | {Plug(name, number(), True) for name in added}))

    def _ends(self, switch: str) -> Iterator[tuple[str, str]]:
        """The ends of links and the legs of routers on a plain switch that the change is about; in words, whose."""
        changed = self.difference.changed
        for link in self._network.links.values():
            if switch in link.between and link.name in changed["links"]:
                yield link.end(switch), f"link {link.name}"
        for router in self._network.routers.values():
            for name, leg in router.interfaces.items() if router.name in changed["routers"] else ():
                if leg.switch == switch:
                    yield router.leg(name), f"router {router.name}"

    def _cables(self) -> Iterator[str]:
        """The links and routers that are plugged in."""
        where: dict[str, list[str]] = {}
        for switch in self._network.switches:
            if self._is_reported_of_switch(switch):
                for end, whose in self._ends(switch):
                    if switch not in self._on_switches.get(end, ()):
                        where.setdefault(whose, []).append(switch)
        for whose, switches in where.items():
            yield f"{whose} is plugged in on {listed(list(dict.fromkeys(switches)))}"


def _numbering(taken: Iterable[int]) -> Callable[[], int]:
    """Gives numbers for new ports of a bridge: the lowest that are free. What the switch will give is not known."""
    used = set(taken)
    free = (number for number in range(1, TUNNEL_OFPORT) if number not in used)
    return lambda: next(free)


def _plugged(names: list[str], to: tuple[str, ...], away: tuple[str, ...], *, too: bool) -> str:
    """Ports that are plugged in and unplugged alike, in words."""
    verb = "is" if len(names) == 1 else "are"
    if not to:
        return f"{listed(names)} {verb} unplugged from {' and '.join(away)}"
    left = f", and no longer on {' and '.join(away)}" if away else ""
    return f"{listed(names)} {verb} plugged in on {' and '.join(to)}{' too' if too else ''}{left}"
