"""Values that are made when they are asked for."""

from dataclasses import replace
from functools import partial

from flows.compile.declared import plugged_in
from flows.compile.desired import Desired
from flows.compile.on_demand import OnDemand
from flows.model import parse
from flows.simulate.tracing import simulated, trace
from flows.simulate.traffic import Traffic
from tests.scenario import SHIPPED


def test_each_is_made_once_and_only_when_asked_for() -> None:
    made: list[str] = []

    def make(name: str) -> str:
        made.append(name)
        return name.upper()

    values = OnDemand({name: partial(make, name) for name in ("a", "b", "c")})
    assert (list(values), len(values), "b" in values, made) == (["a", "b", "c"], 3, True, [])
    assert (values["b"], values["b"], made) == ("B", "B", ["b"])


def test_a_trace_compiles_the_switches_that_the_packet_comes_to() -> None:
    file = SHIPPED / "peered-vpcs.yaml"
    network = parse(file.read_text(), file.name)[0]
    snapshot = plugged_in(network)
    asked: list[str] = []

    def desired(node: str) -> Desired:
        asked.append(node)
        return snapshot.desired[node]

    watched = replace(snapshot, desired=OnDemand({node: partial(desired, node) for node in snapshot.desired}))
    ports = network.ports
    way = trace(watched, simulated(watched), ports["blue1"], ports["green2"], Traffic("icmp"))
    assert way.is_delivered
    assert asked == ["host host86"]
