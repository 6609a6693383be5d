"""What a host or plain switch must hold, by the store and the facts that the controller reports."""

from collections.abc import Mapping
from functools import partial
from typing import Any

from controller.status.report import reported_facts
from controller.store import Stored
from flows.compile.declared import Snapshot, host_node, switch_node
from flows.compile.desired import Desired
from flows.compile.on_demand import OnDemand
from flows.compile.program import compile
from flows.inputs.facts import HostFacts, Plug, SwitchFacts
from flows.inputs.locate import Locations
from flows.units.host import view
from flows.units.plain_switch import view_switch


def snapshot(stored: Stored, status: Mapping[str, Any]) -> Snapshot:
    """Everything that the controller has seen, and what follows from it. What it has not seen yet is not in it."""
    network = stored.network
    reported = {host: reported_facts(host, status.get("hosts", {}).get(host, {})) for host in network.hosts}
    hosts = {host: facts for host, facts in reported.items() if facts is not None}
    switches = {name: facts for name, facts in reported_switch_facts(status).items() if name in network.switches}
    desired = {host_node(host): partial(_of_host, stored, status, host, facts) for host, facts in hosts.items()}
    desired |= {switch_node(name): partial(_of_switch, stored, status, name, facts) for name, facts in switches.items()}
    return Snapshot(network, hosts, switches, status.get("ports", {}), OnDemand(desired))


def compiled(stored: Stored, status: Mapping[str, Any], host: str) -> Desired | None:
    """Compile one host from scratch; None when the controller has not seen the host yet."""
    facts = reported_facts(host, status.get("hosts", {}).get(host, {}))
    return None if facts is None else _of_host(stored, status, host, facts)


def _of_host(stored: Stored, status: Mapping[str, Any], host: str, facts: HostFacts) -> Desired:
    # The report may be of another generation, and it has the ports of plain switches too.
    places = {port: place for port, place in status["ports"].items() if port in stored.network.host_ports}
    locations = Locations(places, {})
    return compile(view(stored.network, stored.tags, locations, facts, host))


def compiled_switch(stored: Stored, status: Mapping[str, Any], switch: str) -> Desired | None:
    """Compile one plain switch from scratch; None when it never connected to this controller."""
    facts = reported_switch_facts(status).get(switch)
    return None if facts is None else _of_switch(stored, status, switch, facts)


def _of_switch(stored: Stored, status: Mapping[str, Any], switch: str, facts: SwitchFacts) -> Desired:
    links = frozenset((link, vlan) for link, vlan in status["open_links"])
    located = frozenset(
        (port, name) for name, known in status["switches"].items() for port, _, _ in known["interfaces"]
    )
    return compile(view_switch(stored.network, switch, facts, links, located))


def reported_switch_facts(status: Mapping[str, Any]) -> dict[str, SwitchFacts]:
    """The facts of the plain switches that connected to this controller."""
    return {
        name: SwitchFacts(frozenset(Plug(plug, ofport, is_live) for plug, ofport, is_live in known["plugs"]))
        for name, known in status.get("switches", {}).items()
        if known["plugs"]
    }
