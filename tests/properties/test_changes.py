"""Whatever is changed in whatever order, the switches end up with what the model says, and with nothing twice."""

import time
from collections.abc import Iterator
from dataclasses import dataclass

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties.controller_process import Network
from tests.switch import wait_until

HOSTS = ("h1", "h2", "h3")
PORTS = {"a1": ("a", "10.0.0.11"), "a2": ("a", "10.0.0.12"), "b1": ("b", "10.1.0.11"), "b2": ("b", "10.1.0.12")}
SEGMENT_PORTS = ("s1", "s2", "s3")
SEGMENTS = {
    "red": "{id: 11, vlan: 101}",
    "green": "{id: 12, vlan: 0, ageing: 60, max_macs: 5}",
    "loud": "{id: 13, vlan: 103, flood_only: true}",
    "floor": "{vlan: 104, physical: {network: office, vlan: 7}}",
}
IN_SEGMENTS = ("segment: red", "segment: green", "segment: loud", "segment: floor", "trunk: [red, green]", "trunk: []")


@dataclass(frozen=True)
class State:
    """A model, as far as it varies here."""

    places: tuple[str | None, ...]
    """The host of each port; None: the port is not declared."""
    there: bool
    """Whether the subnet of VPC a has its route to b."""
    back: bool
    hosts: tuple[str, ...] = HOSTS
    switched: tuple[tuple[str, str] | None, ...] = (None,) * len(SEGMENT_PORTS)
    """What each port of segments is in, and its host; None: the port is not declared."""
    segments: tuple[str, ...] = tuple(SEGMENTS)

    def text(self) -> str:
        routes = ["[{to: 10.1.0.0/24, via: a-b}]" if self.there else "[]"]
        routes += ["[{to: 10.0.0.0/24, via: a-b}]" if self.back else "[]"]
        lines = ["encapsulation: vxlan", "hosts:"]
        office = "physical: {office: eth9}"
        lines += [f"  {host}: {{tunnel_ip: 192.0.2.{host[1:]}, {office}}}" for host in self.hosts]
        lines += ["segments:", *(f"  {name}: {SEGMENTS[name]}" for name in self.segments)]
        lines += ["vpcs:"]
        lines += [f"  a: {{id: 1, subnets: {{s: {{cidr: 10.0.0.0/24, routes: {routes[0]}}}}}}}"]
        lines += [f"  b: {{id: 2, subnets: {{s: {{cidr: 10.1.0.0/24, routes: {routes[1]}}}}}}}"]
        lines += ["ports:"]
        for (port, (vpc, ip)), host in zip(PORTS.items(), self.places, strict=True):
            lines += [f"  {port}: {{vpc: {vpc}, ips: [{ip}], host: {host}}}"] if host else []
        for port, place in zip(SEGMENT_PORTS, self.switched, strict=True):
            lines += [f"  {port}: {{{place[0]}, host: {place[1]}}}"] if place else []
        return "\n".join([*lines, "peerings:", "  a-b: {between: [a/s, b/s]}", ""])


SWITCHED = (("segment: red", "h1"), ("trunk: []", "h2"), ("segment: floor", "h3"))
EVERYTHING = State(("h1", "h2", "h1", "h3"), there=True, back=True, switched=SWITCHED)
STATES = st.builds(
    State,
    places=st.tuples(*(st.sampled_from([None, *HOSTS]) for _ in PORTS)),
    there=st.booleans(),
    back=st.booleans(),
    switched=st.tuples(
        *(st.none() | st.tuples(st.sampled_from(IN_SEGMENTS), st.sampled_from(HOSTS)) for _ in SEGMENT_PORTS)
    ),
)


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    """Three hosts, with every port plugged in on each: the model decides which of them counts."""
    network = Network(HOSTS)
    try:
        network.apply(EVERYTHING.text())
        network.settle()
        for host in HOSTS:
            network.plug(host, *PORTS, *SEGMENT_PORTS)
        interfaces = len(PORTS) + len(SEGMENT_PORTS)
        wait_until(
            lambda: all(
                len(host["interfaces"]) == interfaces for host in network.store.read_status()["hosts"].values()
            ),
            "the ports to be seen",
        )
        network.settle()
        yield network
    finally:
        network.stop()


def reach(network: Network, state: State) -> dict[str, set[int]]:
    """Apply a state, wait for it, and return what each switch holds."""
    network.apply(state.text())
    network.settle()
    return {host: set(network.flows(host)) for host in HOSTS}


@settings(max_examples=25)
@given(way=st.lists(st.tuples(STATES, st.booleans()), max_size=5), end=STATES)
def test_the_way_to_a_state_does_not_matter(network: Network, way: list[tuple[State, bool]], end: State) -> None:
    directly = reach(network, end)
    for state, wait in way:
        network.apply(state.text())
        if wait:
            network.settle()
    assert reach(network, end) == directly
    network.compare()


@settings(max_examples=6)
@given(
    states=st.permutations(
        [
            EVERYTHING,
            State((None,) * 4, there=False, back=False),
            *(State(("h2", "h2", host, "h1"), there=True, back=False, switched=SWITCHED) for host in HOSTS),
            *(
                State((None,) * 4, there=True, back=True, switched=((f"segment: {one}", "h1"),) * 3, segments=(one,))
                for one in ("red", "green")
            ),
        ]
    )
)
def test_canned_states_in_any_order(network: Network, states: list[State]) -> None:
    for state in states:
        reach(network, state)
        network.compare()


def test_a_host_leaves_and_comes_back(network: Network) -> None:
    reach(network, EVERYTHING)
    network.apply(State(("h1", "h2", "h1", None), there=True, back=True, hosts=("h1", "h2")).text())
    wait_until(lambda: not network.flows("h3"), "the switch of the host that left to be cleared")
    network.settle()
    reach(network, EVERYTHING)
    network.compare()


def test_a_second_sync_is_empty(network: Network) -> None:
    reach(network, EVERYTHING)
    time.sleep(0.5)
    reach(network, EVERYTHING)
    network.restart_controller()
    wait_until(lambda: all(h["confirmed"] for h in network.store.read_status()["hosts"].values()), "confirmations")
    network.settle()
    ages = [age for host in HOSTS for age in network.ages(host).values()]
    assert min(ages) > 0.5, "a flow was added again although nothing had changed"


@pytest.mark.parametrize("table", [None, 0, 40, 60], ids=["all", "classify", "route_table", "deliver"])
def test_flows_deleted_by_hand_come_back(network: Network, table: int | None) -> None:
    before = reach(network, EVERYTHING)
    for host in HOSTS:
        arguments = ["del-flows", "br-int"] if table is None else ["del-flows", "br-int", f"table={table}"]
        network.switches[host].ofctl(*arguments)
    wait_until(lambda: {host: set(network.flows(host)) for host in HOSTS} == before, "the flows to come back", 15)
    network.compare()


def test_foreign_flows_stay_and_additions_under_our_name_go(network: Network) -> None:
    before = reach(network, EVERYTHING)
    switch = network.switches["h1"]
    switch.ofctl("add-flow", "br-int", "table=99,cookie=0x1234,actions=drop")
    switch.ofctl("add-flow", "br-int", "table=40,cookie=0x76000000000000ff,priority=7,actions=drop")
    wait_until(lambda: set(network.flows("h1")) == before["h1"] | {0x1234}, "the false flow to go", 15)
    switch.ofctl("del-flows", "br-int", "cookie=0x1234/-1")


def test_senders_wait_until_the_receiver_has_confirmed(network: Network) -> None:
    """A port moves to a host whose switch does not answer: the others go on as before, for a while."""
    reach(network, EVERYTHING)
    senders = {host: set(network.flows(host)) for host in ("h1", "h2")}
    network.switches["h3"].freeze("ovs-vswitchd")
    try:
        network.apply(State(("h1", "h3", "h1", "h3"), there=True, back=True).text())
        time.sleep(1)
        assert {host: set(network.flows(host)) for host in senders} == senders
    finally:
        network.switches["h3"].thaw("ovs-vswitchd")
    network.settle()
    assert {host: set(network.flows(host)) for host in senders} != senders
    network.compare()


def test_a_stuck_switch_does_not_hold_up_the_others_for_ever(network: Network) -> None:
    reach(network, EVERYTHING)
    senders = {host: set(network.flows(host)) for host in ("h1", "h2")}
    network.switches["h3"].freeze("ovs-vswitchd")
    try:
        network.apply(State(("h1", "h3", "h1", "h3"), there=True, back=True).text())
        wait_until(lambda: set(network.flows("h1")) != senders["h1"], "the others to go on", 10)
    finally:
        network.switches["h3"].thaw("ovs-vswitchd")
    network.settle()
    network.compare()
