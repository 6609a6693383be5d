"""What was learned is gone with what it was learned for, in the same bundle: nobody gets another's frames."""

from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from flows.compile.desired import Desired
from flows.compile.from_scratch import view
from flows.compile.program import compile
from flows.inputs.facts import Interface
from flows.inputs.locate import locate
from flows.inputs.tags import Tags
from flows.model import parse
from tests.scenario import plugged
from tests.switching.bench import Bench, Remote, host
from tests.switching.frame import Frame, Tag

MODEL = """
encapsulation: vxlan
hosts: {h1: {tunnel_ip: 192.0.2.1}, h2: {tunnel_ip: 192.0.2.2}, h3: {tunnel_ip: 192.0.2.3}}
segments:
  red: {id: 1, vlan: 101}
  green: {id: 2, vlan: 102}
ports:
  red1: {segment: red, host: h1}
  red2: {segment: red, host: h1}
  red3: {segment: red, host: h2}
  red4: {segment: red, host: h3}
  green1: {segment: green, host: h1}
  green2: {segment: green, host: h2}
"""
NUMBERS = {"red": 1, "green": 2}
VLANS = {"red": 1, "green": 2}
OFPORTS = {"red1": 1, "red2": 2, "green1": 3}
ASKER, VICTIM, NOBODY = 0x020000000001, 0x020000000002, 0x0200000000FF


def desired(
    model: str = MODEL,
    *,
    ofports: Mapping[str, int] = OFPORTS,
    vlans: Mapping[str, int] = VLANS,
    numbers: Mapping[str, int] = NUMBERS,
) -> Desired:
    """What host h1 shall hold with these port numbers and VLANs."""
    network = parse(model, "leaks.yaml")[0]
    facts = plugged(network)
    interfaces = frozenset(Interface(name, name, number, bound=True) for name, number in ofports.items())
    facts["h1"] = replace(facts["h1"], interfaces=interfaces)
    tags = Tags({}, {}, numbers, {"h1": vlans})
    return compile(view(network, tags, locate(network, facts), facts["h1"], "h1"))


@pytest.fixture
def bench() -> Iterator[Bench]:
    """The asker is at port 1; the victim is learned at port 2, and another station at host h2 and at host h3."""
    with Bench((1, 2, 3, 4)) as bench:
        bench.load(desired())
        bench.send(1, Frame(ASKER, NOBODY))
        bench.send(2, Frame(VICTIM, NOBODY))
        bench.send(Remote(host(2), 1), Frame(VICTIM + 1, NOBODY))
        bench.send(Remote(host(3), 1), Frame(VICTIM + 2, NOBODY))
        bench.send(3, Frame(VICTIM, NOBODY))
        assert len(bench.learned()) == 5
        yield bench


def stations(bench: Bench, vlan: int) -> set[str]:
    """The last digit of every station that is learned in a VLAN."""
    return {line.split("dl_dst=")[1][16] for line in bench.learned() if f"vlan_tci={vlan:#06x}" in line}


def without(*lines: str) -> str:
    """The model without the lines that begin so."""
    return "\n".join(line for line in MODEL.splitlines() if not line.strip().startswith(lines))


def test_an_unplugged_port(bench: Bench) -> None:
    bench.load(desired(ofports={"red1": 1, "green1": 3}))
    assert stations(bench, 1) == {"1", "3", "4"}
    assert set(bench.send(1, Frame(ASKER, VICTIM))) == {Remote(host(2), 1), Remote(host(3), 1)}


def test_a_renumbered_port(bench: Bench) -> None:
    bench.load(desired(ofports={**OFPORTS, "red2": 4}))
    assert stations(bench, 1) == {"1", "3", "4"}
    assert set(bench.send(1, Frame(ASKER, VICTIM))) == {4, Remote(host(2), 1), Remote(host(3), 1)}


def test_two_ports_that_swap_their_numbers(bench: Bench) -> None:
    """Port numbers 2 and 3 pass from one tenant to the other, in one bundle."""
    bench.load(desired(ofports={"red1": 1, "red2": 3, "green1": 2}))
    assert stations(bench, 1) == {"1", "3", "4"}
    assert stations(bench, 2) == set()
    assert set(bench.send(1, Frame(ASKER, VICTIM))) == {3, Remote(host(2), 1), Remote(host(3), 1)}


def test_a_port_number_that_another_port_of_the_segment_gets(bench: Bench) -> None:
    bench.load(desired(MODEL + "  red5: {segment: red, host: h1}\n", ofports={"red1": 1, "red5": 2, "green1": 3}))
    assert stations(bench, 1) == {"1", "3", "4"}


def test_two_segments_that_swap_their_vlans(bench: Bench) -> None:
    bench.load(desired(vlans={"red": 2, "green": 1}))
    assert bench.learned() == bench.learned(12) == []
    assert set(bench.send(1, Frame(ASKER, VICTIM))) == {2, Remote(host(2), 1), Remote(host(3), 1)}


def test_a_segment_whose_vlan_and_port_another_gets(bench: Bench) -> None:
    """Red is removed, blue is declared with red's VLAN, tunnel key and port numbers: one bundle."""
    model = MODEL.replace("red", "blue")
    ofports = {"blue1": 1, "blue2": 2, "green1": 3}
    bench.load(
        desired(model, ofports=ofports, vlans={"blue": 1, "green": 2}, numbers={"blue": 3, "green": 2}),
    )
    assert stations(bench, 1) == set()
    assert stations(bench, 2) == {"2"}, "green is not concerned"
    assert len(bench.learned(12)) == 1
    assert set(bench.send(1, Frame(ASKER, VICTIM))) == {2, Remote(host(2), 1), Remote(host(3), 1)}


def test_a_removed_segment(bench: Bench) -> None:
    bench.load(desired(without("red"), ofports={"green1": 3}))
    assert stations(bench, 1) == set()
    assert stations(bench, 2) == {"2"}
    assert bench.send(1, Frame(ASKER, VICTIM)) == bench.send(Remote(host(2), 1), Frame(ASKER, VICTIM)) == {}


def test_a_removed_host(bench: Bench) -> None:
    bench.load(desired(without("red4")))
    assert stations(bench, 1) == {"1", "2", "3"}
    assert set(bench.send(1, Frame(ASKER, VICTIM + 2))) == {2, Remote(host(2), 1)}
    assert bench.send(Remote(host(3), 1), Frame(VICTIM + 2, NOBODY)) == {}
    assert stations(bench, 1) == {"1", "2", "3"}


def test_a_host_with_another_tunnel_address(bench: Bench) -> None:
    bench.load(desired(MODEL.replace("192.0.2.3", "192.0.2.4")))
    assert stations(bench, 1) == {"1", "2", "3"}
    assert set(bench.send(1, Frame(ASKER, VICTIM + 2))) == {2, Remote(host(2), 1), Remote(host(4), 1)}


def test_a_changed_tunnel_key(bench: Bench) -> None:
    bench.load(desired(MODEL.replace("red: {id: 1,", "red: {id: 5,")))
    assert set(bench.send(1, Frame(ASKER, VICTIM + 1))) == {2, Remote(host(2), 5), Remote(host(3), 5)}


def test_an_access_port_that_becomes_a_trunk_port(bench: Bench) -> None:
    bench.load(desired(MODEL.replace("red2: {segment: red", "red2: {trunk: [red]")))
    assert stations(bench, 1) == {"1", "3", "4"}
    assert bench.send(1, Frame(ASKER, VICTIM))[2] == Frame(ASKER, VICTIM, (Tag(101),))


def test_another_tag_on_a_trunk_port(bench: Bench) -> None:
    trunk = MODEL.replace("red2: {segment: red", "red2: {trunk: [red]")
    bench.load(desired(trunk))
    bench.send(2, Frame(VICTIM, NOBODY, (Tag(101),)))
    bench.load(desired(trunk.replace("vlan: 101", "vlan: 103")))
    assert stations(bench, 1) == {"1", "3", "4"}


def test_a_segment_that_only_floods_now(bench: Bench) -> None:
    bench.load(desired(MODEL.replace("red: {id: 1,", "red: {id: 1, flood_only: true,")))
    assert stations(bench, 1) == set()
    assert len(bench.learned(12)) == 1


@pytest.mark.parametrize("change", ["ageing: 20", "max_macs: 1"])
def test_other_limits_begin_anew(bench: Bench, change: str) -> None:
    bench.load(desired(MODEL.replace("red: {id: 1,", f"red: {{id: 1, {change},")))
    assert len(bench.learned(12)) == 1, "only green's"


def test_nothing_is_forgotten_without_a_reason(bench: Bench) -> None:
    before = bench.learned_with_cookies(), bench.learned_with_cookies(12)
    bench.load(desired(MODEL + "  green3: {segment: green, host: h3}\n"))
    bench.load(desired(MODEL + "  red5: {segment: red, host: h1}\n", ofports={**OFPORTS, "red5": 4}))
    bench.load(desired(MODEL.replace("leaks", "kept")))
    assert (bench.learned_with_cookies(), bench.learned_with_cookies(12)) == before


def test_what_is_learned_has_a_cookie_that_tells_what_for(bench: Bench) -> None:
    known = desired().learned
    for table in (12, 20):
        for cookie, _ in bench.learned_with_cookies(table):
            assert known[cookie], f"{cookie:#x} is of nothing that is desired"
