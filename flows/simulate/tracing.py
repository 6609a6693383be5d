"""One packet from port to port, in words: each table that decides on it, and how it ends."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial

from flows.compile.declared import Snapshot, switch_node
from flows.compile.on_demand import OnDemand
from flows.model import AnyPort
from flows.openflow.flow import COOKIE_OWNER
from flows.openflow.learn import LEARNED_OWNER
from flows.pipeline.page import table_name
from flows.pipeline.rules import Application
from flows.simulate.extract import extract
from flows.simulate.receivers import Gateway, NotSent, Receiver, is_for
from flows.simulate.switch import Switch
from flows.simulate.traffic import Traffic, frame_of
from flows.simulate.world import Arrival, Instance, Journey, PortLocation, Router, Visit, World, ends_of


@dataclass(frozen=True, slots=True)
class Hop:
    """One decision on a packet."""

    node: str
    by: str
    """The way by which the packet came to the node, in words; nothing where it begins."""
    table: str
    cookie: int
    """Of the flow; 0: none matched."""
    sentence: str
    why: str
    """The object of the model, with file and line."""


@dataclass(frozen=True, slots=True)
class Trace:
    """The way of a packet, and how it ended."""

    hops: tuple[Hop, ...]
    is_delivered: bool
    ending: str
    """In words."""


def simulated(snapshot: Snapshot) -> World:
    """All switches of a snapshot, which have learned nothing yet."""
    down = {
        switch_node(name): frozenset(plug.ofport for plug in facts.plugs if not plug.is_live)
        for name, facts in snapshot.switches.items()
    }

    def switch(node: str) -> Switch:
        desired = snapshot.desired[node]
        return Switch(desired.flows.values(), desired.groups_and_meters, down.get(node, frozenset()))

    return World(OnDemand({node: partial(switch, node) for node in snapshot.desired}), ends_of(snapshot))


def trace(snapshot: Snapshot, world: World, source: AnyPort, target: Receiver, traffic: Traffic) -> Trace:
    """Follow a packet of a port. Raises :class:`flows.simulate.packet.Unsupported`."""
    place = world.machines.get(source.name)
    if place is None:
        return Trace((), False, f"not sent: port {source.name} is not plugged in")
    try:
        frame = frame_of(snapshot.network, source, target, traffic)
    except NotSent as reason:
        return Trace((), False, f"not sent: {reason}")
    journey = world.send(place, extract(frame))
    return _Telling(snapshot, journey, source, target, world.machines.get(target.name)).trace()


@dataclass(frozen=True, slots=True)
class _Telling:
    """Puts a journey into words."""

    snapshot: Snapshot
    journey: Journey
    source: AnyPort
    target: Receiver
    there: PortLocation | None
    """Where the target is plugged in."""

    def trace(self) -> Trace:
        arrived = next((each for each in self.journey.arrivals if is_for(each, self.source, self.target)), None)
        if arrived is not None:
            way = self.journey.way(arrived.sender)
            hops = [hop for visit, copy in way for hop in self._hops(visit, copy.step)]
            return Trace(tuple(hops), True, arrival_in_words(self.target, arrived.place.node))
        last = self._furthest()
        before = self.journey.way(last.sender) if last.sender else []
        hops = [hop for visit, copy in before for hop in self._hops(visit, copy.step)]
        hops += self._hops(last, len(last.walk.steps) - 1)
        return Trace(tuple(hops), False, self._ending(last, hops[-1]))

    def _furthest(self) -> Visit:
        """Where to look when the packet did not arrive: at the receiver's node, else where the packet was last."""
        node = self.there.node if self.there else None
        there = [visit for visit in self.journey.visits if visit.place.node == node]
        if there:
            return there[0]
        only_way = [visit for visit in self.journey.visits if len(visit.walk.copies) <= 1]
        return self.journey.visits[-1] if len(only_way) == len(self.journey.visits) else self.journey.visits[0]

    def _ending(self, visit: Visit, hop: Hop) -> str:
        at = f"on {visit.place.node} in table {hop.table}"
        arrivals = [self._words(each) for each in self.journey.arrivals if self._is_of(each, visit)]
        copies = [f"to {far.place.node}" for far in self.journey.visits if self._is_from(far, visit)]
        if visit.walk.ends_at_controller:
            return f"sent to the controller {at}: {hop.sentence}"
        if not visit.walk.copies:
            return f"dropped {at}: {hop.sentence.replace(': dropped', '')}"
        return (
            f"not delivered: {at} it goes {', '.join([*arrivals, *copies]) or 'nowhere'}, and not to {self.target.name}"
        )

    def _is_of(self, arrival: Arrival, visit: Visit) -> bool:
        return self.journey.visits[arrival.sender.visit] is visit

    def _is_from(self, far: Visit, visit: Visit) -> bool:
        return far.sender is not None and self.journey.visits[far.sender.visit] is visit

    def _words(self, arrival: Arrival) -> str:
        match arrival.end:
            case Instance(port):
                return f"to {port}"
            case Router(name):
                return f"to router {name}"
            case _:
                return f"out of port {arrival.place.ofport}, where nothing is plugged in"

    def _hops(self, visit: Visit, until: int) -> Iterator[Hop]:
        """The decisions of one switch, up to that step. Looks aside, which only learn, are left out."""
        for index, step in enumerate(visit.walk.steps[: until + 1]):
            if not step.aside:
                cookie = step.entry.cookie if step.entry else 0
                sentence, why = explained(self.snapshot, visit.place.node, cookie)
                sentence = "; ".join([sentence, *visit.walk.notes.get(index, ())])
                yield Hop(visit.place.node, visit.by, table_name(step.table), cookie, sentence, why)


def arrival_in_words(target: Receiver, node: str) -> str:
    """How a packet ends that a receiver on a node has got or answered."""
    verb = "answered by" if isinstance(target, Gateway) else "delivered to"
    return f"{verb} {target.name} on {node}"


def explained(snapshot: Snapshot, node: str, cookie: int) -> tuple[str, str]:
    """What the flow of a node with a cookie does, in words, and the object that it is there for."""
    desired = snapshot.desired[node]
    reasons: tuple[Application, ...] = desired.applications.get(cookie) or desired.learned.get(cookie) or ()
    if reasons:
        learned = "learned: " if cookie >> 56 == LEARNED_OWNER else ""
        more = f" and {len(reasons) - 1} more" if len(reasons) > 1 else ""
        return learned + reasons[0].sentence, f"{reasons[0].why}{more}"
    ours = "that the model no longer needs" if cookie >> 56 in (COOKIE_OWNER, LEARNED_OWNER) else "that is not ours"
    return (f"a flow {ours}" if cookie else "no flow matches: dropped"), "nothing in the model"
