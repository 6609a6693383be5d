"""What the controller says of itself: what it reports, and how that is read again."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from controller.status.node import Node
from controller.status.unreached import Unreached
from flows.inputs.facts import HostFacts, Interface
from flows.inputs.tree import LinkVlan
from flows.model.contract import datapath_id


class Report:
    """The whole status. What nothing changed for is the very same object as the last time."""

    def __init__(self) -> None:
        self._generation = 0
        self._hosts: dict[str, dict[str, Any]] = {}
        self._progress: dict[str, dict[str, Any]] = {}
        self._located: dict[str, list[str]] = {}
        self._facts: dict[str, dict[str, Any]] = {}
        self._lost: dict[str, list[str]] = {}
        self._switches: dict[str, Any] = {}
        self._on_switches: dict[str, str] = {}
        self.open_links: list[Any] = []
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
        self._facts[host] = _described(facts)
        self._touched.add(host)

    def is_of(self, generation: int, hosts: Mapping[str, Any], on_switches: Callable[[], dict[str, str]]) -> None:
        """The model is of this generation, with these hosts. ``on_switches``: the plain switch of each of its ports."""
        if generation != self._generation or hosts.keys() != self._hosts.keys():
            self._on_switches = on_switches()
            self._generation, self._is_new = generation, True
            self._touched.update(hosts.keys() - self._hosts.keys())
            self._progressed.update(hosts)
            self._hosts = {host: self._hosts.get(host, {}) for host in hosts}
            self._progress = {host: self._progress.get(host, {}) for host in hosts}
            self._located = {host: ports for host, ports in self._located.items() if host in hosts}
            self._lost = {host: ports for host, ports in self._lost.items() if host in hosts}
            self._facts = {host: facts for host, facts in self._facts.items() if host in hosts}

    def changed(
        self,
        describe: Callable[[str], dict[str, Any]],
        progress: Callable[[str], dict[str, Any]],
        switches: dict[str, Any],
        open_links: list[Any],
    ) -> dict[str, Any] | None:
        """The status when it is not what it was at the last call, else None."""
        for host in self._touched & self._hosts.keys():
            now = (
                describe(host)
                | self._facts.get(host, _UNKNOWN)
                | {
                    "located": self._located.get(host, []),
                    "lost": self._lost.get(host, []),
                }
            )
            if now != self._hosts[host]:
                self._hosts[host], self._is_new = now, True
        for host in (self._touched | self._progressed) & self._hosts.keys():
            if (moved := progress(host)) != self._progress[host]:
                self._progress[host], self._is_new = moved, True
        self._touched.clear()
        self._progressed.clear()
        if (switches, open_links) != (self._switches, self.open_links):
            self._switches, self.open_links, self._is_new = switches, open_links, True
        if not self._is_new:
            return None
        self._is_new = False
        return {
            "generation": self._generation,
            "hosts": dict(self._hosts),
            "progress": dict(self._progress),
            "on_switches": self._on_switches,
            "switches": switches,
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


def before(status: Mapping[str, Any]) -> Before:
    """What a controller needs to know of the one before."""
    facts = {host: reported_facts(host, known) for host, known in status.get("hosts", {}).items()}
    return Before(
        {host: known for host, known in facts.items() if known is not None},
        reported_links(status),
        reported_plugged(status, "hosts"),
        reported_plugged(status, "switches"),
    )


def reported_links(status: Mapping[str, Any]) -> frozenset[LinkVlan]:
    """The links between plain switches that a status says are open."""
    return frozenset((link, vlan) for link, vlan in status.get("open_links", []))


def progress(host: Node) -> dict[str, Any]:
    """How far one host is, as plain data: what is another with each change of the model."""
    return {
        "wanted": host.wanted_generation,
        "confirmed": host.confirmed_generation,
        "settled": host.is_settled,
        "flows": host.flows,
    }


def host_status(host: Node, cut_off: list[str], unreached: list[Unreached]) -> dict[str, Any]:
    """The rest of one host but for its facts, as plain data.

    ``cut_off``: the segments that it has no VLAN for. ``unreached``: the hosts that it does not reach.
    """
    return {
        "database": host.has_database,
        "switch": host.session is not None,
        "problem": host.problem,
        "problems": sorted(host.problems),
        "drift": host.drifted.report(),
        "refused": host.refusals.report(),
        "drops": host.drops.by_reason,
        "unreached": [[way.receiver, way.since, way.small_only] for way in unreached],
        "cut_off": cut_off,
    }


def _described(facts: HostFacts) -> dict[str, Any]:
    return {
        "datapath": facts.datapath_type,
        "tunnel": facts.tunnel_ofport,
        "interfaces": sorted((i.iface_id, i.name, i.ofport) for i in facts.interfaces),
        "physical": sorted(facts.physical),
    }


_UNKNOWN: dict[str, Any] = {"datapath": None, "tunnel": None, "interfaces": [], "physical": []}


def reported_plugged(status: Mapping[str, Any], kind: str) -> dict[str, set[str]]:
    """The ports that each of the ``hosts`` or ``switches`` has plugged in, or had last, out of what was reported."""
    return {
        place: {*(port for port, _, _ in known["interfaces"]), *known.get("lost", [])}
        for place, known in status.get(kind, {}).items()
    }


def reported_facts(host: str, reported: Mapping[str, Any]) -> HostFacts | None:
    """The facts of a host out of what was reported; None when the controller has not seen the host yet."""
    if reported.get("datapath") is None:
        return None
    return HostFacts(
        datapath_id(host),
        reported["datapath"],
        reported["tunnel"],
        frozenset(Interface(iface_id, name, ofport, bound=True) for iface_id, name, ofport in reported["interfaces"]),
        frozenset((network, ofport) for network, ofport in reported["physical"]),
    )
