"""Running switches asked what they would do with a packet (``ofproto/trace``), and its answers read.

A switch says which flows the packet meets and which ports it goes out of. The cookies of the flows lead back to what
was compiled; what these flows do to the packet is done by :mod:`flows.simulate`, and must end as the switch says.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from controller.cli.common.on_host import HostCommand, SwitchOwner, run_there
from flows.compile.declared import Snapshot, host_node, switch_node
from flows.model.contract import INTEGRATION_BRIDGE
from flows.model.interfaces import interface_name
from flows.openflow import fields
from flows.openflow.actions import Output
from flows.openflow.fields import Field, nxm
from flows.openflow.groups_and_meters import GroupOrMeter, Key
from flows.openflow.learn import LEARNED_OWNER, Learn, LearnLoad
from flows.openflow.nat import Nat
from flows.pipeline import registers
from flows.simulate import Packet, Unsupported, Walk, walk
from flows.simulate.tables import Executable, FlowEntry, entry
from flows.simulate.world import World, ends_of

_LOOKUP = re.compile(r"^ *(\d+)\. (?:.*priority (\d+)(?:, cookie (0x[0-9a-f]+))?|(No match)\.)$")
_LOAD = re.compile(r"load:(0x[0-9a-f]+|\d+)->(\S+)$")
_OUTPUT = re.compile(r"output:(\d+)$")
_COPY = re.compile(r"^ +(?:output:(\d+)|-> output port is (\d+)|(IN_PORT))$")
_FIELDS = {nxm(item): item for item in (*vars(fields).values(), *registers.ALL.values()) if isinstance(item, Field)}
_TO_ITSELF = ">> skipping output to input port"


@dataclass(frozen=True, slots=True)
class LiveBridge:
    """A switch that runs."""

    node: str
    name: str
    """Of the bridge; that of a plain switch has the switch's name, as in a lab."""
    place: SwitchOwner
    host_command: HostCommand

    def run(self, *command: str) -> str:
        """Run a command of Open vSwitch there, and return what it prints; the end of everything when it fails."""
        return run_there(self.node, self.host_command(self.place), *command)


def bridges(snapshot: Snapshot, host_command: HostCommand) -> dict[str, LiveBridge]:
    """The switch of each node of a snapshot."""
    network = snapshot.network
    known = [
        LiveBridge(host_node(name), INTEGRATION_BRIDGE, network.hosts[name], host_command) for name in snapshot.hosts
    ]
    for name in snapshot.switches:
        known.append(LiveBridge(switch_node(name), interface_name(name), network.switches[name], host_command))
    return {bridge.node: bridge for bridge in known}


def running(snapshot: Snapshot, host_command: HostCommand) -> World:
    """The switches that run, which are asked and do nothing: no packet is sent, and nothing learned."""
    known = bridges(snapshot, host_command)
    switches = {node: _RunningSwitch(known[node], snapshot) for node in snapshot.desired}
    return World(switches, ends_of(snapshot))


@dataclass(frozen=True, slots=True)
class _RunningSwitch:
    bridge: LiveBridge
    snapshot: Snapshot

    def receive(self, packet: Packet) -> Walk:
        """What the switch would do with a packet."""
        text = self.bridge.run("ovs-appctl", "ofproto/trace", self.bridge.name, str(packet))
        answer = list(_of_bridge(text))
        referred = self.snapshot.desired[self.bridge.node].groups_and_meters
        replayed = walk(packet, _Replay(self.bridge.node, list(self._met(answer)), referred))
        if [copy.port for copy in replayed.copies] != list(_copies(answer, packet)):
            raise Unsupported(f"the switch of {self.bridge.node} does not do what its flows say:\n{text}")
        return replayed

    def _met(self, answer: list[str]) -> Iterator[FlowEntry | None]:
        """The flows that the packet meets; None: a table has none for it."""
        desired = self.snapshot.desired[self.bridge.node]
        for index, line in enumerate(answer):
            if not (found := _LOOKUP.match(line)):
                continue
            cookie = int(found[3] or "0", 16)
            if found[4]:
                yield None
            elif cookie in desired.flows:
                yield entry(desired.flows[cookie])
            elif cookie >> 56 == LEARNED_OWNER:
                yield FlowEntry(int(found[1]), int(found[2]), cookie, (), tuple(_learned(answer[index + 1 :])))
            else:
                raise Unsupported(f"{self.bridge.node} holds a flow that it should not hold: {line.strip()}")


@dataclass(slots=True)
class _Replay:
    """Answers lookups with the flows that a real switch has met, one after the other."""

    node: str
    left: list[FlowEntry | None]
    groups_and_meters: Mapping[Key, GroupOrMeter]

    def is_live(self, port: int) -> bool:
        raise Unsupported("a running switch is not asked which of its ports are live")

    def lookup(self, number: int, packet: Packet) -> FlowEntry | None:
        found = self.left.pop(0) if self.left else None
        if found is not None and found.table != number:
            raise Unsupported(f"the switch of {self.node} does not look into table {number} with {packet}")
        return found

    def learn(self, learn: Learn, packet: Packet) -> bool:
        """Without a packet Open vSwitch learns nothing and calls it a success (ADR 10)."""
        return True

    def track(self, packet: Packet, zone: int, *, commit: bool, nat: Nat | None) -> Packet:
        raise Unsupported("a running switch is not asked for its connections")

    def remember(self, packet: Packet, marked: Packet) -> Packet:
        raise Unsupported("a running switch is not asked for its connections")


def _of_bridge(text: str) -> Iterator[str]:
    """The lines about the bridge itself, without those inside them about br-phy, which gets what tunnels carry."""
    inside: int | None = None
    for line in text.partition("\n---")[2].partition("\nFinal flow:")[0].splitlines()[1:]:
        indent = len(line) - len(line.lstrip())
        if line.lstrip().startswith("bridge("):
            inside = indent
        elif inside is not None and line and indent <= inside and not line.lstrip().startswith("---"):
            inside = None
        if inside is None and line:
            yield line


def _learned(answer: list[str]) -> Iterator[Executable]:
    """What a learned flow does: the lines after it, up to the next lookup."""
    for line in answer:
        if _LOOKUP.match(line):
            return
        if load := _LOAD.search(line):
            yield LearnLoad(int(load[1], 0), _FIELDS[load[2]])
        elif output := _OUTPUT.search(line):
            yield Output(int(output[1]))


def _copies(answer: list[str], packet: Packet) -> Iterator[int]:
    """The ports that copies go out of."""
    for line, after in zip(answer, [*answer[1:], ""], strict=True):
        if found := _COPY.match(line):
            problem = after.strip()
            if problem.startswith(">>") and problem != _TO_ITSELF:
                raise Unsupported(f"Open vSwitch cannot send it: {problem.removeprefix('>> ')}")
            if problem != _TO_ITSELF:
                yield int(found[1] or found[2] or packet[fields.IN_PORT])
