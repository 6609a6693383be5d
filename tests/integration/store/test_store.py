"""The store on a real ovsdb-server: one transaction per change, all or nothing, and what is kept of it."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from controller.store import Store, Vlans
from controller.store.errors import EditConflict
from flows.model import InvalidModel
from mininet_topos.waiting import patience
from tests.integration.store.conftest import Open
from tests.integration.store.support import NETWORK, network, transact, with_ports


def test_what_was_applied_is_there(store: Store, open_store: Open) -> None:
    assert store.load() is None
    assert store.apply(network()) == 1
    stored = open_store().load()
    assert stored is not None
    assert stored.network == network()
    assert stored.generation == 1
    assert stored.network.ports["a"].origin == network().ports["a"].origin


def test_the_same_again_changes_nothing(store: Store, directory: Path) -> None:
    store.apply(network())
    before = (directory / "model.db").read_bytes()
    assert store.apply(network()) == 1
    assert (directory / "model.db").read_bytes() == before


def test_lines_that_move_are_followed_and_are_no_change_of_objects(store: Store) -> None:
    store.apply(network())
    store.apply(network("# a comment\n" + NETWORK))
    stored = store.load()
    assert stored is not None
    assert stored.network.ports["b"].origin.line == network().ports["b"].origin.line + 1
    assert store.difference(2)[1] == []


def test_a_change_builds_what_it_touches(store: Store, open_store: Open) -> None:
    store.apply(network())
    other = open_store()
    before = other.load()
    store.apply(with_ports("c: {vpc: blue, ips: [10.0.1.6]}"))
    after = other.news(5)
    assert before is not None
    assert after is not None
    assert list(after.network.ports) == ["a", "b", "t", "c"]
    assert after.network.ports["a"] is before.network.ports["a"]
    assert after.network.vpcs["blue"] is before.network.vpcs["blue"]
    assert other.news(0) is None


def test_news_tell_which_ports_are_different(store: Store, open_store: Open) -> None:
    store.apply(network())
    other = open_store()
    first = other.news(5)
    assert first is not None
    assert first.changed is None, "before there was none"
    store.apply(with_ports("c: {vpc: blue, ips: [10.0.1.6]}"))
    assert other.load() is not None, "what is asked for is no news"
    store.apply(network(NETWORK.replace("10.0.1.5", "10.0.1.7")))
    second = other.news(5)
    assert second is not None
    assert second.changed == {"a", "c"}
    store.move("b", "h1")
    third = other.news(5)
    assert third is not None
    assert third.changed == {"b"}


def test_everything_can_go_and_come_back(store: Store) -> None:
    store.apply(network())
    store.apply(network("{}"))
    stored = store.load()
    assert stored is not None
    assert stored.network == network("{}")
    store.apply(network())
    stored = store.load()
    assert stored is not None
    assert stored.network == network()


def test_a_port_becomes_one_of_another_kind(store: Store, open_store: Open) -> None:
    other = open_store()
    store.apply(network())
    other.load()
    changed = network(NETWORK.replace("b: {vpc: green, ips: [10.0.2.5], host: h2}", "b: {segment: red, host: h2}"))
    store.apply(changed)
    stored = other.news(5)
    assert stored is not None
    assert stored.network == changed


def test_numbers_are_kept_and_never_given_again(store: Store) -> None:
    store.apply(network())
    first = store.load()
    without = network(NETWORK.replace("segments: {red: {id: 9, vlan: 5}}", "").replace("t: {trunk: [red]}", ""))
    store.apply(without)
    store.apply(network())
    second = store.load()
    assert first is not None
    assert second is not None
    assert first.tags.vpcs == second.tags.vpcs == {"blue": 1, "green": 2}
    assert first.tags.subnets == second.tags.subnets == {"blue/web": 1, "green/db": 2}
    assert (first.tags.segments, second.tags.segments) == ({"red": 1}, {"red": 2})


def test_local_vlans(store: Store, open_store: Open) -> None:
    store.apply(network())
    other = open_store()
    other.load()
    number = network_tags(store)["red"]
    vlans = Vlans({"h1": {number: 2, 99: 1}, "h2": {number: 1}})
    store.write_vlans(vlans)
    assert other.news(0.2) is None, "it is only the controller's business"
    stored = other.load()
    assert stored is not None
    assert stored.vlans == vlans
    assert stored.tags.vlans == {"h1": {"red": 2}, "h2": {"red": 1}}
    other.write_vlans(Vlans({"h1": {99: 2, number: 1}}))
    stored = store.load()
    assert stored is not None
    assert stored.vlans == Vlans({"h1": {99: 2, number: 1}})


def network_tags(store: Store) -> Mapping[str, int]:
    stored = store.load()
    assert stored is not None
    return stored.tags.segments


def test_a_port_moves(store: Store) -> None:
    store.apply(network())
    assert store.move("a", "h2") == 2
    stored = store.load()
    assert stored is not None
    assert stored.network.ports["a"].host == "h2"
    store.apply(network())
    stored = store.load()
    assert stored is not None
    assert stored.network == network()


def test_two_change_the_same_object(store: Store, open_store: Open) -> None:
    other = open_store()
    store.apply(network())
    mine = store.compare(network(NETWORK.replace("host: h1", "host: h2")))
    other.apply(network(NETWORK.replace("10.0.1.4", "10.0.1.9")), comment="an address")
    with pytest.raises(
        EditConflict, match=r"port a .*generation 2, apply by \w+ at .*: an address.*nothing was changed"
    ):
        store.commit(mine)
    assert store.history()[0].comment == "an address"


def test_what_a_change_refers_to_was_removed(store: Store, open_store: Open) -> None:
    vpcs = "vpcs: {blue: {id: 7, subnets: {web: {cidr: 10.0.1.0/24}}}}\n"
    hosts = "hosts: {h1: {tunnel_ip: 192.168.50.1}}\n"
    store.apply(network(vpcs + hosts))
    mine = store.compare(network(vpcs + hosts + "ports: {a: {vpc: blue, ips: [10.0.1.5], host: h1}}"))
    open_store().apply(network(vpcs))
    with pytest.raises(EditConflict, match="host h1"):
        store.commit(mine)


def test_two_change_different_objects(store: Store, open_store: Open) -> None:
    store.apply(network())
    mine = store.compare(with_ports("c: {vpc: blue, ips: [10.0.1.6]}"))
    open_store().apply(with_ports("d: {vpc: blue, ips: [10.0.1.7]}"))
    assert store.commit(mine) == 3
    stored = store.load()
    assert stored is not None
    assert set(stored.network.ports) == {"a", "b", "t", "c", "d"}


def test_two_changes_that_do_not_fit_together(store: Store, open_store: Open) -> None:
    store.apply(network())
    mine = store.compare(with_ports("c: {vpc: blue, ips: [10.0.1.6]}"))
    open_store().apply(with_ports("d: {vpc: blue, ips: [10.0.1.6]}"))
    with pytest.raises(InvalidModel, match=r"10\.0\.1\.6"):
        store.commit(mine)
    stored = store.load()
    assert stored is not None
    assert "c" not in stored.network.ports


def test_two_first_applies(store: Store, open_store: Open) -> None:
    mine = store.compare(network())
    open_store().apply(network())
    with pytest.raises(EditConflict):
        store.commit(mine)


def test_references_hold_in_the_database(store: Store, directory: Path) -> None:
    store.apply(network())
    for table in ("Host", "Vpc", "Subnet", "Peering", "Segment"):
        results = transact(directory, {"op": "delete", "table": table, "where": []})
        assert results[-1]["error"] == "referential integrity violation", table
    by_hand = transact(directory, {"op": "insert", "table": "VpcPort", "row": {"name": "x"}})
    assert by_hand[-1]["error"].endswith("violation")


def test_parts_go_with_the_whole(store: Store, directory: Path) -> None:
    store.apply(network("vpcs: {blue: {id: 7, subnets: {web: {cidr: 10.0.1.0/24}}}}"))
    transact(directory, {"op": "delete", "table": "Vpc", "where": []})
    (found,) = transact(directory, {"op": "select", "table": "Subnet", "where": []})
    assert found["rows"] == []


def test_history(store: Store, open_store: Open) -> None:
    store.apply(network(), comment="first")
    store.apply(with_ports("c: {vpc: blue, ips: [10.0.1.6]}"), comment="more")
    store.move("a", "h2")
    entries = open_store().history()
    assert [(entry.generation, entry.verb, entry.comment) for entry in entries] == [
        (3, "migrate", "a to h2"),
        (2, "apply", "more"),
        (1, "apply", "first"),
    ]
    assert [(entry.added, entry.changed, entry.removed) for entry in entries] == [(0, 1, 0), (1, 0, 0), (15, 0, 0)]
    _, (added,) = store.difference(2)
    assert (str(added.key), added.old) == ("port c", None)
    _, (moved,) = store.difference(3)
    assert moved.old is not None
    assert moved.new is not None
    assert (moved.old["host"], moved.new["host"]) == ("h1", "h2")


def test_a_process_that_goes_on_compares_with_what_others_made_of_the_model(store: Store, open_store: Open) -> None:
    """It knows the objects that it has applied, until somebody else changes them."""
    first, second = network(), with_ports("c: {vpc: blue, ips: [10.0.1.6]}")
    assert store.apply(first) == 1
    assert store.apply(first) == 1
    assert not store.compare(network()), "the same objects, read once more"
    other = open_store()
    assert other.apply(second) == 2
    assert {str(key) for key in store.compare(second)} == set()
    assert {str(key) for key in store.compare(first)} == {"port c"}
    other.move("a", "h2")
    assert {str(key) for key in store.compare(second)} == {"port a"}
    assert store.apply(second) == 4
    stored = store.load()
    assert stored is not None
    assert stored.network == second
    assert list(stored.network.ports) == list(second.ports)


def test_who_waits_for_a_status_is_woken_by_the_next_one(store: Store, open_store: Open) -> None:
    other = open_store()
    store.write_status({"generation": 7, "hosts": {}})
    assert other.read_status()["generation"] == 7
    other.await_status(0)
    assert other.read_status()["generation"] == 7, "nothing new was said"
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(other.await_status, patience(30))
        store.write_status({"generation": 8, "hosts": {}})
        waiting.result(patience(10))
    assert other.read_status()["generation"] == 8


def test_progress_is_a_part_of_the_status(store: Store, open_store: Open) -> None:
    assert store.read_progress() == {}
    said = {"generation": 7, "progress": {"h1": {"confirmed": 6}}, "switches": {"s1": {"confirmed": 7}}}
    store.write_status({**said, "hosts": {"h1": {"problem": "much to read", "located": ["a"]}}})
    other = open_store()
    assert other.read_progress() == said
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(other.await_status, patience(30))
        store.write_status({**said, "generation": 8, "hosts": {}})
        waiting.result(patience(10))
    assert other.read_progress()["generation"] == 8


def test_status(store: Store, open_store: Open) -> None:
    assert store.read_status() == {}
    hosts = {"h2": {"problem": "a", "located": []}, "h1": {"problem": "b", "located": ["a"]}}
    progress = {"h2": {"flows": 3}, "h1": {"flows": 4}}
    on_switches = {"machine": "s1"}
    store.write_status({"generation": 7, "hosts": hosts, "progress": progress, "on_switches": on_switches})
    other = open_store()
    status = other.read_status()
    assert 0 <= time.time() - status.pop("written") < 60
    told = {"h2": {"problem": "a", "flows": 3}, "h1": {"problem": "b", "flows": 4}}
    assert status == {"generation": 7, "hosts": told, "ports": {"a": "h1", "machine": "s1"}}
    assert list(status["hosts"]) == ["h2", "h1"]
    fewer = {"h1": {"problem": "b", "located": []}}
    store.write_status({"generation": 8, "hosts": fewer, "progress": {"h1": {"flows": 5}}})
    status = other.read_status()
    del status["written"]
    assert status == {"generation": 8, "hosts": {"h1": {"problem": "b", "flows": 5}}, "ports": {}}
