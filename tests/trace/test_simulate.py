"""The simulation does with random packets what a real ovs-vswitchd does: lookups, copies, learning."""

from collections.abc import Iterator
from random import Random
from types import SimpleNamespace
from typing import cast

import pytest

from flows.compile.desired import Desired
from flows.compile.program import compile
from flows.inputs.facts import HostFacts
from flows.model import Network, parse
from flows.openflow.actions import Output
from flows.pipeline.rules import Application
from flows.simulate import Copy, Packet, Switch, TableLookup, Unsupported, extract
from flows.simulate.tables import FlowEntry
from tests.random_networks import random_network
from tests.scenario import PLAIN_SWITCH_PORTS, compiled, plain_switch, plugged
from tests.trace import random_flows
from tests.trace.datapath import Sent, Values
from tests.trace.random_frames import Frames
from tests.trace.real import RealSwitch

_FRAME = [
    *("vlan_tci", "inner_tci", "dl_src", "dl_dst", "dl_type", "nw_src", "nw_dst", "nw_ttl", "nw_proto", "nw_frag"),
    *("ip_dscp", "tp_src", "tp_dst", "icmp_type", "icmp_code", "arp_op", "arp_spa", "arp_tpa", "arp_sha", "arp_tha"),
]
"""The fields that a frame has outside of the switch."""
PACKETS = 100
"""That are sent into each switch."""


@pytest.fixture(scope="module")
def real() -> Iterator[RealSwitch]:
    with RealSwitch() as real:
        yield real


def values_of(packet: Packet) -> Values:
    return {name: packet.values.get(name, 0) for name in _FRAME}


@pytest.mark.parametrize("seed", range(18))
def test_random_packets(real: RealSwitch, seed: int) -> None:
    compare_host(real, Random(seed))


@pytest.mark.parametrize("seed", range(2))
def test_random_packets_of_a_plain_switch(real: RealSwitch, seed: int) -> None:
    """The tables of a switch that carries every VLAN."""
    network, _ = parse("hosts: {h1: {tunnel_ip: 192.0.2.1}}", "plain.yaml")
    ports = frozenset((str(number), number) for number in PLAIN_SWITCH_PORTS)
    facts = HostFacts(1, "netdev", None, frozenset(), ports)
    compare(real, network, "h1", facts, compile(plain_switch()), Random(seed))


@pytest.mark.parametrize("seed", range(6))
def test_random_flows(real: RealSwitch, seed: int) -> None:
    """Matches and actions in combinations that no rule of ours has."""
    random = Random(seed)
    network, _ = parse("hosts: {h1: {tunnel_ip: 192.0.2.1}}", "flows.yaml")
    facts = HostFacts(1, "netdev", None, frozenset(), frozenset((str(number), number) for number in random_flows.PORTS))
    flows = random_flows.random_flows(random)
    # Flows of no rule: nobody asks here what they are there for.
    desired = Desired(
        {flow.cookie: flow for flow in flows},
        {flow.cookie: (cast(Application, SimpleNamespace(flow=flow)),) for flow in flows},
    )
    compare(real, network, "h1", facts, desired, random, are_ours=False)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(18, 98))
def test_many_random_packets(real: RealSwitch, seed: int) -> None:
    compare_host(real, Random(seed))


def compare_host(real: RealSwitch, random: Random) -> None:
    """Send packets into one host of a random network."""
    network = random_network(random)
    host = random.choice(list(network.hosts))
    compare(real, network, host, plugged(network)[host], compiled(network, host), random)


def compare(
    real: RealSwitch,
    network: Network,
    host: str,
    facts: HostFacts,
    desired: Desired,
    random: Random,
    *,
    are_ours: bool = True,
) -> None:
    """Send packets into a real switch and into its simulation. ``are_ours``: the flows are those of our rules."""
    real.load(network, facts, desired)
    simulated = Switch(desired.flows.values())
    frames = Frames(random, network, host, facts)
    for number in range(PACKETS):
        arrival = frames.arrival()
        fields = extract(arrival.frame)
        entering = Packet({**fields.values, "in_port": arrival.in_port, **arrival.tunnel, **arrival.registers})
        try:
            walk = simulated.receive(entering, arrival.table)
        except Unsupported:  # an error is no wrong answer; rules of ours do nothing of the kind
            assert not are_ours, arrival
            continue
        traced = real.trace(arrival, values_of(fields))
        at = f"packet {number}: {arrival}\n{fields}\n{traced.text}"
        assert [step.table for step in walk.steps] == [table for table, _ in traced.lookups], at
        for step, (_, cookie) in zip(walk.steps, traced.lookups, strict=True):
            assert is_same(step, cookie, desired), at
        copies = [copy for copy in walk.copies if leaves(copy, facts)]
        assert [sent(copy, facts.tunnel_ofport) for copy in copies] == traced.sent, at
        assert len(walk.controller) == traced.controller, at
    assert sorted(map(shown, simulated.learned.values())) == real.learned()


def is_same(step: TableLookup, cookie: int, desired: Desired) -> bool:
    """Whether a step met the flow with this cookie, or one of the same priority that does the same."""
    if step.entry is None or step.entry.cookie == cookie:
        return (step.entry is None) == (cookie == 0)
    flow = desired.flows.get(cookie)
    return flow is not None and (flow.priority, flow.actions) == (step.entry.priority, step.entry.actions)


def leaves(copy: Copy, facts: HostFacts) -> bool:
    """Nothing leaves by a port that is not there, nor by a tunnel without an end."""
    if copy.port == facts.tunnel_ofport:
        return bool(copy.packet.values.get("tun_dst"))
    ports = {interface.ofport for interface in facts.interfaces} | {number for _, number in facts.physical}
    return copy.port in ports


def sent(copy: Copy, tunnel: int | None) -> Sent:
    """A copy as the datapath's actions tell of it."""
    values = copy.packet.values
    ends = (values.get("tun_dst", 0), values.get("tun_id", 0)) if copy.port == tunnel else None
    return Sent(copy.port, values_of(copy.packet), ends)


def shown(entry: FlowEntry) -> str:
    """A learned flow as ``ovs-ofctl`` prints it."""
    terms = [
        f"vlan_tci={each.value:#06x}/{each.mask:#06x}"
        if each.field.name == "vlan_tci"
        else f"{each.field.name}={':'.join(f'{byte:02x}' for byte in each.value.to_bytes(6))}"
        for each in entry.match
    ]
    actions = [action.text(str) if isinstance(action, Output) else str(action) for action in entry.actions]
    return (
        f"cookie={entry.cookie:#x}, table={entry.table}, hard_timeout={entry.ageing}, "
        f"priority={entry.priority},{','.join(terms)} actions={','.join(actions)}"
    )
