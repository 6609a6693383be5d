"""Whatever a file holds: it is a network that compiles, or it is refused with problems that have real places."""

import re
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.model import InvalidModel, Network, Problem, parse
from tests.scenario import SCENARIOS, SHIPPED, compiled

NETWORKS = [path.read_text() for path in sorted([*SHIPPED.glob("*.yaml"), *SCENARIOS.glob("*.yaml")])]

thorough = settings(
    max_examples=200,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.filter_too_much],
    derandomize=True,
)


def _check(text: str) -> Network | None:
    """Parse; the network, or None when it was refused as it should be."""
    try:
        network, problems = parse(text, "network.yaml")
    except InvalidModel as invalid:
        _is_explained(invalid, text)
        return None
    assert all(problem.severity == "warning" for problem in problems)
    _have_places(problems, text)
    for host in network.hosts:
        compiled(network, host)
    return network


def _is_explained(invalid: InvalidModel, text: str) -> None:
    assert any(problem.severity == "error" for problem in invalid.problems)
    assert list(invalid.problems) == sorted(invalid.problems)
    _have_places(invalid.problems, text)


def _have_places(problems: tuple[Problem, ...] | list[Problem], text: str) -> None:
    lines = re.split("\r\n|\r|\n", text)
    for problem in problems:
        assert 1 <= problem.line <= len(lines), problem
        assert 1 <= problem.column <= len(lines[problem.line - 1]) + 1, problem
        assert problem.message.isprintable(), problem
        assert len(problem.message) < 600, problem
        for internal in ("Input should", "pydantic", "object at 0x", "None", "dict", "Traceback"):
            # What is quoted may be anything.
            assert internal in text or internal not in problem.message, problem


@thorough
@given(st.text())
def test_random_text(text: str) -> None:
    _check(text)


@pytest.mark.parametrize("begin", ["", "a: ", "? ", "hosts: !!set ", "[x]: ", "- ", "{a: 1, a: "])
@pytest.mark.parametrize("bracket", ["[", "{", "[{a: ", "- ", "? ", "!a [", "&a ["])
def test_very_deep_nesting(begin: str, bracket: str) -> None:
    """The time must not grow with the square of the depth, as that of YAML's parser does."""
    assert _check(begin + bracket * 300_000) is None


_SIGNS = ["{", "}", "[", "]", ",", ":", "-", "?", "!", "&", "*", "#", "|", ">", "'", '"', "%", "@", "`", "<", "=", "~"]
_SPACES = [" ", "\n", "\t", "\r", ": ", "- ", "\n  ", "\n    ", "\u00a0", "\ufeff", "\x85", "\u2028", "\x00", "\ud800"]
_WORDS_OF_YAML = [
    "---\n",
    "<<: ",
    "!!set",
    "&a",
    "*a",
    "1:30",
    "010",
    "no",
    "null",
    "hosts",
    "vpcs",
    "ips",
    "id",
    "h1",
    "é",
]
_YAML_PIECES = st.sampled_from([*_SIGNS, *_SPACES, *_WORDS_OF_YAML])


@thorough
@given(st.lists(_YAML_PIECES, max_size=40).map("".join))
def test_pieces_of_yaml(text: str) -> None:
    _check(text)


_NAMES = st.sampled_from(["a", "b", "c", "a/a", "b/b", "a/b", "nothing", "A", "", "-", "x" * 64, "no", "1"])
_WORDS = st.one_of(
    _NAMES,
    st.sampled_from(["10.0.0.0/24", "10.0.0.0/25", "10.0.1.0/24", "10.0.0.0/31", "0.0.0.0/0", "10.0.0.1/24", "::/0"]),
    st.sampled_from(["10.0.0.1", "10.0.0.2", "10.0.0.255", "10.0.1.2", "10.0.1.3", "224.0.0.1", "0.0.0.0"]),
    st.sampled_from(["0a:00:00:00:00:01", "01:00:00:00:00:00", "gre", "vxlan", "1500", "16777216"]),
    st.sampled_from(["eth0", "eth1", "br-int", "tun-gre", "10.0.0.1/24", "yes", "4095"]),
    st.integers() | st.none() | st.booleans() | st.floats() | st.text(max_size=5),
)
_VALUES = st.recursive(
    _WORDS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_NAMES, inner, max_size=3), max_leaves=6
)


def _likely(good: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Mostly what belongs there, sometimes anything."""
    return st.integers(0, 15).flatmap(lambda dice: _VALUES if dice == 0 else good)


def _section(keys: dict[str, st.SearchStrategy[Any]]) -> st.SearchStrategy[Any]:
    item = _likely(st.fixed_dictionaries({}, optional={key: _likely(value) for key, value in keys.items()}))
    return _likely(st.dictionaries(_NAMES, item, max_size=3))


_ranges = st.sampled_from(["10.0.0.0/24", "10.0.1.0/24", "10.0.1.128/25", "10.0.2.0/31", "10.0.0.0/16"])
_addresses = st.sampled_from([f"10.0.{net}.{last}" for net in (0, 1, 2) for last in (0, 1, 2, 3, 255)])
_short = st.sampled_from(["a", "b", "c"])
_ends = st.sampled_from([f"{vpc}/{subnet}" for vpc in "abc" for subnet in "ab"])
_routes = st.lists(_likely(st.fixed_dictionaries({"to": _likely(_ranges), "via": _likely(_NAMES)})), max_size=3)
_vlans = st.integers(0, 3) | st.integers(4093, 4096)
_networks = st.fixed_dictionaries(
    {},
    optional={
        "encapsulation": _likely(st.sampled_from(["gre", "vxlan", "geneve"])),
        "underlay": _likely(st.fixed_dictionaries({"mtu": _likely(st.integers(1200, 9300))})),
        "hosts": _section(
            {"tunnel_ip": _addresses, "physical": st.dictionaries(_NAMES, _likely(st.sampled_from(["eth0", "eth1"])))}
        ),
        "vpcs": _section(
            {
                "id": st.integers(0, 3) | st.integers(),
                "subnets": _section({"cidr": _ranges, "gateway": _addresses, "routes": _routes}),
            }
        ),
        "segments": _section(
            {
                "id": st.integers(0, 3) | st.integers(),
                "vlan": _vlans,
                "ageing": st.integers(0, 70000),
                "max_macs": st.integers(0, 70000),
                "flood_only": st.booleans(),
                "physical": st.fixed_dictionaries({"network": _likely(_short), "vlan": _likely(_vlans)}),
            }
        ),
        "ports": _section(
            {"vpc": _short, "ips": st.lists(_likely(_addresses), max_size=3), "host": _short, "mac": _WORDS}
        )
        | _section(
            {
                "segment": _short,
                "trunk": st.lists(_likely(_short), max_size=3),
                "host": _short,
                "mac": _WORDS,
                "ip": _addresses.map(lambda address: f"{address}/24"),
                "gateway": _addresses,
            }
        ),
        "peerings": _section({"between": st.lists(_likely(_ends), min_size=1, max_size=3)}),
        "more": _VALUES,
    },
)


@thorough
@given(_likely(_networks))
def test_structures_like_networks(structure: Any) -> None:
    _check(yaml.safe_dump(structure, default_flow_style=None, allow_unicode=True))


_CIDRS = {"a/x": "10.0.0.0/24", "a/y": "10.0.1.0/31", "b/x": "10.0.2.0/24", "b/y": "10.0.3.0/24", "c/x": "10.0.2.0/24"}
_PEERINGS = {"p": ["a/x", "b/x"], "q": ["a/y", "b/y"], "r": ["b/y", "a/x"], "s": ["c/x", "a/y"]}


@st.composite
def _sound(draw: st.DrawFn) -> dict[str, Any]:
    """A network that is right, or nearly: peerings and routes may be missing, ports may have the same address."""
    peerings = {name: {"between": list(ends)} for name, ends in _PEERINGS.items() if draw(st.booleans())}
    subnets: dict[str, Any] = {}
    for end, cidr in _CIDRS.items():
        vias = [name for name, peering in peerings.items() if end in peering["between"] and draw(st.booleans())]
        routes = [{"to": _CIDRS[_other(_PEERINGS[name], end)], "via": name} for name in vias]
        routes += [{"to": "10.9.0.0/16", "via": "nothing"}] if draw(st.booleans()) else []
        subnets[end] = {"cidr": cidr, "routes": routes}
    vpcs = {
        vpc: {"id": number, "subnets": {end[2:]: subnet for end, subnet in subnets.items() if end[0] == vpc}}
        for number, vpc in enumerate("abc")
    }
    ports: dict[str, Any] = {}
    for name in range(draw(st.integers(0, 6))):
        end = draw(st.sampled_from(sorted(_CIDRS)))
        last = 1 if end == "a/y" else draw(st.integers(2, 12))
        ports[f"vm{name}"] = {"vpc": end[0], "ips": [f"{_CIDRS[end].rpartition('.')[0]}.{last}"]}
        if draw(st.booleans()):
            ports[f"vm{name}"]["host"] = draw(st.sampled_from(["h1", "h2"]))
    hosts: dict[str, Any] = {
        name: {"tunnel_ip": f"192.168.50.{number}", "physical": {"office": "eth1"}}
        for number, name in enumerate(["h1", "h2"], 1)
    }
    network = {"hosts": hosts, "vpcs": vpcs, "ports": ports, "peerings": peerings}
    return network | {"segments": deepcopy(_SEGMENTS), "ports": ports | draw(_segment_ports())}


_SEGMENTS = {
    "red": {"id": 10, "vlan": 1},
    "green": {"id": 11, "vlan": 0, "flood_only": True},
    "blue": {"vlan": 2, "physical": {"network": "office", "vlan": 7}},
    "bare": {"id": 12, "ageing": 5, "max_macs": 3},
}


@st.composite
def _segment_ports(draw: st.DrawFn) -> dict[str, Any]:
    """Ports of segments, all of them right, but that several may have the same address."""
    access = st.sampled_from(sorted(_SEGMENTS))
    trunk = st.lists(st.sampled_from(["red", "green", "blue"]), unique=True)
    ports: dict[str, Any] = {}
    for number in range(draw(st.integers(0, 4))):
        port: dict[str, Any] = {"segment": draw(access)} if draw(st.booleans()) else {"trunk": draw(trunk)}
        ports[f"seg{number}"] = port
        if "segment" in port and draw(st.booleans()):
            port["ip"] = "10.0.0.1/24"
        if draw(st.booleans()):
            port["mac"] = f"0a:00:00:00:00:{number:02x}"
        if draw(st.booleans()):
            port["host"] = draw(st.sampled_from(["h1", "h2"]))
    return ports


def _other(ends: list[str], end: str) -> str:
    return next(other for other in ends if other != end)


@thorough
@given(_sound())
def test_sound_structures(structure: Any) -> None:
    network = _check(yaml.safe_dump(structure))
    ports = structure["ports"].values()
    addresses = [(port["vpc"], port["ips"][0]) for port in ports if "vpc" in port]
    addresses += [(port["segment"], port["ip"]) for port in ports if "ip" in port]
    assert (network is not None) == (len(set(addresses)) == len(addresses))


@thorough
@given(_sound(), st.data())
def test_damaged_structures(structure: Any, data: st.DataObject) -> None:
    """One value, at any depth, replaced by anything."""
    place = structure
    while True:
        key = data.draw(st.sampled_from(sorted(place) if isinstance(place, dict) else range(len(place))))
        if not (isinstance(place[key], dict | list) and place[key] and data.draw(st.integers(0, 5))):
            break
        place = place[key]
    place[key] = data.draw(_VALUES)
    _check(yaml.safe_dump(structure, allow_unicode=True))


def _delete(lines: list[str], at: int, to: int) -> None:
    del lines[at]


def _duplicate(lines: list[str], at: int, to: int) -> None:
    lines.insert(to, lines[at])


def _swap(lines: list[str], at: int, to: int) -> None:
    lines[at], lines[to] = lines[to], lines[at]


def _swap_values(lines: list[str], at: int, to: int) -> None:
    value = re.compile(r"[\w./-]+(?=[,}\]]|$)")
    one, two = value.search(lines[at]), value.search(lines[to])
    if one and two:
        lines[at] = value.sub(two.group(), lines[at], count=1)
        lines[to] = value.sub(one.group(), lines[to], count=1)


_MUTATIONS: list[Callable[[list[str], int, int], None]] = [_delete, _duplicate, _swap, _swap_values]


@st.composite
def _mutated(draw: st.DrawFn) -> str:
    lines = draw(st.sampled_from(NETWORKS)).splitlines(keepends=True)
    for _ in range(draw(st.integers(1, 4))):
        at, to = draw(st.integers(0, len(lines) - 1)), draw(st.integers(0, len(lines) - 1))
        mutate = draw(st.sampled_from([*_MUTATIONS, None]))
        if mutate is not None:
            mutate(lines, at, to)
            continue
        column = draw(st.integers(0, len(lines[at])))
        cut = draw(st.integers(0, 3))
        piece = draw(_YAML_PIECES | st.sampled_from("0123456789") | st.characters())
        lines[at] = lines[at][:column] + piece + lines[at][column + cut :]
    return "".join(lines)


@settings(thorough, max_examples=600)
@given(_mutated())
def test_mutated_networks(text: str) -> None:
    _check(text)


@pytest.mark.parametrize("text", NETWORKS)
def test_unharmed_networks(text: str) -> None:
    assert _check(text) is not None
