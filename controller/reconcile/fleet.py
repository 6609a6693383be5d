"""All hosts and plain switches of the model, and their state: each part is a class of its own."""

import logging
from collections.abc import Mapping, Set
from typing import Protocol

from controller.ovsdb import HostSettings
from controller.reconcile.contracts import Contracts
from controller.reconcile.nodes.auditor import Auditor
from controller.reconcile.nodes.host import Host
from controller.reconcile.nodes.node import Node
from controller.reconcile.nodes.plain_switches import Switches
from controller.reconcile.nodes.roster import Roster
from controller.reconcile.placement.arrivals import Arrivals
from controller.reconcile.placement.local_vlans import LocalVlans
from controller.reconcile.placement.placement import Placement
from controller.reconcile.rollout import Rollout
from controller.reconcile.underlay.path_monitor import PathMonitor
from controller.status.lost import Lost
from controller.status.report import Before, Report
from controller.store import Stored, Vlans
from flows.compile.incremental import Compiler
from flows.inputs.tree import LinkVlan
from flows.model import Network
from flows.model.contract import datapath_id
from flows.model.objects.host import ETHERNET_HEADER

_log = logging.getLogger(__name__)


class Databases(Protocol):
    """The sessions with the hosts' databases (:class:`controller.ovsdb.HostSessions`). Nothing here waits for them."""

    def set_hosts(self, hosts: Mapping[str, tuple[str, HostSettings]], /) -> None: ...

    def flows_restored(self, host: str, /) -> None: ...

    def give_serial(self, host: str, serial: str, /) -> None: ...

    def redial(self, host: str, /) -> None: ...


class Keeper(Protocol):
    """The store (:class:`controller.store.StoreWatch`). Nothing here waits for it."""

    def keep(self, vlans: Vlans, /) -> None:
        """Keep the hosts' local VLANs; :class:`VlansKept` answers."""

    def arrive(self, port: str, host: str, /) -> None:
        """A port has shown up on the host that it was announced to move to."""


class Fleet:
    """The nodes. What is told to one part and concerns others goes through here. Times are of one monotonic clock."""

    def __init__(
        self, databases: Databases, store: Keeper, before: Before, *, ovsdb_target: str, openflow_target: str
    ) -> None:
        """``before``: what an earlier controller left.

        ``ovsdb_target``: how to reach a host's database, with ``{name}`` and ``{ip}`` to be filled in;
        ``openflow_target``: what switches dial.
        """
        self.stored: Stored | None = None
        """The model; None until it is known."""
        self.report = Report()
        self.hosts: dict[str, Host] = {}
        self.switches = Switches(0.0, before.open_links, Lost(before.on_switches))
        self.roster = Roster(
            self, give_serial=databases.give_serial, redial=databases.redial, carried=self.switches.carried
        )
        self.placement = Placement(self.report, before.facts, Lost(before.on_hosts))
        self.vlans = LocalVlans(store.keep)
        self.arrivals = Arrivals(store.arrive)
        self.paths = PathMonitor(self.report.touch)
        self.rollout = Rollout(databases.flows_restored)
        self._contracts = Contracts(databases.set_hosts, ovsdb_target, openflow_target)
        self._auditor = Auditor()
        self._compiler = Compiler()

    def touched(self, node: Node) -> None:
        """Something about a node may have changed."""
        self.report.touch(node.name)
        self.rollout.add(node.name)

    def connected(self, node: Node) -> None:
        """A node has a session."""
        self.touched(node)
        self.placement.views.unsettle()
        if self.switches.has(node) and node.session is not None:
            node.session.read_ports()

    def lost(self, node: Node) -> None:
        """A node has no session any more, or another one."""
        self.touched(node)
        self.paths.forget(node.name)

    def set_model(self, stored: Stored, now: float) -> None:
        """Take in a new model."""
        if self.stored is None:
            self.switches.start(now)
        self.stored = stored
        network = stored.network
        self._enrol(network, now)
        nodes, ports = len(self.roster.nodes), len(network.ports)
        _log.info("model: generation %d: %d nodes, %d ports", stored.generation, nodes, ports)
        self.arrivals.set_model(network)
        self.switches.set_model(stored)
        addresses = {name: host.tunnel_ip for name, host in network.hosts.items()}
        self.paths.set_hosts(addresses, network.instance_mtu + ETHERNET_HEADER)
        self.placement.set_model(stored, self.vlans.tags(stored), self.hosts, now)

    def _enrol(self, network: Network, now: float) -> None:
        """The model has these hosts and plain switches."""
        hosts = {name: datapath_id(name) for name in network.hosts}
        switches = {name: switch.datapath_id for name, switch in network.switches.items()}
        for known, declared in ((self.hosts, hosts), (self.switches.nodes, switches)):
            for name in [name for name, node in known.items() if declared.get(name) != node.datapath_id]:
                self.roster.remove(known.pop(name))
        for name in [name for name in hosts if name not in self.hosts]:
            host = self.hosts[name] = Host(name, hosts[name], self._compiler)
            self.roster.add(host, now, has_database=True)
        for name in [name for name in switches if name not in self.switches.nodes]:
            switch = self.switches.nodes[name] = Node(name, switches[name], self._compiler)
            self.roster.add(switch, now, has_database=False)

    def _change_hosts(self, stored: Stored, now: float) -> None:
        """Give hosts the changes of what they must hold."""
        views, declared = self.placement.views, stored.network.hosts
        for name, others in views.take_meetings().items():
            self.hosts[name].will_send_to({declared[other].tunnel_ip for other in others - {name}}, now)
        for name, sources in views.take():
            self.hosts[name].change(sources, stored.generation)
            self.touched(self.hosts[name])
        for host in self.hosts.values():
            if host.facts is not None and host.confirmed_generation != stored.generation:
                host.confirm(stored.generation)
                self.report.progressed(host.name)

    def give_vlans(self) -> None:
        """Give VLANs to the segments of all hosts."""
        if self.stored is not None:
            tags = self.vlans.give(self.stored, self.placement.views.locations, self.hosts)
            self.placement.set_tags(tags)
            for name in self.hosts:
                self.report.touch(name)

    def _release_vlans(self) -> None:
        released = self.vlans.release_settled(self.hosts)
        for name in released:
            self.report.touch(name)
        if any(self.vlans.lacking(name) for name in released):
            self.give_vlans()

    def _bound(self, name: str) -> frozenset[str] | None:
        """The ports that are on a host and plugged in there; None while nothing is known of the host."""
        return None if self.hosts[name].facts is None else self.placement.views.bound(name)

    def look(self, now: float) -> None:
        """Check nodes without events from time to time."""
        self.placement.recall(self.hosts, now)
        self.roster.look(now)
        for host in self.hosts.values():
            self._probe(host, now)
            host.check(now)
        for node in self._auditor.look(self.roster.nodes):
            self.touched(node)
        self.paths.look(self.hosts, now)

    def _probe(self, host: Host, now: float) -> None:
        if late := host.probe(now):
            self.paths.suspect(host.name, late)

    def pump(self, now: float, kept_links: Set[LinkVlan]) -> None:
        """Send whatever is due. ``kept_links``: the open links of which the store knows; no others are opened."""
        for host in self.rollout.busy(self.hosts):
            self._probe(host, now)
        knows_all = self.placement.knows_enough(self.hosts, now)
        self.rollout.pump(self.hosts, now, knows_all=knows_all, is_ordered=self.placement.views.has_detours)
        if not self.rollout and not self.placement.is_behind:
            self.placement.views.settle()
        if self.stored is not None:
            self.switches.pump(now, kept_links)
        self._release_vlans()
        if self.stored is not None and not self.placement.is_behind:
            # Flows go first: traffic waits for them, and not for this.
            self._contracts.tell(self.stored.network, self._bound)

    def follow(self, now: float) -> None:
        """Find out what the events since the last time mean, and for whom."""
        if self.stored is None or not self.placement.is_behind:
            return
        views = self.placement.views
        self.placement.tell_refused()
        for name in sorted(views.arrived):
            self.arrivals.shown_up(name, views.locations.hosts[name], "only this host has its interface")
        if views.take_segments_moved():
            self.give_vlans()
        self.placement.is_behind = False
        self._change_hosts(self.stored, now)
        self._contracts.moved(self.placement.report_moved(self.hosts))
        self.report.is_of(self.stored.generation, self.hosts, self.switches.locations)
