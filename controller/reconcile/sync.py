"""Observe, compile, compare, apply, confirm: one loop that takes events and never waits for an answer.

What a switch shall hold is computed from the current model and the current facts alone. Whatever happened before
(a restart, a lost session, flows deleted by hand), the way to it is the same: the difference.
"""

import logging
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import replace
from types import MappingProxyType
from typing import Any

from controller.openflow.sessions import (
    Config,
    Confirmed,
    Counted,
    Described,
    FlowsChanged,
    FlowsRead,
    PacketIn,
    Ports,
    PortsOpened,
    Refused,
    Session,
    SwitchDown,
    SwitchEvent,
    SwitchUp,
)
from controller.reconcile.claims import Claims
from controller.reconcile.contracts import Contracts, SetHosts
from controller.reconcile.events import Event, FactsChanged, HostProblems, SerialTaken, SettingDrifted
from controller.reconcile.host import Host
from controller.reconcile.local_vlans import LocalVlans
from controller.reconcile.node import Node
from controller.reconcile.packetin import probe_frame
from controller.reconcile.plain_switches import STARTUP, Switches
from controller.reconcile.underlay.path_monitor import PathMonitor
from controller.status.lost import Lost
from controller.status.report import Report, host_status, progress
from controller.store import Stored, Vlans, VlansKept
from flows.compile.incremental import Compiler
from flows.compile.views import Views
from flows.inputs.facts import HostFacts, SwitchFacts
from flows.inputs.tags import Tags
from flows.inputs.tree import LinkVlan
from flows.model.contract import datapath_id
from flows.model.objects.host import ETHERNET_HEADER

_LOOK_EVERY = 0.05
"""Seconds between two looks at hosts for which nothing happened."""

_AUDITED_AT_ONCE = 1 << 20
"""Bytes of reported flows that are looked at closely at one such look: some 6,000 flows, or 12 milliseconds."""

_log = logging.getLogger(__name__)


class Sync:
    """Keeps every switch as the model wants it. Not thread-safe: one thread hands it events and the time."""

    def __init__(
        self,
        set_hosts: SetHosts,
        flows_restored: Callable[[str], None],
        keep_vlans: Callable[[Vlans], None],
        arrive: Callable[[str, str], None],
        give_serial: Callable[[str, str], None],
        redial: Callable[[str], None],
        *,
        ovsdb_target: str,
        openflow_target: str,
        open_links: Iterable[LinkVlan] = (),
        seen: Mapping[str, HostFacts] = MappingProxyType({}),
        lost: Lost | None = None,
        lost_on_switches: Lost | None = None,
    ) -> None:
        """``ovsdb_target``: how to reach a host's database, with ``{name}`` and ``{ip}`` to be filled in.

        ``flows_restored`` is told the name of each host whose switch holds everything for the first time;
        ``keep_vlans`` every change of the hosts' local VLANs, which :class:`VlansKept` answers; ``arrive`` each port
        that has shown up on the host that it was announced to move to; ``give_serial`` what serial number the switch of
        each host shall show; ``redial`` each host whose switch shall dial now. ``open_links``: what an earlier
        controller left open between plain switches; ``seen``: what it saw on each host; ``lost`` and
        ``lost_on_switches``: the ports that were plugged in then, on hosts and on plain switches.
        """
        self._contracts = Contracts(set_hosts, ovsdb_target, openflow_target)
        self._flows_restored = flows_restored
        self._arrive = arrive
        self._give_serial, self._redial = give_serial, redial
        self._arrived: set[str] = set()
        """The ports of which that was told since the model was another."""
        self._started: float | None = None
        self._vlans = LocalVlans(keep_vlans)
        self._stored: Stored | None = None
        self._hosts: dict[str, Host] = {}
        self._switches = Switches(0.0, open_links, lost_on_switches)
        self._lost = lost or Lost({})
        self._views = Views()
        self._compiler = Compiler()
        self._is_behind = False
        """Whether events came of which it was not yet found out what follows from them."""
        self._busy: set[str] = set()
        """The hosts that something is under way for, or left to do."""
        self._moved: set[str] = set()
        """The hosts that have other ports than their contracts say."""
        self._look_at = 0.0
        self._audited = 0
        """How many nodes come last when reported flows are looked at: their turn was before."""
        self._remembered = dict(seen)
        """What an earlier controller saw on each host; empty once every host had its time to answer."""
        self._tags = Tags({}, {})
        self._by_datapath: dict[int, Node] = {}
        self._claims: dict[int, Claims] = {}
        """Who says that it is which node, by datapath id; as many as there are nodes."""
        self._strangers: dict[int, list[Session]] = {}
        """The sessions of switches that nobody declared, by datapath id."""
        self._reported: set[int] = set()
        """Datapath ids that nobody declared, and of which that was said."""
        self._report = Report()
        self._paths = PathMonitor(self._report.touch)
        self._stored_at = 0.0
        self._announced = 0

    @property
    def generation(self) -> int:
        """The generation of the model; 0 before there is one."""
        return self._stored.generation if self._stored else 0

    @property
    def nodes(self) -> Mapping[str, Node]:
        """The hosts and plain switches of the model by name, to be looked at only."""
        return {**self._hosts, **self._switches.nodes}

    @property
    def unreached(self) -> Mapping[str, int]:
        """How many hosts each host does not reach over the underlay."""
        return {name: len(self._paths.unreached(name)) for name in list(self._hosts)}

    @property
    def has_new_links(self) -> bool:
        """Whether links are about to be opened that the last status did not name: a next controller must know them."""
        return self._report.open_links != sorted(self._switches.open_links, key=str)

    def handle(self, event: Event, now: float) -> None:
        """Take one event in. What follows from it is sent by :meth:`pump`."""
        match event:
            case Stored():
                self._model_changed(event, now)
            case VlansKept(vlans):
                self._vlans.kept(vlans)
                self._give_vlans()
            case FactsChanged(host, facts):
                self._facts_changed(host, facts)
            case HostProblems(host, sentences):
                self._host_problems(host, sentences)
            case SettingDrifted(host, words):
                self._setting_drifted(host, words)
            case SerialTaken(host, serial):
                if known := self._hosts.get(host):
                    self._claims[known.datapath_id].taken(serial)
            case _:
                self._switch_said(event, now)

    def _switch_said(self, event: SwitchEvent, now: float) -> None:
        """Something came from a switch, or its session began or ended."""
        match event:
            case SwitchUp(session):
                self._switch_up(session, now)
            case SwitchDown(session):
                self._switch_down(session, now)
            case Described(session, serial):
                self._showed(session, serial, now)
            case PacketIn(session, in_port, frame):
                self._told(session, in_port, frame)
            case PortsOpened() | Config():
                self._set_otherwise(event)
            case Ports(session, plugs):
                self._described(session, SwitchFacts(plugs))
            case _:
                self._answered(event, now)

    def _host_problems(self, name: str, sentences: frozenset[str]) -> None:
        if host := self._hosts.get(name):
            for sentence in sorted(sentences - host.contract_problems):
                _log.warning("%s: problem: %s", name, sentence)
            for sentence in sorted(host.contract_problems - sentences):
                _log.info("%s: solved: %s", name, sentence)
            host.contract_problems = sentences
            self._report.touch(name)

    def _setting_drifted(self, name: str, words: str) -> None:
        if host := self._hosts.get(name):
            host.setting_drifted(words)
            self._report.touch(name)

    def _set_otherwise(self, event: PortsOpened | Config) -> None:
        """Somebody else may have set something in a switch."""
        node = self._by_datapath.get(event.session.datapath_id)
        if node is None or node.session is not event.session:
            return
        self._report.touch(node.name)
        match event:
            case PortsOpened(_, words):
                for setting in words:
                    node.setting_drifted(setting)
            case Config(_, fragments):
                node.configured(fragments)

    def _described(self, session: Session, facts: SwitchFacts) -> None:
        """A plain switch told of its ports."""
        node = self._by_datapath.get(session.datapath_id)
        if node is not None and node.session is session and self._switches.has(node):
            self._switches.described(node, facts)

    def _told(self, session: Session, in_port: int, frame: bytes) -> None:
        """A switch sent a frame up: one that came through a tunnel, or the first of a port that has moved."""
        receiver = self._by_datapath.get(session.datapath_id)
        if not isinstance(receiver, Host) or receiver.facts is None or self._stored is None:
            return
        if in_port == receiver.facts.tunnel_ofport:
            came = probe_frame.read(frame)
            sender = self._by_datapath.get(came.sender) if came else None
            if came and isinstance(sender, Host):
                sender.prober.verified(self._stored.network.hosts[receiver.name].tunnel_ip)
                self._paths.came_through(sender.name, receiver.name, is_full=came.is_full)
            return
        for interface in receiver.facts.interfaces:
            if interface.ofport == in_port:
                self._shown_up(interface.iface_id, receiver.name, "its first frame came")

    def _shown_up(self, name: str, host: str, how: str) -> None:
        """A port is where it was announced to move to."""
        assert self._stored is not None
        port = self._stored.network.ports.get(name)
        if port is not None and port.moving_to == host and name not in self._arrived:
            self._arrived.add(name)
            _log.info("%s: move: %s has shown up: %s", host, name, how)
            self._arrive(name, host)

    def _switch_down(self, session: Session, now: float) -> None:
        """A session has ended."""
        node = self._by_datapath.get(session.datapath_id)
        if node is None:
            strangers = self._strangers.get(session.datapath_id, [])
            if session in strangers:
                strangers.remove(session)
            if not strangers:
                self._strangers.pop(session.datapath_id, None)
            return
        claims = self._claims[node.datapath_id]
        if node.session is not session:
            claims.withdrew(session)
            return
        self._report.touch(node.name)
        self._busy.add(node.name)
        _log.warning("%s: switch: out of reach; it keeps forwarding with the flows it has", node.name)
        node.disconnected()
        self._paths.forget(node.name)
        if follower := claims.went(now):
            self._connect(node, follower, now)

    def _showed(self, session: Session, serial: str, now: float) -> None:
        """A switch said which serial number it has."""
        node = self._by_datapath.get(session.datapath_id)
        if node is None:
            return
        self._report.touch(node.name)
        self._busy.add(node.name)
        before = node.session
        follower = self._claims[node.datapath_id].described(session, serial, now)
        if follower is not None or node.session is not before:
            self._paths.forget(node.name)
        if follower is not None:
            self._connect(node, follower, now)

    def _answered(self, event: FlowsRead | FlowsChanged | Counted | Confirmed | Refused, now: float) -> None:
        """Something came from a switch, unless its session was replaced meanwhile."""
        host = self._by_datapath.get(event.session.datapath_id)
        if host is None or host.session is not event.session:
            return
        self._report.touch(host.name)
        self._busy.add(host.name)
        match event:
            case FlowsRead(_, which, flows, is_last):
                host.read(which, flows, is_last=is_last)
            case FlowsChanged(_, updates):
                host.changed(updates, now)
            case Counted(_, flows):
                host.counted(flows, now)
            case Confirmed(_, xid):
                self._paths.answered(host.name, xid)
                host.confirmed(xid, now)
            case Refused(_, xid, reason, cookie):
                host.refused(xid, reason, cookie)

    def pump(self, now: float, kept_links: Set[LinkVlan]) -> None:
        """Send whatever is due. Receivers are prepared before senders change, and cleared after them.

        ``kept_links``: the open links of which the store knows; no others are opened.
        """
        if now >= self._look_at:
            self._look_at = now + _LOOK_EVERY
            self._recall(now)
            for claims in self._claims.values():
                if claims.look(now):
                    self._report.touch(claims.node.name)
            for host in self._hosts.values():
                self._probe(host, now)
                host.check(now)
            self._audit()
            self._paths.look(self._hosts, now)
        self._busy &= self._hosts.keys()
        busy = [self._hosts[name] for name in self._busy]
        patient = [host for host in busy if host.is_patient(now)]
        receiving = {host.name for host in patient if host.receives_more}
        sending = {host.name for host in patient if host.sends_otherwise}
        known, is_ordered = self._knows_enough(now), self._views.has_detours
        for host in busy:
            is_first = not receiving - {host.name}
            may_send = is_first or not is_ordered
            may_remove = known and is_first and not sending - {host.name}
            self._probe(host, now)
            host.pump(
                now,
                may_send=may_send,
                may_remove=may_remove,
                knows_all=known,
                may_linger=not is_ordered,
            )
            if host.is_restored():
                self._flows_restored(host.name)
            if host.is_settled:
                self._busy.discard(host.name)
        if not self._busy and not self._is_behind:
            self._views.settle()
        if self._started is not None:
            self._switches.pump(now, kept_links)
        self._release_vlans()
        self._announce(now)
        self._tell_contracts()

    def _audit(self) -> None:
        """Look closely at a little of what switches reported. What else happens shall not wait for all of it."""
        left, nodes = _AUDITED_AT_ONCE, deque(self._by_datapath.values())
        nodes.rotate(-self._audited)
        for node in nodes:
            known = node.drifted.count
            while left > 0 and (audited := node.audit()):
                left -= audited
            if node.drifted.count != known:
                self._busy.add(node.name)
                self._report.touch(node.name)
            if left <= 0:
                break
            self._audited = (self._audited + 1) % len(nodes)

    def _tell_contracts(self) -> None:
        """Say what must hold in the hosts' databases. Flows go first: traffic waits for them, and not for this."""
        if self._stored is not None and not self._is_behind:
            self._contracts.tell(self._stored.network, self._moved, self._bound)
            self._moved = set()

    def _probe(self, host: Host, now: float) -> None:
        if late := host.probe(now):
            self._paths.suspect(host.name, late)

    def _release_vlans(self) -> None:
        """VLANs of segments that left the model are free once no switch can hold a flow of them."""
        for host in [self._hosts[name] for name in self._vlans.leaving]:
            if host.is_settled and not host.problem:
                self._vlans.release(host.name)
                self._report.touch(host.name)
                if self._vlans.lacking(host.name):
                    self._give_vlans()

    @property
    def is_sending(self) -> bool:
        """Whether a switch has yet to confirm what it was sent."""
        return any(self._hosts[name].is_sending for name in self._busy & self._hosts.keys())

    @property
    def has_model(self) -> bool:
        """Whether it knows what is wanted."""
        return self._stored is not None

    def status(self) -> dict[str, Any] | None:
        """What is going on, for people and for the command line; None when nothing changed since the last call."""
        return self._report.changed(
            lambda name: host_status(self._hosts[name], self._vlans.lacking(name), self._paths.unreached(name)),
            lambda name: progress(self._hosts[name]),
            self._switches.status(),
            sorted(self._switches.open_links, key=str),
        )

    def _announce(self, now: float) -> None:
        """Say once that every host has confirmed a generation of the model."""
        if self._stored is None or self._announced == self._stored.generation:
            return
        if all(host.confirmed_generation >= self._stored.generation for host in self._by_datapath.values()):
            self._announced = self._stored.generation
            _log.info(
                "model: generation %d: confirmed by all %d nodes after %.1f s",
                *(self._announced, len(self._by_datapath), now - self._stored_at),
            )

    def _model_changed(self, stored: Stored, now: float) -> None:
        self._stored, self._stored_at = stored, now
        self._arrived.clear()
        if self._started is None:
            self._started = now
            self._switches.start(now)
        hosts = {name: datapath_id(name) for name in stored.network.hosts}
        switches = {name: switch.datapath_id for name, switch in stored.network.switches.items()}
        for known, declared in ((self._hosts, hosts), (self._switches.nodes, switches)):
            for name in [name for name, node in known.items() if declared.get(name) != node.datapath_id]:
                self._forget(known.pop(name))
        for name in [name for name in hosts if name not in self._hosts]:
            host = self._hosts[name] = Host(name, hosts[name], self._compiler)
            self._remember(host, now)
        for name in [name for name in switches if name not in self._switches.nodes]:
            switch = self._switches.nodes[name] = Node(name, switches[name], self._compiler)
            self._remember(switch, now)
        for name in self._remembered.keys() & self._hosts.keys():
            if self._hosts[name].facts is None:
                # A next controller needs it too, should this one end before it knows better.
                self._report.observed(name, self._remembered[name])
        nodes, ports = len(self._by_datapath), len(stored.network.ports)
        _log.info("model: generation %d: %d nodes, %d ports", stored.generation, nodes, ports)
        self._switches.set_model(stored)
        network = stored.network
        addresses = {name: host.tunnel_ip for name, host in network.hosts.items()}
        self._paths.set_hosts(addresses, network.instance_mtu + ETHERNET_HEADER)
        self._lost.keep(stored.network.ports)
        self._is_behind = True
        self._tags = replace(stored.tags, vlans=self._tags.vlans)
        self._views.set_model(stored.network, self._tags, stored.changed)

    def _forget(self, gone: Node) -> None:
        """A host or switch left the model."""
        del self._by_datapath[gone.datapath_id]
        self._claims.pop(gone.datapath_id).end()
        if gone.clear():
            _log.info("%s: model: it left; its switch is cleared, and its owner can remove the bridge", gone.name)
        else:
            _log.warning(
                "%s: model: it left while its switch was not connected: the switch keeps its flows and "
                "forwards by them until its owner removes the bridge",
                gone.name,
            )
        if gone.session is not None:
            self._strangers[gone.datapath_id] = [gone.session]

    def _remember(self, new: Node, now: float) -> None:
        """A host or switch came into the model, and its switch perhaps before it."""
        self._by_datapath[new.datapath_id] = new
        give_serial = None if self._switches.has(new) else self._give_serial
        self._claims[new.datapath_id] = Claims(
            new, give_serial=give_serial, redial=self._redial, carried=self._switches.carried
        )
        for session in self._strangers.pop(new.datapath_id, []):
            self._claim(new, session, now)

    def _facts_changed(self, name: str, facts: HostFacts | None) -> None:
        host = self._hosts.get(name)
        if host is None:
            return
        self._report.touch(name)
        if facts is None:
            _log.warning("%s: database: out of reach; its switch keeps forwarding with the flows it has", name)
            host.has_database = False
            host.confirm(host.wanted_generation)  # nobody can ask its switch for a proof
            return
        if not host.has_database:
            _log.info("%s: database: connected", name)
        host.has_database = True
        if facts != host.facts:
            self._observe(host, facts)

    def _observe(self, host: Host, facts: HostFacts) -> None:
        before = frozenset() if host.facts is None else host.facts.interfaces
        gone = {interface.iface_id for interface in before - facts.interfaces}
        come = {interface.iface_id for interface in facts.interfaces - before}
        self._lost.observed(host.name, gone, come, self._stored.network.ports if self._stored else ())
        host.facts = facts
        self._is_behind = True
        self._views.set_facts(host.name, facts)
        self._report.observed(host.name, facts)

    def _recall(self, now: float) -> None:
        """Of a host whose database never answered, what an earlier controller saw there holds until it does."""
        if self._started is None or now - self._started <= STARTUP:
            return
        remembered, self._remembered = self._remembered, {}
        for name in remembered.keys() & self._hosts.keys():
            if self._hosts[name].facts is None:
                _log.warning("%s: database: no answer; the controller goes by what it last saw there", name)
                self._observe(self._hosts[name], remembered[name])

    def follow(self, now: float) -> None:
        """Find out what the events since the last time mean, and for whom."""
        if self._stored is None or not self._is_behind:
            return
        self._tell_refused()
        for name in sorted(self._views.arrived):
            self._shown_up(name, self._views.locations.hosts[name], "only this host has its interface")
        if self._views.take_segments_moved():
            self._give_vlans()
        self._is_behind = False
        generation = self._stored.generation
        declared = self._stored.network.hosts
        for name, others in self._views.take_meetings().items():
            self._hosts[name].will_send_to({declared[other].tunnel_ip for other in others - {name}}, now)
        for name, sources in self._views.take():
            self._hosts[name].change(sources, generation)
            self._busy.add(name)
            self._report.touch(name)
        for host in self._hosts.values():
            if host.facts is not None and host.confirmed_generation != generation:
                host.confirm(generation)
                self._report.progressed(host.name)
        moved = self._views.take_moved()
        for name in moved & self._hosts.keys():
            self._report.placed(name, self._views.located(name))
        for name in self._lost.take_changed() & self._hosts.keys():
            self._report.lost(name, self._lost.at(name))
        self._report.is_of(generation, self._hosts, self._switches.locations)
        self._moved |= moved

    def _tell_refused(self) -> None:
        for port, claimant in sorted(self._views.take_refused()):
            owner = self._views.locations.hosts[port]
            _log.warning("%s: claim: port %s is refused: it is on %s", claimant, port, owner)

    def _give_vlans(self) -> None:
        """Give VLANs to the segments of all hosts."""
        if self._stored is None:
            return
        vlans = self._vlans.allocate(self._stored, self._views.locations)
        self._tags = replace(self._stored.tags, vlans=vlans)
        self._views.set_tags(self._tags)
        for host in self._hosts.values():
            host.awaits_vlans = self._vlans.awaited(host.name)
            self._report.touch(host.name)
        self._is_behind = True

    def _bound(self, name: str) -> frozenset[str] | None:
        """The ports that are on a host and plugged in there; None while nothing is known of the host."""
        return None if self._hosts[name].facts is None else self._views.bound(name)

    def _knows_enough(self, now: float) -> bool:
        """Whether flows may be removed or mean less: not while a port may be on a host that was not heard of yet."""
        if self._started is None or self._is_behind:
            return False
        if all(host.facts is not None for host in self._hosts.values()) or now - self._started > STARTUP:
            return True
        ports = self._stored.network.host_ports if self._stored else ()
        return all(name in self._views.locations.hosts for name in ports)

    def _switch_up(self, session: Session, now: float) -> None:
        node = self._by_datapath.get(session.datapath_id)
        if node is not None:
            self._claim(node, session, now)
            return
        self._strangers.setdefault(session.datapath_id, []).append(session)
        if session.datapath_id not in self._reported:
            self._reported.add(session.datapath_id)
            _log.warning("switch: %016x, at %s, is not in the model; ignored", session.datapath_id, session.where)

    def _claim(self, node: Node, session: Session, now: float) -> None:
        """A switch says that it is a certain node."""
        if self._claims[node.datapath_id].came(session, now):
            _log.info("%s: switch: connected", node.name)
            self._connect(node, session, now)

    def _connect(self, node: Node, session: Session, now: float) -> None:
        self._report.touch(node.name)
        node.connected(session, now)
        self._busy.add(node.name)
        self._views.unsettle()
        if self._switches.has(node):
            session.read_ports()
