"""In which order links between plain switches are blocked and opened. The clock and the switches are ours."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import cast

import pytest

from controller.openflow.encode import EVERYTHING, Flows
from controller.openflow.sessions import Session
from controller.reconcile.installed.transactions import PATIENCE
from controller.reconcile.nodes.node import Node
from controller.reconcile.nodes.plain_switches import STARTUP, Switches
from controller.store import Stored
from controller.store.vlans import Vlans
from flows.compile.desired import Plan
from flows.inputs.facts import Plug, SwitchFacts
from flows.inputs.tags import Tags
from flows.inputs.tree import LinkVlan
from flows.model import parse

RING = """
switches: {s1: {}, s2: {}, s3: {}}
links:
  s1-s2: {between: [s1, s2]}
  s2-s3: {between: [s2, s3]}
  s3-s1: {between: [s3, s1]}
"""
NETWORK = parse(RING, "ring.yaml")[0]
USUAL = frozenset({("s1-s2", None), ("s3-s1", None)})
WITHOUT_S1_S2 = frozenset({("s2-s3", None), ("s3-s1", None)})


@dataclass
class Switch:
    """Stands for a session; the test confirms."""

    plans: list[Plan] = field(default_factory=list)
    moved_at: float = 0.0
    bridge: str = "br-int"

    def apply(self, plan: Plan) -> int:
        self.plans.append(plan)
        return len(self.plans)

    def read_port_settings(self) -> None:
        pass

    def read_groups_and_meters(self) -> None:
        pass

    def ask_config(self) -> None:
        pass

    def watch(self, tables: Iterable[int]) -> None:
        pass

    def read_flows(self, which: Flows) -> None:
        pass

    def count_flows(self) -> None:
        pass

    def close(self) -> None:
        pass


class Ring:
    """Three switches in a ring, connected and empty."""

    def __init__(self, open_links: frozenset[LinkVlan] = frozenset()) -> None:
        self.switches = Switches(0, open_links)
        self.sessions = {name: Switch() for name in NETWORK.switches}
        for name, switch in NETWORK.switches.items():
            self.switches.nodes[name] = Node(name, switch.datapath_id)
        self.switches.set_model(Stored(1, NETWORK, Tags({}, {}), Vlans()))

    def connect(self, *names: str) -> None:
        for name in names:
            node = self.switches.nodes[name]
            node.connected(cast(Session, self.sessions[name]), 0)
            node.read_groups_and_meters({"group": b"", "meter": b""})
            node.read(EVERYTHING, b"", is_last=True)
            self.describe(name)

    def describe(self, switch: str, *dead: str) -> None:
        """A switch says which ends of links it has, and which of them have no carrier."""
        ends = [link.end(switch) for link in NETWORK.links.values() if switch in link.between]
        plugs = (Plug(end, number, end not in dead) for number, end in enumerate(ends, start=1))
        self.switches.described(self.switches.nodes[switch], SwitchFacts(frozenset(plugs)))

    def pump(self, now: float, *confirming: str) -> None:
        """Send what is due, and let some switches confirm it."""
        self.switches.pump(now)
        for name in confirming:
            self.switches.nodes[name].confirmed(len(self.sessions[name].plans), now)


ALL = ("s1", "s2", "s3")


@pytest.fixture
def ring() -> Ring:
    made = Ring()
    made.connect(*ALL)
    for _ in range(3):
        made.pump(1, *ALL)
    assert made.switches.open_links == USUAL
    assert all(status.settled and status.confirmed == 1 for status in made.switches.status().values())
    return made


def test_new_link_is_opened_when_all_have_blocked_the_old_one(ring: Ring) -> None:
    ring.describe("s1", "s1.s2")
    ring.pump(2, "s1", "s2")
    ring.pump(2.1)
    assert ring.switches.open_links == USUAL, "s3 has not confirmed: nothing is opened yet"
    assert not all(status.settled for status in ring.switches.status().values())
    ring.pump(2.2, "s3")
    ring.pump(2.3, *ALL)
    assert ring.switches.open_links == WITHOUT_S1_S2


def test_repaired_link_waits_for_its_stand_in_to_be_blocked(ring: Ring) -> None:
    ring.describe("s1", "s1.s2")
    for now in (2, 2.1, 2.2):
        ring.pump(now, *ALL)
    ring.describe("s1")
    ring.pump(3)
    assert ring.switches.open_links == WITHOUT_S1_S2
    for now in (3.1, 3.2):
        ring.pump(now, *ALL)
    assert ring.switches.open_links == USUAL


def test_silent_switch_is_not_waited_for_long(ring: Ring) -> None:
    ring.describe("s1", "s1.s2")
    ring.pump(2, "s1", "s2")
    ring.pump(2 + PATIENCE + 0.1, "s1", "s2")
    assert ring.switches.open_links == WITHOUT_S1_S2


def test_nothing_is_touched_while_switches_are_still_connecting() -> None:
    ring = Ring(open_links=USUAL)
    ring.connect("s1", "s2")
    ring.pump(1)
    assert not ring.sessions["s1"].plans
    ring.pump(STARTUP + 1)
    assert ring.sessions["s1"].plans


def test_next_controller_blocks_first_what_the_last_one_had_open() -> None:
    ring = Ring(open_links=WITHOUT_S1_S2)
    ring.connect(*ALL)
    ring.pump(1)
    assert ring.switches.open_links == WITHOUT_S1_S2
    ring.pump(1.1, *ALL)
    ring.pump(1.2, *ALL)
    assert ring.switches.open_links == USUAL
