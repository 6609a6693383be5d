"""``max_macs`` holds whatever the revalidators do, and costs those that are known nothing."""

import re
from collections.abc import Iterator

import pytest

from flows.compile.program import compile
from flows.model import parse
from tests.scenario import PLAIN_SWITCH_PORTS, compiled, plain_switch
from tests.switching.bench import Bench, Remote, host
from tests.switching.frame import BROADCAST, Frame, Tag

LIMIT = 3
MODEL = f"""
encapsulation: vxlan
hosts: {{h1: {{tunnel_ip: 192.0.2.1}}, h2: {{tunnel_ip: 192.0.2.2}}, h3: {{tunnel_ip: 192.0.2.3}}}}
segments:
  small: {{id: 1, vlan: 101, max_macs: {LIMIT}}}
ports:
  access: {{segment: small, host: h1}}
  trunk: {{trunk: [small], host: h1}}
  listener: {{segment: small, host: h1}}
  p2: {{segment: small, host: h2}}
  p3: {{segment: small, host: h3}}
"""
ACCESS, TRUNK, LISTENER = 1, 2, 3
HOST2, HOST3 = Remote(host(2), 1), Remote(host(3), 1)
PLACES: list[int | Remote] = [ACCESS, HOST2, TRUNK, HOST3]
STATIONS = [0x020000000000 + number for number in range(12)]
ADMITTED, REFUSED = STATIONS[:LIMIT], STATIONS[LIMIT:]


@pytest.fixture
def bench() -> Iterator[Bench]:
    with Bench((ACCESS, TRUNK, LISTENER)) as bench:
        bench.load(compiled(parse(MODEL, "limit.yaml")[0], "h1"))
        yield bench


def say(bench: Bench, place: int | Remote, station: int, to: int = BROADCAST) -> None:
    bench.send(place, Frame(station, to, (Tag(101),) if place == TRUNK else ()))


def learned(bench: Bench) -> set[int]:
    """The stations that have a place."""
    return {int(line.split("dl_dst=")[1][:17].replace(":", ""), 16) for line in bench.learned()}


def fill(bench: Bench) -> None:
    """Everybody speaks for the first time. The admitted are learned at once."""
    for count, station in enumerate(STATIONS, 1):
        say(bench, PLACES[count % len(PLACES)], station)
        assert learned(bench) == set(ADMITTED[:count])


def test_who_is_refused_stays_refused_while_cached_flows_are_looked_through(bench: Bench) -> None:
    fill(bench)
    for number in range(6):
        for index, station in enumerate(REFUSED):
            # Mostly by flows that are cached, sometimes from elsewhere.
            place = PLACES[(index + number // 3) % len(PLACES)]
            for to in (BROADCAST, BROADCAST, ADMITTED[0], ADMITTED[0]):
                say(bench, place, station, to)
            assert len(learned(bench)) <= LIMIT
        bench.settle()
        assert learned(bench) == set(ADMITTED)
        assert len(bench.learned(12)) == LIMIT


@pytest.mark.parametrize("is_cached", [True, False], ids=["cached", "not cached"])
def test_who_is_known_is_followed_at_the_first_frame(bench: Bench, is_cached: bool) -> None:
    """Among ports and tunnels, while those who are refused go on."""
    fill(bench)
    asker, mover = ADMITTED[0], ADMITTED[1]
    for number in range(12):
        place = PLACES[(number * number + number) // 2 % len(PLACES)]
        for station in REFUSED:
            say(bench, PLACES[number % len(PLACES)], station)
        if is_cached:
            bench.settle()
        say(bench, place, mover)
        bench.settle()
        assert set(bench.send(LISTENER, Frame(asker, mover))) == {place}, f"move {number}"
    assert learned(bench) == set(ADMITTED)


def test_there_is_room_again_after_silence(bench: Bench) -> None:
    fill(bench)
    for _ in range(7):
        bench.wait(50)
        for station in (ADMITTED[0], REFUSED[0]):  # one keeps its place, one waits
            for _ in range(3):
                say(bench, ACCESS, station)
    assert learned(bench) == {ADMITTED[0], REFUSED[0]}
    say(bench, HOST2, REFUSED[1])
    assert learned(bench) == {ADMITTED[0], *REFUSED[:2]}


def test_who_is_known_speaks_by_the_datapath_alone(bench: Bench) -> None:
    """One frame of a hundred goes the long way at most; the datapath's flow matches no more than the tables ask for."""
    for station in ADMITTED:
        say(bench, ACCESS, station)
    bench.settle()
    before = _missed(bench)
    for number in range(100):
        bench.send(ACCESS, Frame(ADMITTED[0], ADMITTED[1], number=number))
    assert _missed(bench) - before <= 1
    say(bench, ACCESS, ADMITTED[2])
    flows = {match[1] for match in re.finditer(r"(eth\(.*\)), packets:", bench.control("dpif/dump-flows", "br-int"))}
    assert flows >= {
        "eth(src=02:00:00:00:00:00,dst=02:00:00:00:00:01),eth_type(0x88b6)",
        # Two bits tell broadcast from stations, and from the groups of switches.
        "eth(src=02:00:00:00:00:02,dst=ff:ff:ff:ff:ff:ff/03:00:00:00:00:00),eth_type(0x88b6)",
    }


def _missed(bench: Bench) -> int:
    return int(bench.control("dpif/show").split("missed:")[1].split()[0])


def test_a_plain_switch_keeps_its_limit() -> None:
    """Four addresses, also on a port that carries every VLAN."""
    every = 3
    with Bench(PLAIN_SWITCH_PORTS, tunnel=False) as bench:
        bench.load(compile(plain_switch()))
        for _ in range(3):
            for station in STATIONS[:8]:
                for _ in range(2):
                    bench.send(every, Frame(station, BROADCAST, (Tag(99),)))
            assert learned(bench) == set(STATIONS[:4])
            bench.settle()
            assert learned(bench) == set(STATIONS[:4])
