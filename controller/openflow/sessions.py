"""The os-ken application: accepts switches, keeps sessions alive, turns their messages into a few events.

os-ken's event thread calls ``on_event``; nothing here waits for an answer. The connections are of our own
(:mod:`controller.openflow.connection`).
"""

import logging
import re
import struct
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address
from typing import Any

from os_ken import cfg
from os_ken.base import app_manager
from os_ken.controller import controller as osken
from os_ken.controller import ofp_event
from os_ken.controller.handler import DEAD_DISPATCHER, MAIN_DISPATCHER, set_ev_cls
from os_ken.ofproto import ofproto_v1_4 as ofp

from controller import process_clock
from controller.openflow import encode, groups_and_meters
from controller.openflow.connection import READING, Connections
from controller.openflow.decode import RESUMED, ReportedFlow, Update, use_own_decoders
from controller.openflow.groups_and_meters import MeterCount
from controller.openflow.listener import Listener, allow_many_files
from controller.openflow.outbox import Outbox
from flows.compile.desired import MeterPlan, Plan
from flows.inputs.facts import Plug
from flows.openflow.groups_and_meters import Key

PASS_FRAGMENTS: int = ofp.OFPC_FRAG_NORMAL
"""Fragments are matched like other packets."""
_PLAIN_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")

_log = logging.getLogger(__name__)


class Session:
    """One connection with one switch."""

    def __init__(self, datapath: Any) -> None:
        self._datapath = datapath
        self._outbox = Outbox(datapath)
        self._applied = 0
        """The number of the last transaction."""
        self.datapath_id: int = datapath.id
        self.where: str = datapath.where
        """Address and port from which the switch has connected."""
        self._asked: dict[int, encode.Flows] = {}
        self._awaited: dict[int, str] = {}
        """Which requests ask for all groups, and which for all meters."""
        self._described: dict[str, bytes] = {}
        """What was answered so far, by ``group`` and ``meter``."""
        self._ports: dict[int, Plug] | None = None
        """The switch's ports by number; None when nobody asked."""
        self._is_watched = False
        """Whether the switch was asked to report: it refuses a second request for the same."""
        self._heard_at = 0.0

    @property
    def moved_at(self) -> float:
        """When a part of something long was sent or came, in seconds of :func:`controller.process_clock.now`."""
        return max(self._outbox.moved_at, self._heard_at)

    def apply(self, plan: Plan) -> int:
        """Send a plan as one bundle. Returns the number that its confirmation or refusal will have."""
        self._applied = self._xid()
        self._outbox.put(encode.transaction(plan, self._applied))
        return self._applied

    def apply_meters(self, plan: MeterPlan) -> int:
        """Send a plan for meters. Returns the number that its confirmation will have, and refusals of single meters."""
        self._applied = self._xid()
        self._outbox.put([encode.meters(plan, self._applied)])
        return self._applied

    def read_groups_and_meters(self) -> None:
        """Ask for all groups and meters of ours; :class:`GroupsAndMetersRead` answers."""
        xids = [self._xid() for _ in groups_and_meters.KINDS]
        self._awaited |= zip(xids, groups_and_meters.KINDS, strict=True)
        self._outbox.put([encode.read_groups_and_meters(xids)])

    def described(self, xid: int, report: bytes, *, is_last: bool) -> "GroupsAndMetersRead | None":
        """A part of the answer; None: there is more to come, or nobody asked."""
        kind = self._awaited.get(xid)
        if kind is None:
            return None
        self._heard_at = process_clock.now()
        self._described[kind] = self._described.get(kind, b"") + report
        if is_last:
            del self._awaited[xid]
        if not is_last or kind != groups_and_meters.KINDS[-1]:
            return None
        found, self._described = self._described, {}
        return GroupsAndMetersRead(self, found)

    def transaction_of(self, xid: int) -> int:
        """The number of the transaction that a message was part of, or its own."""
        return self._applied if xid == encode.CHANGE else xid

    def read_flows(self, which: encode.Flows) -> None:
        """Ask for flows of ours; :class:`FlowsRead` answers, part by part."""
        xid = self._xid()
        self._asked[xid] = which
        if which == encode.EVERYTHING:
            self._datapath.give(READING)
        self._outbox.put([encode.read_flows(which, xid)])

    def watch(self, tables: Iterable[int]) -> None:
        """Ask for :class:`FlowsChanged` whenever somebody else changes a flow of some tables. Once is enough.

        And for :class:`GroupsOrMetersChanged`.
        """
        if self._is_watched:
            return
        self._is_watched = True
        self._outbox.put([encode.watch(tables, self._xid())])
        self._outbox.put([encode.watch_groups_and_meters(self._xid())])

    def remove(self, entry: ReportedFlow) -> None:
        """Remove the flow with this cookie, table, priority and match."""
        self._outbox.put([encode.remove(entry, self._xid())])

    def count_flows(self) -> None:
        """Ask how many flows of ours there are; :class:`Counted` answers."""
        self._outbox.put([encode.count_flows(self._xid())])

    def count_meters(self) -> None:
        """Ask what all meters have counted; :class:`Metered` answers."""
        self._outbox.put([encode.count_meters(self._xid())])

    @property
    def port_names(self) -> frozenset[str]:
        """The names of the switch's ports, by its last report."""
        return frozenset(port.name.decode(errors="replace") for port in list(self._datapath.ports.values()))

    @property
    def bridge(self) -> str:
        """The name of the switch's bridge, for commands on its machine."""
        local = self._datapath.ports.get(ofp.OFPP_LOCAL)
        return bridge_name(None if local is None else local.name)

    def ask_description(self) -> None:
        """Ask what the switch says of itself; :class:`Described` answers."""
        self._outbox.put([encode.read_description(self._xid())])

    def send_by_tunnel(self, frame: bytes, hosts: Iterable[IPv4Address], ofport: int) -> None:
        """Send one frame to each of some hosts by the tunnel port."""
        self._outbox.put([encode.tunnel_frames(frame, hosts, ofport, self._xid())])

    def send(self, frame: bytes, ofport: int) -> None:
        """Send a frame out of a port. No flow sees it."""
        self._outbox.put([encode.frame_out(frame, ofport, self._xid())])

    def ask(self) -> int:
        """Ask whether all that was sent before was done; :class:`Confirmed` with this number answers."""
        xid = self._xid()
        self._outbox.put([encode.barrier(xid)])
        return xid

    def close(self) -> None:
        """End the connection; the switch will connect again."""
        self._datapath.close()

    def ended(self) -> None:
        """The connection has ended."""
        self._outbox.close()

    def read_ports(self) -> None:
        """Ask for the switch's ports; :class:`Ports` answers, now and whenever one of them changes."""
        self._ports = {}
        self._outbox.put([encode.read_ports(self._xid())])

    def read_port_settings(self) -> None:
        """Open closed ports, now and later; :class:`PortsOpened` reports each."""
        self._outbox.put([encode.read_ports(self._xid())])

    def ask_config(self) -> None:
        """Ask how the switch treats fragments; :class:`Config` answers."""
        self._outbox.put([encode.ask_config(self._xid())])

    def pass_fragments(self) -> None:
        """Make the switch match fragments like other packets."""
        self._outbox.put([encode.pass_fragments(self._xid())])

    def open_ports(self, ports: Iterable[Any]) -> list[str]:
        """Open those of some ports that are closed. Returns what was wrong with them."""
        found = []
        for port in ports:
            if words := [word for bit, word in encode.CLOSED.items() if port.config & bit]:
                self._outbox.put([encode.open_port(port.port_no, port.hw_addr, self._xid())])
                found.append(f"port {port.name.decode(errors='replace')} {', '.join(words)} -> open")
        return found

    def _xid(self) -> int:
        self._datapath.xid = max(self._datapath.xid % 0xFFFFFFF0, encode.CHANGE) + 1
        return int(self._datapath.xid)

    def part(self, xid: int, flows: bytes, *, is_last: bool) -> "FlowsRead | None":
        """A part of an answer to :meth:`read_flows`; None when nobody asked."""
        which = self._asked.pop(xid, None) if is_last else self._asked.get(xid)
        if which is None:
            return None
        self._heard_at = process_clock.now()
        if is_last and which == encode.EVERYTHING:
            self._datapath.has_done_all()
        return FlowsRead(self, which, flows, is_last)

    def describe(self, ports: Iterable[Any], *, are_gone: bool = False) -> frozenset[Plug] | None:
        """Take in the description of some ports; all ports, when they were asked for."""
        if self._ports is None:
            return None
        for port in ports:
            if are_gone:
                self._ports.pop(port.port_no, None)
            else:
                self._ports[port.port_no] = Plug(port.name.decode(errors="replace"), port.port_no, _is_live(port))
        return frozenset(self._ports.values())


@dataclass(frozen=True, slots=True)
class SwitchUp:
    """A switch finished its handshake."""

    session: Session


@dataclass(frozen=True, slots=True)
class SwitchDown:
    """A session ended, or went silent."""

    session: Session


@dataclass(frozen=True, slots=True)
class FlowsRead:
    """Some of the flows that were asked for, as the switch reports them. Answers come one after the other."""

    session: Session
    which: encode.Flows
    flows: bytes
    is_last: bool


@dataclass(frozen=True, slots=True)
class FlowsChanged:
    """Somebody else changed flows of a switch."""

    session: Session
    updates: Sequence[Update]


@dataclass(frozen=True, slots=True)
class Counted:
    """How many flows of ours a switch holds."""

    session: Session
    flows: int


@dataclass(frozen=True, slots=True)
class Metered:
    """What meters of a switch have counted."""

    session: Session
    counts: Mapping[int, MeterCount]
    """By the meter's number."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """A switch has carried out everything up to a transaction's barrier."""

    session: Session
    xid: int


@dataclass(frozen=True, slots=True)
class Refused:
    """A switch refused a message: about the flow with ``cookie``, or about the group or meter ``key``."""

    session: Session
    xid: int
    reason: str
    cookie: int | None
    key: Key | None = None


@dataclass(frozen=True, slots=True)
class GroupsAndMetersRead:
    """All groups and meters that a switch holds, as it reports them, by ``group`` and ``meter``."""

    session: Session
    reports: Mapping[str, bytes]


@dataclass(frozen=True, slots=True)
class GroupsOrMetersChanged:
    """Somebody else changed a group or meter of a switch, or tried to."""

    session: Session


@dataclass(frozen=True, slots=True)
class Described:
    """What a switch says of itself."""

    session: Session
    serial: str
    """Its serial number: ``other_config:dp-sn`` of its bridge."""


@dataclass(frozen=True, slots=True)
class Ports:
    """All ports of a switch."""

    session: Session
    plugs: frozenset[Plug]


@dataclass(frozen=True, slots=True)
class PacketIn:
    """A flow sent the beginning of a packet up."""

    session: Session
    cookie: int
    """Of the flow."""
    in_port: int
    frame: bytes
    """The beginning."""
    length: int
    """Bytes of all of it."""


@dataclass(frozen=True, slots=True)
class PortsOpened:
    """Closed ports were opened again: what was wrong with each."""

    session: Session
    words: Sequence[str]


@dataclass(frozen=True, slots=True)
class Config:
    """How a switch treats fragments: ``OFPC_FRAG_*``."""

    session: Session
    fragments: int


SwitchEvent = (
    PortsOpened
    | Config
    | SwitchUp
    | SwitchDown
    | FlowsRead
    | FlowsChanged
    | Counted
    | Metered
    | Confirmed
    | Refused
    | GroupsAndMetersRead
    | GroupsOrMetersChanged
    | Described
    | Ports
    | PacketIn
)


class SwitchApp(app_manager.OSKenApp):  # type: ignore[misc]
    """The os-ken application."""

    OFP_VERSIONS = (ofp.OFP_VERSION,)

    def __init__(self, on_event: Callable[[SwitchEvent], None]) -> None:
        super().__init__()
        self._on_event = on_event
        self._sessions: dict[Any, Session] = {}

    @set_ev_cls(ofp_event.EventOFPStateChange, [MAIN_DISPATCHER, DEAD_DISPATCHER])  # type: ignore[untyped-decorator]
    def _state_changed(self, event: Any) -> None:
        datapath = event.datapath
        if event.state == MAIN_DISPATCHER:
            session = self._sessions[datapath] = Session(datapath)
            self._on_event(SwitchUp(session))
        elif datapath in self._sessions:
            session = self._sessions.pop(datapath)
            session.ended()
            self._on_event(SwitchDown(session))

    @set_ev_cls(ofp_event.EventOFPFlowStatsReply, MAIN_DISPATCHER)  # type: ignore[untyped-decorator]
    def _flows_read(self, event: Any) -> None:
        message = event.msg
        if session := self._sessions.get(message.datapath):
            is_last = not message.flags & ofp.OFPMPF_REPLY_MORE
            if read := session.part(message.xid, b"".join(message.body), is_last=is_last):
                self._on_event(read)

    @set_ev_cls(  # type: ignore[untyped-decorator]
        [ofp_event.EventOFPGroupDescStatsReply, ofp_event.EventOFPMeterConfigStatsReply], MAIN_DISPATCHER
    )
    def _groups_or_meters_read(self, event: Any) -> None:
        message = event.msg
        if session := self._sessions.get(message.datapath):
            is_last = not message.flags & ofp.OFPMPF_REPLY_MORE
            if read := session.described(message.xid, b"".join(message.body), is_last=is_last):
                self._on_event(read)

    @set_ev_cls(ofp_event.EventOFPRequestForward, MAIN_DISPATCHER)  # type: ignore[untyped-decorator]
    def _groups_or_meters_changed(self, event: Any) -> None:
        if session := self._sessions.get(event.msg.datapath):
            self._on_event(GroupsOrMetersChanged(session))

    @set_ev_cls(ofp_event.EventOFPFlowMonitorReply, MAIN_DISPATCHER)  # type: ignore[untyped-decorator]
    def _flows_changed(self, event: Any) -> None:
        session = self._sessions.get(event.msg.datapath)
        updates = [update for update in event.msg.body if update.entry is not None or update.event == RESUMED]
        if session is not None and updates:
            self._on_event(FlowsChanged(session, updates))

    @set_ev_cls(ofp_event.EventOFPAggregateStatsReply, MAIN_DISPATCHER)  # type: ignore[untyped-decorator]
    def _counted(self, event: Any) -> None:
        if session := self._sessions.get(event.msg.datapath):
            self._on_event(Counted(session, event.msg.body.flow_count))

    @set_ev_cls(ofp_event.EventOFPMeterStatsReply, MAIN_DISPATCHER)  # type: ignore[untyped-decorator]
    def _metered(self, event: Any) -> None:
        if session := self._sessions.get(event.msg.datapath):
            self._on_event(
                Metered(session, {meter.meter_id: groups_and_meters.counted(meter) for meter in event.msg.body})
            )

    @set_ev_cls(ofp_event.EventOFPBarrierReply, MAIN_DISPATCHER)  # type: ignore[untyped-decorator]
    def _confirmed(self, event: Any) -> None:
        if session := self._sessions.get(event.msg.datapath):
            self._on_event(Confirmed(session, event.msg.xid))

    @set_ev_cls(ofp_event.EventOFPDescStatsReply, MAIN_DISPATCHER)  # type: ignore[untyped-decorator]
    def _described(self, event: Any) -> None:
        if session := self._sessions.get(event.msg.datapath):
            self._on_event(Described(session, event.msg.body.serial_num.decode(errors="replace")))

    @set_ev_cls(ofp_event.EventOFPPortDescStatsReply, MAIN_DISPATCHER)  # type: ignore[untyped-decorator]
    def _ports_read(self, event: Any) -> None:
        message = event.msg
        if session := self._sessions.get(message.datapath):
            self._open(session, message.body)
            plugs = session.describe(message.body)
            if plugs is not None and not message.flags & ofp.OFPMPF_REPLY_MORE:
                self._on_event(Ports(session, plugs))

    @set_ev_cls(ofp_event.EventOFPPortStatus, MAIN_DISPATCHER)  # type: ignore[untyped-decorator]
    def _port_changed(self, event: Any) -> None:
        message = event.msg
        if session := self._sessions.get(message.datapath):
            is_gone = message.reason == ofp.OFPPR_DELETE
            self._open(session, [] if is_gone else [message.desc])
            plugs = session.describe([message.desc], are_gone=is_gone)
            if plugs is not None:
                self._on_event(Ports(session, plugs))

    def _open(self, session: Session, ports: Iterable[Any]) -> None:
        if words := session.open_ports(ports):
            self._on_event(PortsOpened(session, words))

    @set_ev_cls(ofp_event.EventOFPGetConfigReply, MAIN_DISPATCHER)  # type: ignore[untyped-decorator]
    def _config(self, event: Any) -> None:
        if session := self._sessions.get(event.msg.datapath):
            self._on_event(Config(session, event.msg.flags & ofp.OFPC_FRAG_MASK))

    @set_ev_cls(ofp_event.EventOFPPacketIn, MAIN_DISPATCHER)  # type: ignore[untyped-decorator]
    def _packet_in(self, event: Any) -> None:
        message = event.msg
        in_port = message.match.get("in_port")
        if in_port is not None and (session := self._sessions.get(message.datapath)):
            self._on_event(PacketIn(session, message.cookie, in_port, message.data, message.total_len))

    @set_ev_cls(ofp_event.EventOFPErrorMsg, MAIN_DISPATCHER)  # type: ignore[untyped-decorator]
    def _refused(self, event: Any) -> None:
        message = event.msg
        if session := self._sessions.get(message.datapath):
            if read := session.described(message.xid, b"", is_last=True):
                self._on_event(read)  # a switch that knows no meters has none
            inner = _inner(message.data)
            xid, key = session.transaction_of(message.xid), groups_and_meters.key_in(inner)
            self._on_event(Refused(session, xid, _reason(message), _cookie_of(inner), key))


def _reason(error: Any) -> str:
    """Why a switch refuses something."""
    kind = ofp.ofp_error_type_to_str(error.type)
    if error.type == ofp.OFPET_EXPERIMENTER:
        return f"{kind}: {error.exp_type} of {error.experimenter:#010x}"  # Open vSwitch has errors of its own
    return f"{kind}: {ofp.ofp_error_code_to_str(error.type, error.code)}"


def bridge_name(local_port: bytes | None) -> str:
    """The name of a bridge, which is that of its local port, for use in a command.

    ``BRIDGE`` where it has no local port, or one with a name that a shell would take for something else.
    """
    name = (local_port or b"").decode(errors="replace")
    return name if _PLAIN_NAME.fullmatch(name) else "BRIDGE"


def _is_live(port: Any) -> bool:
    return not port.config & ofp.OFPPC_PORT_DOWN and not port.state & ofp.OFPPS_LINK_DOWN


_IN_BUNDLE = 16
"""Bytes before a message that is added to a bundle (OpenFlow 1.4, 7.3.9.6)."""


def _inner(message: bytes) -> bytes:
    """The copy of a message that an error carries, without that of the bundle which it was in."""
    is_bundled = len(message) > _IN_BUNDLE and message[1] == ofp.OFPT_BUNDLE_ADD_MESSAGE
    return message[_IN_BUNDLE:] if is_bundled else message


def _cookie_of(message: bytes) -> int | None:
    """The cookie inside the copy of a flow-mod."""
    if len(message) < 16 or message[1] != ofp.OFPT_FLOW_MOD:
        return None
    return int(struct.unpack_from("!Q", message, 8)[0])


def listen(address: str, port: int, on_event: Callable[[SwitchEvent], None]) -> None:
    """Accept switches on a TCP address. Returns at once; os-ken's own threads do the work."""
    use_own_decoders()
    allow_many_files()
    osken.StreamServer = Listener
    cfg.CONF(args=[], project="ovs-vpc")
    cfg.CONF.set_override("ofp_listen_host", address)
    cfg.CONF.set_override("ofp_tcp_listen_port", port)
    # Whether a switch takes what it is sent is found out otherwise; this would also count the time without attention.
    cfg.CONF.set_override("socket_timeout", 600.0)
    connections = Connections()
    osken.datapath_connection_factory = connections.accept
    process_clock.CLOCK.start(connections.beat)
    manager = app_manager.AppManager.get_instance()
    manager.load_apps(["os_ken.controller.ofp_handler"])
    manager.applications_cls[SwitchApp.__name__] = SwitchApp
    manager.instantiate_apps(on_event=on_event)
    _log.info("listening for switches on %s:%d", address, port)
