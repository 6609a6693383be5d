"""Observe, compile, compare, apply, confirm: one loop that takes events and never waits for an answer.

What a switch must hold is computed from the current model and the current facts alone. Whatever happened before
(a restart, a lost session, flows deleted by hand), the way to it is the same: the difference.
"""

import logging
from collections.abc import Mapping, Set
from typing import Any

from controller.openflow.sessions import (
    Config,
    Confirmed,
    Counted,
    Described,
    FlowsChanged,
    FlowsRead,
    GroupsAndMetersRead,
    GroupsOrMetersChanged,
    Metered,
    PacketIn,
    Ports,
    PortsOpened,
    Refused,
    SwitchDown,
    SwitchEvent,
    SwitchUp,
)
from controller.reconcile.events import Event, FactsChanged, HostProblems, SerialTaken, SettingDrifted
from controller.reconcile.fleet import Databases, Fleet, Keeper
from controller.reconcile.nodes.host import Host
from controller.reconcile.nodes.node import Node
from controller.reconcile.packetin.handling import Answer, Probed, RefusedPacket, ShownUp
from controller.reconcile.packetin.refusal_log import RefusalLog
from controller.status.report import Before, host_report, progress
from controller.store import Stored, VlansKept
from flows.inputs.facts import SwitchFacts
from flows.inputs.tree import LinkVlan

_LOOK_EVERY = 0.05
"""Seconds between two looks at nodes for which nothing happened."""

_OfNode = (
    Ports
    | PortsOpened
    | Config
    | FlowsRead
    | GroupsAndMetersRead
    | GroupsOrMetersChanged
    | FlowsChanged
    | Counted
    | Metered
    | Confirmed
    | Refused
)
"""What only the switch that is the node's may say."""

_log = logging.getLogger(__name__)


class Sync:
    """Keeps every switch as the model wants it. Not thread-safe: one thread hands it events and the time."""

    def __init__(
        self, databases: Databases, store: Keeper, before: Before, *, ovsdb_target: str, openflow_target: str
    ) -> None:
        """``before``: what an earlier controller left.

        ``ovsdb_target``: how to reach a host's database, with ``{name}`` and ``{ip}`` to be filled in;
        ``openflow_target``: what switches dial.
        """
        self._fleet = Fleet(databases, store, before, ovsdb_target=ovsdb_target, openflow_target=openflow_target)
        self._look_at = 0.0
        self._stored_at = 0.0
        self._announced = 0
        self._refusals = RefusalLog()

    @property
    def generation(self) -> int:
        """The generation of the model; 0 before there is one."""
        return self._fleet.stored.generation if self._fleet.stored else 0

    @property
    def nodes(self) -> Mapping[str, Node]:
        """The hosts and plain switches of the model by name, to be looked at only."""
        return {**self._fleet.hosts, **self._fleet.switches.nodes}

    @property
    def unreached(self) -> Mapping[str, int]:
        """How many hosts each host does not reach over the underlay."""
        return {name: len(self._fleet.paths.unreached(name)) for name in list(self._fleet.hosts)}

    @property
    def has_new_links(self) -> bool:
        """Whether links are about to be opened that the last status did not name: a next controller must know them."""
        return self._fleet.report.open_links != sorted(self._fleet.switches.open_links, key=str)

    @property
    def is_sending(self) -> bool:
        """Whether a switch has yet to confirm what it was sent."""
        return any(host.is_sending for host in self._fleet.rollout.busy(self._fleet.hosts))

    @property
    def has_model(self) -> bool:
        """Whether it knows what is wanted."""
        return self._fleet.stored is not None

    def status(self) -> dict[str, Any] | None:
        """What is going on, for people and for the command line; None when nothing changed since the last call."""
        fleet = self._fleet
        return fleet.report.changed(
            lambda name: host_report(fleet.hosts[name], fleet.vlans.lacking(name), fleet.paths.unreached(name)),
            lambda name: progress(fleet.hosts[name]),
            fleet.switches.status(),
            sorted(fleet.switches.open_links, key=str),
        )

    def handle(self, event: Event, now: float) -> None:
        """Take one event in. What follows from it is sent by :meth:`pump`."""
        match event:
            case Stored():
                self._stored_at = now
                self._fleet.set_model(event, now)
            case VlansKept(vlans):
                self._fleet.vlans.kept(vlans)
                self._fleet.give_vlans()
            case FactsChanged() | HostProblems() | SettingDrifted() | SerialTaken():
                if host := self._fleet.hosts.get(event.host):
                    self._database_said(event, host)
            case _:
                self._switch_said(event, now)

    def follow(self, now: float) -> None:
        """Find out what the events since the last time mean, and for whom."""
        self._fleet.follow(now)

    def pump(self, now: float, kept_links: Set[LinkVlan]) -> None:
        """Send whatever is due. ``kept_links``: the open links of which the store knows; no others are opened."""
        if now >= self._look_at:
            self._look_at = now + _LOOK_EVERY
            self._fleet.look(now)
        self._fleet.pump(now, kept_links)
        self._announce(now)

    def _database_said(self, event: FactsChanged | HostProblems | SettingDrifted | SerialTaken, host: Host) -> None:
        """Something came from a host's database."""
        match event:
            case FactsChanged(_, facts):
                self._fleet.placement.facts_changed(host, facts)
            case HostProblems(_, sentences):
                host.deviates(sentences)
                self._fleet.report.touch(host.name)
            case SettingDrifted(_, words):
                host.setting_drifted(words)
                self._fleet.report.touch(host.name)
            case SerialTaken(_, serial):
                self._fleet.roster.serial_taken(host, serial)

    def _switch_said(self, event: SwitchEvent, now: float) -> None:
        """Something came from a switch, or its session began or ended."""
        match event:
            case SwitchUp(session):
                self._fleet.roster.up(session, now)
            case SwitchDown(session):
                self._fleet.roster.down(session, now)
            case Described(session, serial):
                self._fleet.roster.described(session, serial, now)
            case PacketIn(session):
                if node := self._fleet.roster.owner(session):
                    self._packet_came(event, node, now)
            case _:
                if node := self._fleet.roster.owner(event.session):
                    self._node_said(event, node, now)

    def _node_said(self, event: _OfNode, node: Node, now: float) -> None:
        """Something came from the switch of a node."""
        self._fleet.touched(node)
        match event:
            case Ports() | PortsOpened() | Config():
                self._settings_read(event, node)
            case FlowsRead(_, which, flows, is_last):
                node.read(which, flows, is_last=is_last)
            case FlowsChanged(_, updates):
                node.changed(updates, now)
            case Counted(_, number):
                node.counted(number, now)
            case Metered(_, counts):
                node.metered(counts, now)
            case Confirmed(_, xid):
                self._fleet.paths.answered(node.name, xid)
                node.confirmed(xid, now)
            case GroupsAndMetersRead(_, reports):
                node.read_groups_and_meters(reports)
            case GroupsOrMetersChanged():
                node.look_at_groups_and_meters(now)
            case Refused(_, xid, reason, cookie, key):
                node.refused(xid, reason, cookie, key)

    def _settings_read(self, event: Ports | PortsOpened | Config, node: Node) -> None:
        """A switch told of its ports or settings, which somebody else may have changed."""
        match event:
            case Ports(_, plugs):
                if self._fleet.switches.has(node):
                    self._fleet.switches.described(node, SwitchFacts(plugs))
            case PortsOpened(_, settings):
                for words in settings:
                    node.setting_drifted(words)
            case Config(_, fragments):
                node.configured(fragments)

    def _packet_came(self, packet: PacketIn, node: Node, now: float) -> None:
        """A switch sent a packet up: its handler decides, and what follows from that is done here."""
        match node.packet_came(packet, now):
            case Answer(frame):
                packet.session.send(frame, packet.in_port)
            case Probed(datapath_id, is_full):
                self._probed(datapath_id, node.name, is_full=is_full)
            case ShownUp(port):
                self._fleet.arrivals.shown_up(port, node.name, "its first frame came")
            case RefusedPacket() as refused:
                self._log_refusal(refused, node.name, now)

    def _log_refusal(self, refused: RefusedPacket, host: str, now: float) -> None:
        """Security groups refused a packet."""
        if self._fleet.stored is not None:
            line = self._refusals.line(host, refused, self._fleet.stored.network, now)
            if line is not None:
                _log.info("%s: connection: %s", host, line)

    def _probed(self, sender: int, receiver: str, *, is_full: bool) -> None:
        """A tunnel probe came through."""
        host = self._fleet.roster.find(sender)
        if isinstance(host, Host) and self._fleet.stored is not None:
            host.prober.verified(self._fleet.stored.network.hosts[receiver].tunnel_ip)
            self._fleet.paths.came_through(host.name, receiver, is_full=is_full)

    def _announce(self, now: float) -> None:
        """Say once that every node has confirmed a generation of the model."""
        if self._fleet.stored is None or self._announced == self._fleet.stored.generation:
            return
        if all(node.confirmed_generation >= self._fleet.stored.generation for node in self._fleet.roster.nodes):
            self._announced = self._fleet.stored.generation
            _log.info(
                "model: generation %d: confirmed by all %d nodes after %.1f s",
                *(self._announced, len(self._fleet.roster.nodes), now - self._stored_at),
            )
