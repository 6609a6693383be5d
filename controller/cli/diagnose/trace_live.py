"""A real packet in a lab: where it arrives, and which flows' counters it moves."""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from secrets import randbelow

from controller.cli.common.on_host import in_lab
from controller.cli.common.output import fail
from controller.cli.diagnose.trace_running import LiveBridge, bridges
from flows.compile.declared import Snapshot
from flows.model import AnyPort
from flows.pipeline.page import table_name
from flows.simulate.packet import Unsupported
from flows.simulate.receivers import Gateway, NotSent, Receiver, RouterLeg
from flows.simulate.tracing import Hop, Trace, arrival_in_words, explained
from flows.simulate.traffic import Traffic, frame_of
from flows.simulate.world import Instance, ends_of
from mininet_topos.client.lab import Lab
from mininet_topos.directory import CONTROLLER_NODE
from mininet_topos.probes.sending import SendRequest, encoded
from mininet_topos.waiting import patience

TIMES = 10
"""The packet is sent so often: the counters that it moves are then told from those that others move a little."""
_WAIT = 0.5
"""Seconds in which it arrives, on a usual machine."""
_COUNTER = re.compile(r"cookie=(0x[0-9a-f]+), .*?table=(\w+), n_packets=(\d+),")

Counters = Mapping[tuple[int, int], int]
"""Packets by table and cookie."""


def trace_live(lab: Lab, snapshot: Snapshot, source: AnyPort, target: Receiver, traffic: Traffic) -> Trace:
    """Send a packet, and tell which counters it moved on all hosts, in the order of hosts and tables."""
    node_of = {end.port: place.node for place, end in ends_of(snapshot).items() if isinstance(end, Instance)}
    if source.name not in node_of:
        return Trace((), False, f"not sent: port {source.name} is not plugged in")
    if isinstance(target, RouterLeg):
        raise Unsupported(f"--live watches instances, and {target.name} is not one; --running asks the switches")
    # A gateway's answer comes back to the sender.
    watched = source.name if isinstance(target, Gateway) else target.name
    try:
        # The receiver's own system drops a packet with a wrong checksum: an answer would move counters too.
        number = 1 + randbelow(65535)
        frame = frame_of(snapshot.network, source, target, traffic, number=number, is_answered=False)
    except NotSent as reason:
        return Trace((), False, f"not sent: {reason}")
    nodes = _nodes(snapshot, node_of[source.name])
    known = bridges(snapshot, in_lab(lab))
    before = {node: _read(known[node]) for node in nodes}
    got = _send(lab, source.name, frame, [port for port in node_of if port == watched or port != source.name])
    after = {node: _read(known[node]) for node in nodes}
    moved = [
        _Moved(node, table, cookie, packets - before[node].get((table, cookie), 0))
        for node in nodes
        for (table, cookie), packets in sorted(after[node].items())
    ]
    ours = [each for each in moved if each.packets >= TIMES]
    hops = tuple(each.hop(snapshot) for each in ours)
    if copies := got.get(watched):
        ending = f"{arrival_in_words(target, node_of[watched])}: {copies} of {TIMES} packets"
        return Trace(hops, True, ending)
    return Trace(hops, False, _ending(snapshot, ours, got, target.name))


@dataclass(frozen=True, slots=True)
class _Moved:
    """A flow, and how many packets it has counted meanwhile."""

    node: str
    table: int
    cookie: int
    packets: int

    def hop(self, snapshot: Snapshot) -> Hop:
        sentence, why = explained(snapshot, self.node, self.cookie)
        return Hop(self.node, "", table_name(self.table), self.cookie, sentence, why)

    def drops(self, snapshot: Snapshot) -> bool:
        flow = snapshot.desired[self.node].flows.get(self.cookie)
        return flow is not None and flow.shape.drops


def _nodes(snapshot: Snapshot, first: str) -> list[str]:
    """All nodes, that of the sender first."""
    return [first, *(node for node in snapshot.desired if node != first)]


def _read(bridge: LiveBridge) -> Counters:
    """The counters of a switch, brought up to date."""
    bridge.run("ovs-appctl", "revalidator/wait")
    dump = bridge.run("ovs-ofctl", "-OOpenFlow10,OpenFlow14", "--no-names", "dump-flows", bridge.name)
    counters: dict[tuple[int, int], int] = {}
    for cookie, table, packets in _COUNTER.findall(dump):
        place = int(table), int(cookie, 16)
        counters[place] = counters.get(place, 0) + int(packets)
    return counters


def _send(lab: Lab, source: str, frame: bytes, watched: list[str]) -> dict[str, int]:
    order = SendRequest(source, frame.hex(), TIMES, watched, patience(_WAIT))
    command = [sys.executable, "-m", "mininet_topos.probes.sending", str(lab.path)]
    done = lab.run(CONTROLLER_NODE, command, input=encoded(order), capture_output=True, text=True)
    if done.returncode != 0:
        fail(f"cannot send inside lab '{lab.name}': {done.stderr.strip()}")
    return dict(json.loads(done.stdout))


def _ending(snapshot: Snapshot, moved: list[_Moved], got: Mapping[str, int], target: str) -> str:
    """Where a packet ended that did not arrive."""
    others = [port for port, copies in got.items() if copies]
    if others:
        return f"not delivered: it went to {', '.join(others)}, and not to {target}"
    dropped = [each for each in moved if each.drops(snapshot)]
    if not dropped:
        return f"not delivered to {target}"
    hop = dropped[-1].hop(snapshot)
    return f"dropped on {hop.node} in table {hop.table}: {hop.sentence.removesuffix(': dropped')}"
