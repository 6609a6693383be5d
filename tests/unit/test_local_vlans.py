"""Local VLANs: the lowest free number, kept as long as it can matter, and told when there are none left."""

import logging
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.reconcile.placement.local_vlans import LocalVlans
from controller.store import Store, Stored, Vlans
from flows.inputs.locate import Locations
from flows.model import parse
from flows.model.objects.segment import LARGEST_VLAN

SEGMENTS = st.lists(st.integers(1, 9), unique=True)


@given(st.lists(st.tuples(SEGMENTS, SEGMENTS, st.booleans())))
def test_a_vlan_is_of_one_segment_until_it_is_released(steps: list[tuple[list[int], list[int], bool]]) -> None:
    vlans = Vlans()
    for needed, alive, is_confirmed in steps:
        before = vlans.of.get("h", {})
        vlans = vlans.allocate({"h": needed})
        now = vlans.of["h"]
        assert before.items() <= now.items()
        assert now.keys() == before.keys() | set(needed)
        assert len(set(now.values())) == len(now)
        new = [now[segment] for segment in needed if segment not in before]
        free = [vlan for vlan in range(1, 100) if vlan not in before.values()]
        assert new == free[: len(new)]
        if is_confirmed:
            vlans = vlans.release("h", set(alive))
            assert vlans.of["h"].keys() == now.keys() & set(alive)


def test_hosts_count_by_themselves_and_one_that_left_is_forgotten() -> None:
    vlans = Vlans().allocate({"h1": [7, 8], "h2": [8]})
    assert vlans.of == {"h1": {7: 1, 8: 2}, "h2": {8: 1}}
    vlans = vlans.allocate({"h1": []})
    assert vlans.of == {"h1": {7: 1, 8: 2}}
    assert vlans.allocate({"h1": [], "h2": [9, 8]}).of["h2"] == {9: 1, 8: 2}
    assert vlans.named({"red": 7, "blue": 8, "new": 9}) == {"h1": {"red": 1, "blue": 2}}


def network(*segments: str, hosts: str = "h1: {tunnel_ip: 192.0.2.1}", ports: str = "") -> str:
    declared = ", ".join(f"{name}: {{id: {number}}}" for number, name in enumerate(segments, 1))
    on_h1 = ", ".join(f"p-{name}: {{segment: {name}, host: h1}}" for name in segments)
    return f"hosts: {{{hosts}}}\nsegments: {{{declared}}}\nports: {{{on_h1}{ports}}}\n"


class Model:
    """A store, and what its controller makes of each model."""

    def __init__(self, directory: Path) -> None:
        self.store = Store(directory)
        self.start()

    def start(self) -> None:
        """A controller starts, with a store that takes what it is told at once."""
        self.vlans = LocalVlans(self.keep)

    def keep(self, vlans: Vlans) -> None:
        self.store.write_vlans(vlans)
        self.vlans.kept(vlans)

    def apply(self, text: str, **claims: str) -> Mapping[str, Mapping[str, int]]:
        self.store.apply(parse(text, "network.yaml")[0])
        stored = self.stored
        declared = {port.name: port.host for port in stored.network.ports.values() if port.host}
        return self.vlans.allocate(stored, Locations(declared | claims, {}))

    @property
    def stored(self) -> Stored:
        stored = self.store.load()
        assert stored is not None
        return stored


@pytest.fixture
def model(tmp_path: Path) -> Iterator[Model]:
    model = Model(tmp_path / "state")
    yield model
    model.store.close()


BOTH_HOSTS = "h1: {tunnel_ip: 192.0.2.1}, h2: {tunnel_ip: 192.0.2.2}"


def test_the_order_of_arrival_counts_and_two_hosts_may_differ(model: Model) -> None:
    free = ", x: {segment: red}, y: {segment: blue}"
    text = network("red", "blue", hosts=BOTH_HOSTS, ports=free)
    assert model.apply(text) == {"h1": {"red": 1, "blue": 2}, "h2": {}}
    assert model.apply(text, y="h2")["h2"] == {"blue": 1}
    assert model.apply(text, y="h2", x="h2")["h2"] == {"red": 2, "blue": 1}
    assert model.apply(text)["h2"] == {"red": 2, "blue": 1}  # no port is there any more


def test_they_outlive_the_controller_and_everybody_reads_the_same(model: Model) -> None:
    model.apply(network("red", "blue"))
    model.apply(network("blue"))
    assert model.stored.tags.vlans == {"h1": {"blue": 2}}
    model.start()
    assert model.apply(network("blue", "green")) == {"h1": {"blue": 2, "green": 3}}  # 1 may still be in the switch
    assert model.vlans.leaving == {"h1"}
    model.vlans.release("h1")
    assert model.vlans.leaving == frozenset()
    assert model.apply(network("blue", "green", "white")) == {"h1": {"blue": 2, "green": 3, "white": 1}}


def test_a_segment_that_comes_back_is_another_one(model: Model) -> None:
    model.apply(network("red"))
    before = model.stored.tags.segments["red"]
    model.apply(network())
    assert model.apply(network("red")) == {"h1": {"red": 2}}
    assert model.stored.tags.segments["red"] != before


def test_a_host_without_a_free_vlan(model: Model, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    names = [f"s{number}" for number in range(LARGEST_VLAN + 1)]
    given_vlans = model.apply(network(*names))["h1"]
    assert list(given_vlans.values()) == list(range(1, LARGEST_VLAN + 1))
    assert model.vlans.lacking("h1") == ["s4094"]
    cut_off = "h1: problem: segment s4094 is cut off there: all 4094 local VLANs of the host are in use"
    assert [record.getMessage() for record in caplog.records] == [cut_off]
    model.apply(network(*names[1:]))
    assert model.vlans.lacking("h1") == ["s4094"]  # VLAN 1 may still be in the switch
    model.vlans.release("h1")
    assert model.apply(network(*names[1:]))["h1"]["s4094"] == 1
    assert model.vlans.lacking("h1") == []
    assert [record.getMessage() for record in caplog.records] == [
        cut_off,
        "h1: solved: segment s4094 is no longer cut off there",
    ]


def test_nothing_depends_on_what_the_store_does_not_have_yet(model: Model) -> None:
    told: list[Vlans] = []
    model.vlans = LocalVlans(told.append)
    assert model.apply(network("red", "blue")) == {"h1": {}}
    assert model.vlans.awaited("h1")
    assert model.vlans.lacking("h1") == []
    model.store.write_vlans(told[0])
    model.vlans.kept(told[0])
    assert not model.vlans.awaited("h1")
    assert model.apply(network("red", "blue", "green")) == {"h1": {"red": 1, "blue": 2}}
    model.vlans.kept(told[1])
    assert model.apply(network("red", "blue", "green")) == {"h1": {"red": 1, "blue": 2, "green": 3}}
    assert len(told) == 2
