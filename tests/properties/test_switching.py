"""Random frames: the compiled flows in a real ovs-vswitchd do what a learning VLAN switch does."""

from collections.abc import Callable, Iterator

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.compile.program import compile
from tests.properties.reference_switch import Carried, Port, ReferenceSwitch
from tests.scenario import PLAIN_SWITCH_PORTS, SCENARIOS, compiled, load, plain_switch
from tests.switching.bench import Bench, Remote, host
from tests.switching.frame import BROADCAST, Frame, Tag

Place = int | Remote
GROUP = 0x01005E000001
STATIONS = [0x0A0000000001, 0x0A0000000002, 0x0A0000000011, 0x0A0000000012, *range(0x020000000001, 0x020000000006)]

RED, GREEN, PLAIN = 1, 2, 3  # tunnel keys


def host_of_segments() -> ReferenceSwitch:
    """Host h1 of segments.yaml."""
    access, trunk = {"red": Carried(None)}, {"red": Carried(101), "green": Carried(102), "plain": Carried(None, False)}
    return ReferenceSwitch(
        ports={
            1: Port(access),
            2: Port(trunk),
            3: Port({"green": Carried(None)}),
            4: Port({"office": Carried(None)}),
            5: Port({"lobby": Carried(None)}),
            60001: Port({"office": Carried(1001), "lobby": Carried(None)}),
        },
        tunnels={
            Remote(host(2), RED): "red",
            Remote(host(2), GREEN): "green",
            Remote(host(3), GREEN): "green",
            Remote(host(2), PLAIN): "plain",
            Remote(host(3), PLAIN): "plain",
        },
        limits={"green": ("green", 2)},
        silent=frozenset({"plain"}),
        declared={
            ("red", STATIONS[0]): 2,
            ("green", STATIONS[0]): 2,
            ("red", STATIONS[1]): Remote(host(2), RED),
            ("office", STATIONS[2]): 4,
            ("office", STATIONS[3]): 60001,
        },
    )


def plain() -> ReferenceSwitch:
    """The plain switch."""
    return ReferenceSwitch(
        ports={
            1: Port({10: Carried(None)}),
            2: Port({10: Carried(10), 20: Carried(20, learns=False)}),
            3: Port({0: Carried(None)}, every=Carried(None)),
            4: Port({0: Carried(None, learns=False)}, every=Carried(None, learns=False)),
        },
        default_limit=("the switch", 4),
    )


TAGS = st.builds(Tag, st.sampled_from([0, 1, 2, 4, 10, 20, 99, 101, 102, 1001]), st.integers(0, 7))
TAGGING = st.one_of(st.just(()), st.tuples(TAGS), st.tuples(TAGS, TAGS))


def frames(places: list[Place]) -> st.SearchStrategy[list[tuple[Place, Frame]]]:
    """Frames that enter by some of these places, few of which say nothing."""
    frame = st.builds(
        Frame,
        st.sampled_from([*STATIONS, GROUP]),
        st.sampled_from([*STATIONS, GROUP, BROADCAST]),
        TAGGING,
    )
    return st.lists(st.tuples(st.sampled_from(places), frame), min_size=1, max_size=40)


@pytest.fixture(scope="module")
def segments() -> Iterator[Bench]:
    network = load(SCENARIOS / "segments.yaml")
    with Bench((1, 2, 3, 4, 5, 60001)) as bench:
        bench.load(compiled(network, "h1"))
        yield bench


@pytest.fixture(scope="module")
def plain_bench() -> Iterator[Bench]:
    with Bench(PLAIN_SWITCH_PORTS, tunnel=False) as bench:
        bench.load(compile(plain_switch()))
        yield bench


def agree(bench: Bench, reference: Callable[[], ReferenceSwitch], sequence: list[tuple[Place, Frame]]) -> None:
    """Send a sequence to both, and compare every copy of every frame."""
    bench.forget()
    expected = reference()
    for number, (place, frame) in enumerate(sequence):
        sent = bench.send(place, frame)
        assert sent == expected.receive(place, frame), f"frame {number} of {sequence}, into {place}"
        bench.settle()


COMMON = settings(max_examples=40)


@COMMON
@given(sequence=frames([*host_of_segments().ports, *host_of_segments().tunnels]))  # type: ignore[list-item]
def test_a_hosts_segments_switch_as_the_reference_does(segments: Bench, sequence: list[tuple[Place, Frame]]) -> None:
    agree(segments, host_of_segments, sequence)


@COMMON
@given(sequence=frames(list(PLAIN_SWITCH_PORTS)))
def test_a_plain_switch_switches_as_the_reference_does(plain_bench: Bench, sequence: list[tuple[Place, Frame]]) -> None:
    agree(plain_bench, plain, sequence)
