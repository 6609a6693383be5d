"""The status: what the controller says of itself. The form of its JSON is here and nowhere else.

The controller writes it into the store (:mod:`controller.status.report`), commands read it (:func:`read_status`). A
controller of another version may have written it: what it did not say is as if nothing were known, what is not known
here is passed over.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, NamedTuple, Protocol

from pydantic import TypeAdapter

from flows.inputs.facts import HostFacts, Interface, Plug, SwitchFacts
from flows.inputs.tree import LinkVlan
from flows.model.contract import datapath_id


class PluggedIn(NamedTuple):
    """An interface of a switch that says it is a port."""

    port: str
    """What it says: the port need not be in the model."""
    interface: str
    ofport: int


class ReachedNetwork(NamedTuple):
    """A physical network that a host reaches."""

    network: str
    ofport: int


class UnreachedHost(NamedTuple):
    """A host to which no packets come through the underlay."""

    host: str
    since: float
    """Seconds since 1970."""
    small_only: bool
    """Whether small packets come through, and those of the underlay's MTU do not."""


class SwitchPlug(NamedTuple):
    """A port of a plain switch, of whatever kind."""

    name: str
    ofport: int
    is_live: bool


class UnansweredPackets(NamedTuple):
    """Packets that came to the controller and got no answer."""

    handler: str
    why: str
    packets: int


class PacketsAboveLimit(NamedTuple):
    """Packets for the controller that a switch dropped: more than the limit of their port."""

    handler: str
    port: str
    packets: int
    """Since the port's meter was made."""


@dataclass(frozen=True, slots=True)
class ControllerPackets:
    """What came of the packets that a switch had for the controller: what is not usual.

    How many were handled changes with every probe of a tunnel, so only the metrics tell it.
    """

    unanswered: tuple[UnansweredPackets, ...] = ()
    above_limit: tuple[PacketsAboveLimit, ...] = ()


class ManyConnections(NamedTuple):
    """A port that opens nearly as many connections as it may, or more."""

    port: str
    per_second: int
    """How many it wants to open."""
    limit: int
    """How many it may open in a second."""
    refused: int
    """How many were too many, since the port's meter was made."""


@dataclass(frozen=True, slots=True)
class Happened:
    """How often something happened on a node, and what it was last."""

    count: int = 0
    last: str | None = None
    at: float | None = None
    """Seconds since 1970."""


@dataclass(frozen=True)
class Progress:
    """How far a node is: what is another with each change of the model."""

    wanted: int = 0
    """The generation of the model that it must hold."""
    confirmed: int = 0
    """The last one that its switch confirmed to hold."""
    settled: bool = False
    """Whether its switch holds all that it must, as far as the node was observed."""
    flows: int = 0
    """How many flows of ours its switch holds."""


@dataclass(frozen=True)
class HostReport:
    """The rest of what is said of a host."""

    database: bool = False
    """Whether its database is connected."""
    switch: bool = False
    """Whether its switch is connected."""
    problem: str | None = None
    """Why its switch does not hold what it must."""
    problems: tuple[str, ...] = ()
    """What is wrong with it and is not repaired by itself."""
    drift: Happened = Happened()
    """What somebody else changed, and was repaired."""
    refused: Happened = Happened()
    """What its switch refused."""
    drops: Mapping[str, int] = field(default_factory=dict)
    """How many packets its switch dropped, by the sentence of the flow."""
    packets: ControllerPackets = ControllerPackets()
    many_connections: tuple[ManyConnections, ...] = ()
    unreached: tuple[UnreachedHost, ...] = ()
    cut_off: tuple[str, ...] = ()
    """The segments that it has ports in, and no VLAN for."""
    datapath: str | None = None
    """The type of its datapath; None while the host was not seen."""
    tunnel: int | None = None
    """The number of its tunnel port."""
    interfaces: tuple[PluggedIn, ...] = ()
    physical: tuple[ReachedNetwork, ...] = ()
    lost: tuple[str, ...] = ()
    """The ports that were plugged in here last, and are nowhere now."""


@dataclass(frozen=True)
class HostStatus(Progress, HostReport):
    """A host. By default one of which the controller has said nothing."""

    def facts(self, name: str) -> HostFacts | None:
        """What the controller saw on it; None while it has not seen it. ``name``: the host's."""
        if self.datapath is None:
            return None
        interfaces = (Interface(port, interface, ofport, bound=True) for port, interface, ofport in self.interfaces)
        physical = frozenset((network, ofport) for network, ofport in self.physical)
        return HostFacts(datapath_id(name), self.datapath, self.tunnel, frozenset(interfaces), physical)


@dataclass(frozen=True)
class SwitchStatus:
    """A plain switch. By default one of which the controller has said nothing. The names mean what a host's mean."""

    switch: bool = False
    wanted: int = 0
    confirmed: int = 0
    settled: bool = False
    flows: int = 0
    problem: str | None = None
    problems: tuple[str, ...] = ()
    drift: Happened = Happened()
    refused: Happened = Happened()
    drops: Mapping[str, int] = field(default_factory=dict)
    lost: tuple[str, ...] = ()
    interfaces: tuple[PluggedIn, ...] = ()
    plugs: tuple[SwitchPlug, ...] = ()
    """All its ports; none while it never connected."""

    def facts(self) -> SwitchFacts | None:
        """What it said of itself; None while it never connected."""
        return SwitchFacts(frozenset(Plug(*plug) for plug in self.plugs)) if self.plugs else None


NodeStatus = HostStatus | SwitchStatus


@dataclass(frozen=True)
class ProgressStatus:
    """How far all nodes are: a small part of the status, which is quickly read."""

    generation: int = 0
    progress: Mapping[str, Progress] = field(default_factory=dict)
    """Of the hosts."""
    switches: Mapping[str, SwitchStatus] = field(default_factory=dict)

    def has_confirmed(self, generation: int) -> bool:
        """Whether every host and plain switch of the model has confirmed a generation of it."""
        confirmed = [node.confirmed for node in self.progress.values()]
        confirmed += [node.confirmed for node in self.switches.values()]
        return self.generation >= generation and all(one >= generation for one in confirmed)


@dataclass(frozen=True)
class Status:
    """All of it. By default that of a controller that never said anything."""

    generation: int = 0
    """The generation of the model that it is about."""
    switches: Mapping[str, SwitchStatus] = field(default_factory=dict)
    open_links: tuple[LinkVlan, ...] = ()
    """The links between plain switches that carry frames, each with its VLAN, or None for all."""
    written: float = 0.0
    """Seconds since 1970."""
    hosts: Mapping[str, HostStatus] = field(default_factory=dict)
    ports: Mapping[str, str] = field(default_factory=dict)
    """The host or plain switch of each port that has one."""

    @cached_property
    def nodes(self) -> Mapping[str, NodeStatus]:
        """Hosts and plain switches by name; a switch that is named like a host is ``switch NAME``."""
        switches = {f"switch {name}" if name in self.hosts else name: one for name, one in self.switches.items()}
        return {**self.hosts, **switches}

    @property
    def seen(self) -> set[str]:
        """What all interfaces that are plugged in somewhere say that they are."""
        return {port for node in self.nodes.values() for port, _, _ in node.interfaces}


class Source(Protocol):
    """Where the status is read (:class:`controller.store.Store`)."""

    def read_status(self) -> dict[str, Any]: ...

    def read_progress(self) -> dict[str, Any]: ...


def read_status(store: Source) -> Status:
    """The status as the controller wrote it last."""
    return parse_status(store.read_status())


def read_progress(store: Source) -> ProgressStatus:
    """The same of how far the nodes are."""
    return _PROGRESS_STATUS.validate_python(store.read_progress())


def parse_status(document: Mapping[str, Any]) -> Status:
    """The status out of its JSON."""
    return _STATUS.validate_python(document)


def open_links(document: Mapping[str, Any]) -> frozenset[LinkVlan]:
    """Out of the JSON of a status only the links that carry frames."""
    return frozenset(_LINKS.validate_python(document.get("open_links", ())))


def plain(part: HostReport | Progress | SwitchStatus | Happened | ControllerPackets) -> dict[str, Any]:
    """A part of the status as JSON."""
    written: dict[str, Any] = _PARTS[type(part)].dump_python(part, mode="json")
    return written


_STATUS = TypeAdapter(Status)
_PROGRESS_STATUS = TypeAdapter(ProgressStatus)
_LINKS = TypeAdapter(tuple[LinkVlan, ...])
_PARTS: Mapping[type, TypeAdapter[Any]] = {
    kind: TypeAdapter(kind) for kind in (HostReport, Progress, SwitchStatus, Happened, ControllerPackets)
}
