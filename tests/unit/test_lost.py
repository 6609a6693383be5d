"""Ports that were plugged in and are not plugged in anywhere now: what counts as that, also for a next controller."""

from controller.status.lost import Lost

DECLARED = {"a", "b"}


def test_a_port_is_lost_where_it_was_last_until_it_is_plugged_in_anywhere() -> None:
    lost = Lost({})
    lost.observed("h1", (), {"a", "b", "stranger"}, DECLARED)
    assert lost.at("h1") == []
    lost.observed("h1", {"a", "stranger"}, set(), DECLARED)
    assert lost.at("h1") == ["a"], "nobody misses what no model has"
    assert lost.take_changed() == {"h1"}
    lost.observed("h2", (), {"a"}, DECLARED)
    assert lost.at("h1") == []
    assert lost.take_changed() == {"h1"}
    lost.observed("h2", {"a"}, set(), DECLARED)
    assert (lost.at("h1"), lost.at("h2")) == ([], ["a"])


def test_a_port_that_is_plugged_in_twice_is_lost_with_the_second() -> None:
    lost = Lost({})
    for host in ("h1", "h2"):
        lost.observed(host, (), {"a"}, DECLARED)
    lost.observed("h1", {"a"}, set(), DECLARED)
    assert lost.at("h1") == []
    lost.observed("h2", {"a"}, set(), DECLARED)
    assert lost.at("h2") == ["a"]


def test_an_interface_that_changes_loses_nothing() -> None:
    lost = Lost({})
    lost.observed("h1", (), {"a"}, DECLARED)
    lost.observed("h1", {"a"}, {"a"}, DECLARED)
    assert lost.at("h1") == []


def test_a_next_controller_knows_what_was_there() -> None:
    """What left while no controller ran is lost, what moved is not, and what is not known yet is not forgotten."""
    lost = Lost({"h1": ["a", "b"], "h2": []})
    assert lost.take_changed() == {"h1", "h2"}
    assert lost.at("h1") == ["a", "b"], "should this one end as well before it knows better"
    lost.observed("h1", (), set(), DECLARED)
    assert lost.at("h1") == ["a", "b"]
    lost.observed("h2", (), {"b"}, DECLARED)
    assert lost.at("h1") == ["a"]


def test_a_port_that_leaves_the_model_is_lost_no_more() -> None:
    lost = Lost({"h1": ["a"]})
    lost.observed("h1", (), set(), DECLARED)
    lost.take_changed()
    lost.keep({"b"})
    assert lost.at("h1") == []
    assert lost.take_changed() == {"h1"}
