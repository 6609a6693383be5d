"""What the controller says of itself: what it reports, and how that is read again."""

from collections.abc import Callable, Iterable, Mapping
from typing import TYPE_CHECKING, Any

from flows.facts import HostFacts, Interface
from flows.model.contract import datapath_id

if TYPE_CHECKING:  # the command line reads this report, and need not load os-ken for it
    from controller.host import Host


class Report:
    """The whole status. Only of hosts that were touched since the last time, it is put together anew."""

    def __init__(self) -> None:
        self._generation = 0
        self._ports: dict[str, str] = {}
        self._hosts: dict[str, dict[str, Any]] = {}
        self._switches: dict[str, Any] = {}
        self.open_links: list[Any] = []
        self._touched: set[str] = set()
        self._is_new = True

    def touch(self, host: str) -> None:
        """Something about a host may have changed."""
        self._touched.add(host)

    def placed(self, generation: int, hosts: Iterable[str], ports: Mapping[str, str]) -> None:
        """The model, or where its ports are, may have changed."""
        hosts = list(hosts)
        self._touched.update(host for host in hosts if host not in self._hosts)
        self._hosts = {host: self._hosts.get(host, {}) for host in hosts}
        self._generation, self._ports, self._is_new = generation, dict(ports), True

    def changed(
        self, describe: Callable[[str], dict[str, Any]], switches: dict[str, Any], open_links: list[Any]
    ) -> dict[str, Any] | None:
        """The status when it is not what it was at the last call, else None."""
        for host in self._touched & self._hosts.keys():
            now = describe(host)
            if now != self._hosts[host]:
                self._hosts[host], self._is_new = now, True
        self._touched.clear()
        if (switches, open_links) != (self._switches, self.open_links):
            self._switches, self.open_links, self._is_new = switches, open_links, True
        if not self._is_new:
            return None
        self._is_new = False
        return {
            "generation": self._generation,
            "hosts": dict(self._hosts),
            "ports": self._ports,
            "switches": switches,
            "open_links": open_links,
        }


def host_status(host: "Host") -> dict[str, Any]:
    """One host, as plain data."""
    facts = host.facts
    return {
        "database": host.has_database,
        "switch": host.session is not None,
        "wanted": host.wanted_generation,
        "confirmed": host.confirmed_generation,
        "settled": host.is_settled,
        "flows": host.flows,
        "problem": host.problem,
        "problems": sorted(host.contract_problems),
        "drift": host.drifted.report(),
        "refused": host.refusals.report(),
        "drops": host.drops.by_reason,
        "unproven": [str(address) for address in host.unproven],
        "datapath": facts.datapath_type if facts else None,
        "tunnel": facts.tunnel_ofport if facts else None,
        "interfaces": sorted((i.iface_id, i.name, i.ofport) for i in facts.interfaces) if facts else [],
        "physical": sorted(facts.physical) if facts else [],
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
