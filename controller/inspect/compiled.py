"""What a host or plain switch must hold, by the store and the facts that the controller reports."""

from functools import partial

from controller.status.status import HostStatus, Status
from controller.store import Stored
from flows.compile.declared import Snapshot, host_node, switch_node
from flows.compile.desired import Desired
from flows.compile.from_scratch import view
from flows.compile.on_demand import OnDemand
from flows.compile.program import compile
from flows.inputs.facts import HostFacts, SwitchFacts
from flows.inputs.locate import Locations
from flows.units.plain_switch import view_switch


def snapshot(stored: Stored, status: Status) -> Snapshot:
    """Everything that the controller has seen, and what follows from it. What it has not seen yet is not in it."""
    network = stored.network
    reported = {host: _facts(status, host) for host in network.hosts}
    hosts = {host: facts for host, facts in reported.items() if facts is not None}
    switches = {name: facts for name, facts in reported_switch_facts(status).items() if name in network.switches}
    desired = {host_node(host): partial(_of_host, stored, status, host, facts) for host, facts in hosts.items()}
    desired |= {switch_node(name): partial(_of_switch, stored, status, name, facts) for name, facts in switches.items()}
    return Snapshot(network, hosts, switches, status.ports, OnDemand(desired))


def compiled(stored: Stored, status: Status, host: str) -> Desired | None:
    """Compile one host from scratch; None when the controller has not seen the host yet."""
    facts = _facts(status, host)
    return None if facts is None else _of_host(stored, status, host, facts)


def _of_host(stored: Stored, status: Status, host: str, facts: HostFacts) -> Desired:
    # The report may be of another generation, and it has the ports of plain switches too.
    places = {port: place for port, place in status.ports.items() if port in stored.network.host_ports}
    locations = Locations(places, {})
    return compile(view(stored.network, stored.tags, locations, facts, host))


def compiled_switch(stored: Stored, status: Status, switch: str) -> Desired | None:
    """Compile one plain switch from scratch; None when it never connected to this controller."""
    facts = reported_switch_facts(status).get(switch)
    return None if facts is None else _of_switch(stored, status, switch, facts)


def _of_switch(stored: Stored, status: Status, switch: str, facts: SwitchFacts) -> Desired:
    links = frozenset(status.open_links)
    located = frozenset((port, name) for name, known in status.switches.items() for port, _, _ in known.interfaces)
    return compile(view_switch(stored.network, switch, facts, links, located))


def reported_switch_facts(status: Status) -> dict[str, SwitchFacts]:
    """The facts of the plain switches that connected to this controller."""
    return {name: facts for name, known in status.switches.items() if (facts := known.facts()) is not None}


def _facts(status: Status, host: str) -> HostFacts | None:
    return status.hosts.get(host, HostStatus()).facts(host)
