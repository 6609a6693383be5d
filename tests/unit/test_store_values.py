"""The model as rows and back, and values on their way to the database and back."""

from pathlib import Path

import pytest

from controller.store.rows.mapping import ColumnMapping, Multiplicity, sections, tables
from controller.store.rows.rows import NETWORK, Key, Rows, build, references, rows_of_object, rows_of_settings
from controller.store.rows.wire import changed, decode
from flows.model import Network, parse
from tests.scenario import SCENARIOS, SHIPPED, load

NETWORKS = [*sorted(SHIPPED.glob("*.yaml")), *sorted(SCENARIOS.glob("*.yaml"))]


def rows_of(network: Network) -> Rows:
    """Every row of a network."""
    rows = rows_of_settings(network)
    for section in sections():
        for item in getattr(network, section).values():
            rows |= rows_of_object(section, item)
    return rows


@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.stem)
def test_a_network_survives_as_rows(path: Path) -> None:
    network = load(path)
    rows = rows_of(network)
    again = build(dict(reversed(rows.items())))
    assert again == network
    assert list(again.ports) == list(network.ports), "not in the order of the file"
    named = {other for key, values in rows.items() for other in references(key, values)}
    assert named <= rows.keys()


def test_no_segments_and_all_segments_of_a_trunk_are_two_things() -> None:
    network, _ = parse("segments: {red: {id: 1, vlan: 7}}\nports: {a: {trunk: []}, b: {segment: red}}", "f")
    again = build(rows_of(network))
    assert again.segment_ports["a"].trunk == ()
    assert again.segment_ports["b"].trunk is None


def test_parts_of_different_kinds_of_objects_are_told_apart() -> None:
    text = """
switches: {s1: {}}
routers: {x: {interfaces: {lan: {switch: s1, ip: 10.0.0.1/24}}, routes: [{to: 10.1.0.0/16, via: 10.0.0.2}]}}
ports: {x: {switch: s1, ip: 10.0.0.2/24, gateway: 10.0.0.1, routes: [{to: 10.1.0.0/16, via: 10.0.0.1}]}}
"""
    network, _ = parse(text, "f")
    assert build(rows_of(network)) == network


def test_what_refers_to_what() -> None:
    columns = {
        (table.name, column.name): column.table for table in tables().values() for column in table.columns.values()
    }
    assert columns["VpcPort", "vpc"] == "Vpc"
    assert columns["VpcPort", "host"] == "Host"
    assert columns["SegmentPort", "trunk"] == "Segment"
    assert columns["Peering", "between"] == "Subnet"
    assert columns["SubnetRoute", "via"] == "Peering"
    assert columns["Vpc", "subnets"] == "Subnet"
    assert columns["SwitchPort", "switch"] == columns["Link", "between"] == "PlainSwitch"
    assert NETWORK.table in tables()


def _column(many: Multiplicity, atom: str = "string") -> ColumnMapping:
    return ColumnMapping("c", atom, many, is_optional=True)


def test_changes_of_sets_and_maps_are_told_by_their_differences() -> None:
    one, listed, mapped, chosen = (_column(many) for many in Multiplicity)
    assert changed("a", "b", one) == "b"
    assert changed("a", ["set", []], one) is None
    assert changed(("a", "b"), ["map", [[1, "c"], [2, "d"]]], listed) == ("a", "c", "d")
    assert changed(("a", "b"), ["map", [[1, "b"]]], listed) == ("a",)
    assert changed({"x": "a"}, ["map", [["x", "a"], ["y", "b"]]], mapped) == {"y": "b"}
    assert changed(frozenset("ab"), ["set", ["b", "c"]], chosen) == frozenset("ac")


def test_numbers_of_64_bits() -> None:
    assert decode(-1, _column(Multiplicity.ONE, "integer")) == 2**64 - 1


def test_an_object_has_a_name_for_people() -> None:
    assert str(Key("Subnet", "blue/web")) == "subnet blue/web"
    assert str(NETWORK) == "network"
