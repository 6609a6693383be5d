"""A packet traced in three ways: through the model, through running switches, and as a real packet. All three agree."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random

import pytest

from controller.cli.trace_live import trace_live
from controller.cli.trace_running import running
from controller.compiled import snapshot
from flows.model import AnyPort, InvalidModel, VpcPort, parse
from flows.pipeline import FLOOD, LEARN, UNICAST
from flows.plugged import plugged_in
from flows.simulate.tracing import Trace, simulated, trace
from flows.simulate.traffic import Traffic
from tests.integration.vpclab import VpcLab
from tests.random_networks import random_text

pytestmark = pytest.mark.lab

TRAFFIC = [Traffic("icmp"), Traffic("tcp", 80), Traffic("udp", 53)]
_LEARNING = {LEARN.name, UNICAST.name, FLOOD.name}
"""Where decisions depend on what the switches have learned, of which the model knows nothing."""


def test_a_random_network() -> None:
    agree(seed=1, pairs=10)


@pytest.mark.full
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(2, 12))
def test_random_networks(seed: int) -> None:
    agree(seed, pairs=30)


def agree(seed: int, pairs: int) -> None:
    random = Random(seed)
    with random_lab(random) as lab:
        ports = list(lab.network.ports.values())
        for _ in range(pairs):
            source, target = random.sample(ports, 2)
            compare(lab, source, target, random.choice(TRAFFIC))


@contextmanager
def random_lab(random: Random) -> Iterator[VpcLab]:
    while True:
        text = random_text(random, hosts=random.randint(2, 3))
        try:
            parse(text, "random.yaml")
        except InvalidModel:
            continue
        break
    lab = VpcLab(text)
    try:
        yield lab
        lab.examine()
    finally:
        lab.down()


def compare(lab: VpcLab, source: AnyPort, target: AnyPort, traffic: Traffic) -> None:
    stored = lab.store.load()
    assert stored is not None
    seen, declared = snapshot(stored, lab.store.read_status()), plugged_in(lab.network)
    offline = trace(declared, simulated(declared), source, target, traffic)
    asked = trace(seen, running(lab.lab, seen), source, target, traffic)
    live = trace_live(lab.lab, seen, source, target, traffic)
    at = f"{source.name} to {target.name}, {traffic}:\n{offline}\n{asked}\n{live}"
    assert offline.is_delivered == asked.is_delivered == live.is_delivered, at
    if isinstance(source, VpcPort):
        assert sentences(offline) == sentences(asked), at
        assert offline.ending == asked.ending, at
    moved = {(hop.node, hop.cookie) for hop in live.hops}
    assert {(hop.node, hop.cookie) for hop in asked.hops if hop.table not in _LEARNING} <= moved, at


def sentences(told: Trace) -> list[tuple[str, str, str]]:
    """Every decision, without numbers that depend on where things are plugged in."""
    return [(hop.node, hop.by, hop.sentence) for hop in told.hops]
