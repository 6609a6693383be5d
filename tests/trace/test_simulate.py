"""The simulation does with random packets what a real ovs-vswitchd does: lookups, copies, learning."""

from collections.abc import Iterator
from random import Random

import pytest

from flows.openflow import Output
from flows.plan import Desired
from flows.simulate import Copy, Packet, Switch, Unsupported, extract
from flows.simulate.tables import Entry
from tests.random_networks import random_network
from tests.scenario import compiled, plugged
from tests.trace.datapath import Sent, Values
from tests.trace.random_frames import Arrival, Frames
from tests.trace.real import RealSwitch, Traced

_FRAME = ("vlan_tci", "inner_tci", "dl_src", "dl_dst", "dl_type", "nw_src", "nw_dst", "nw_ttl", "nw_proto", "nw_frag")
_FRAME += ("icmp_type", "icmp_code", "arp_op", "arp_spa", "arp_tpa", "arp_sha", "arp_tha")
PACKETS_PER_HOST = 100


@pytest.fixture(scope="module")
def real() -> Iterator[RealSwitch]:
    with RealSwitch() as real:
        yield real


def values_of(packet: Packet) -> Values:
    return {name: packet.values.get(name, 0) for name in _FRAME}


@pytest.mark.parametrize("seed", range(20))
def test_random_packets(real: RealSwitch, seed: int) -> None:
    compare(real, seed)


@pytest.mark.full
@pytest.mark.parametrize("seed", range(20, 100))
def test_many_random_packets(real: RealSwitch, seed: int) -> None:
    compare(real, seed)


def compare(real: RealSwitch, seed: int) -> None:
    """Send packets into one host of a random network, and into its simulation."""
    random = Random(seed)
    network = random_network(random)
    host = random.choice(list(network.hosts))
    facts, desired = plugged(network)[host], compiled(network, host)
    real.load(network, facts, desired)
    simulated = Switch(desired.flows.values())
    frames = Frames(random, network, host, facts)
    assert facts.tunnel_ofport is not None
    for number in range(PACKETS_PER_HOST):
        arrival = frames.arrival()
        fields = extract(arrival.frame)
        traced = real.trace(arrival, values_of(fields))
        at = f"seed {seed}, packet {number}: {arrival}\n{fields}\n{traced.text}"
        entering = Packet({**fields.values, "in_port": arrival.in_port, **arrival.tunnel, **arrival.registers})
        walk = simulated.receive(entering, arrival.table)
        met = [(step.table, step.entry.cookie if step.entry else 0) for step in walk.steps]
        assert met == traced.lookups, at
        assert [sent(copy, facts.tunnel_ofport) for copy in walk.copies if leaves(copy, facts.tunnel_ofport)] == traced.sent, at
        assert len(walk.controller) == traced.controller, at
    assert sorted(map(shown, simulated.learned.values())) == real.learned()


def leaves(copy: Copy, tunnel: int) -> bool:
    """A tunnel without an end sends nothing."""
    return copy.port != tunnel or bool(copy.packet.values.get("tun_dst"))


def sent(copy: Copy, tunnel: int) -> Sent:
    """A copy as the datapath's actions tell of it."""
    values = copy.packet.values
    ends = (values.get("tun_dst", 0), values.get("tun_id", 0)) if copy.port == tunnel else None
    return Sent(copy.port, values_of(copy.packet), ends)


def shown(entry: Entry) -> str:
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
