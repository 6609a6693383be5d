"""What the controller says of itself: put together, and written only where it is different from before."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, Generic, TypeVar

from controller.status.node import Connections, Node, PacketsUp
from controller.status.status import (
    ControllerPackets,
    HostReport,
    ManyConnections,
    NodeStatus,
    PacketsAboveLimit,
    PluggedIn,
    Progress,
    ReachedNetwork,
    Status,
    SwitchStatus,
    UnansweredPackets,
    UnreachedHost,
    plain,
)
from controller.status.unreached import Unreached
from flows.inputs.facts import HostFacts
from flows.inputs.tree import LinkVlan

_What = TypeVar("_What")

_NEARLY = 0.8
"""The part of its limit from which on a port opens nearly as many connections as it may."""


@dataclass(frozen=True, slots=True)
class _Said(Generic[_What]):
    """A part of the status, and how it was written. The same object is not written again."""

    what: _What | None = None
    written: dict[str, Any] = field(default_factory=dict)


class Report:
    """The whole status. What nothing changed for is the very same object as the last time."""

    def __init__(self) -> None:
        self._generation = 0
        self._hosts: dict[str, _Said[tuple[HostReport, list[str]]]] = {}
        """Of each host what there is to say, and the ports that are there."""
        self._progress: dict[str, _Said[Progress]] = {}
        self._located: dict[str, list[str]] = {}
        self._facts: dict[str, HostFacts] = {}
        self._lost: dict[str, list[str]] = {}
        self._switches: Mapping[str, SwitchStatus] = {}
        self._on_switches: dict[str, str] = {}
        self.open_links: list[LinkVlan] = []
        self._touched: set[str] = set()
        self._progressed: set[str] = set()
        self._is_new = True

    def touch(self, host: str) -> None:
        """Something about a host may have changed."""
        self._touched.add(host)

    def progressed(self, host: str) -> None:
        """How far a host is may have changed, and nothing else about it."""
        self._progressed.add(host)

    def placed(self, host: str, ports: list[str]) -> None:
        """These ports are on a host now."""
        self._located[host] = ports
        self._touched.add(host)

    def lost(self, host: str, ports: list[str]) -> None:
        """These ports were plugged in on a host last, and are nowhere now."""
        self._lost[host] = ports
        self._touched.add(host)

    def observed(self, host: str, facts: HostFacts) -> None:
        """A host has these facts now."""
        self._facts[host] = facts
        self._touched.add(host)

    def is_of(self, generation: int, hosts: Mapping[str, Any], on_switches: Callable[[], dict[str, str]]) -> None:
        """The model is of this generation, with these hosts. ``on_switches``: the plain switch of each of its ports."""
        if generation != self._generation or hosts.keys() != self._hosts.keys():
            self._on_switches = on_switches()
            self._generation, self._is_new = generation, True
            self._touched.update(hosts.keys() - self._hosts.keys())
            self._progressed.update(hosts)
            self._hosts = {host: self._hosts.get(host, _Said()) for host in hosts}
            self._progress = {host: self._progress.get(host, _Said()) for host in hosts}
            self._located = {host: ports for host, ports in self._located.items() if host in hosts}
            self._lost = {host: ports for host, ports in self._lost.items() if host in hosts}
            self._facts = {host: facts for host, facts in self._facts.items() if host in hosts}

    def changed(
        self,
        describe: Callable[[str], HostReport],
        progress: Callable[[str], Progress],
        switches: Mapping[str, SwitchStatus],
        open_links: list[LinkVlan],
    ) -> dict[str, Any] | None:
        """The status, in the form in which the store takes it, when it is not what it was at the last call."""
        for host in self._touched & self._hosts.keys():
            report = _with_facts(describe(host), self._facts.get(host), self._lost.get(host, []))
            located = self._located.get(host, [])
            if (report, located) != self._hosts[host].what:
                self._hosts[host] = _Said((report, located), plain(report) | {"located": located})
                self._is_new = True
        for host in (self._touched | self._progressed) & self._hosts.keys():
            if (moved := progress(host)) != self._progress[host].what:
                self._progress[host], self._is_new = _Said(moved, plain(moved)), True
        self._touched.clear()
        self._progressed.clear()
        if (switches, open_links) != (self._switches, self.open_links):
            self._switches, self.open_links, self._is_new = switches, open_links, True
        if not self._is_new:
            return None
        self._is_new = False
        return {
            "generation": self._generation,
            "hosts": {host: said.written for host, said in self._hosts.items()},
            "progress": {host: said.written for host, said in self._progress.items()},
            "on_switches": self._on_switches,
            "switches": {name: plain(switch) for name, switch in switches.items()},
            "open_links": open_links,
        }


@dataclass(frozen=True, slots=True)
class Before:
    """What an earlier controller left, out of its last status."""

    facts: Mapping[str, HostFacts]
    """What it saw on each host."""
    open_links: frozenset[LinkVlan]
    """What it left open between plain switches."""
    on_hosts: Mapping[str, set[str]]
    """The ports that each host had plugged in, or had last."""
    on_switches: Mapping[str, set[str]]
    """The same of plain switches."""


def before(status: Status) -> Before:
    """What a controller needs to know of the one before."""
    facts = {name: host.facts(name) for name, host in status.hosts.items()}
    return Before(
        {name: known for name, known in facts.items() if known is not None},
        frozenset(status.open_links),
        {name: _plugged(host) for name, host in status.hosts.items()},
        {name: _plugged(switch) for name, switch in status.switches.items()},
    )


def _plugged(node: NodeStatus) -> set[str]:
    return {*(port for port, _, _ in node.interfaces), *node.lost}


def progress(host: Node) -> Progress:
    """How far one host is."""
    return Progress(host.wanted_generation, host.confirmed_generation, host.is_settled, host.flows)


def host_report(host: Node, cut_off: list[str], unreached: list[Unreached]) -> HostReport:
    """What is to be said of one host, but for its facts and ports.

    ``cut_off``: the segments that it has no VLAN for. ``unreached``: the hosts that it does not reach.
    """
    return HostReport(
        database=host.has_database,
        switch=host.session is not None,
        problem=host.problem,
        problems=tuple(sorted(host.problems)),
        drift=host.drifted.report(),
        refused=host.refusals.report(),
        drops=host.drops.by_reason,
        packets=packets_up(host.packets),
        many_connections=tuple(many_connections(host.new_connections)),
        unreached=tuple(UnreachedHost(way.receiver, way.since, way.small_only) for way in unreached),
        cut_off=tuple(cut_off),
    )


def many_connections(connections: Connections) -> Iterator[ManyConnections]:
    """The ports that open nearly as many connections as they may, or had some refused."""
    for port, opened in sorted(connections.by_port.items()):
        if opened.refused or opened.per_second >= _NEARLY * opened.limit:
            yield ManyConnections(port, round(opened.per_second), opened.limit, opened.refused)


def packets_up(packets: PacketsUp) -> ControllerPackets:
    """What came of the packets that a switch had for the controller."""
    unanswered = (UnansweredPackets(handler, why, count) for (handler, why), count in packets.unanswered.items())
    above = (PacketsAboveLimit(handler, port, count) for (handler, port), count in packets.above_limit.items())
    return ControllerPackets(tuple(unanswered), tuple(above))


def _with_facts(report: HostReport, facts: HostFacts | None, lost: list[str]) -> HostReport:
    if facts is None:
        return replace(report, lost=tuple(lost))
    return replace(
        report,
        datapath=facts.datapath_type,
        tunnel=facts.tunnel_ofport,
        interfaces=tuple(PluggedIn(*one) for one in sorted((i.iface_id, i.name, i.ofport) for i in facts.interfaces)),
        physical=tuple(ReachedNetwork(*one) for one in sorted(facts.physical)),
        lost=tuple(lost),
    )
