"""Sessions that are lost, fail, come and go."""

import time
from dataclasses import replace

import pytest

from controller.ovsdb import HostSessions, HostSettings, session
from controller.ovsdb.database import columns
from flows.inputs.facts import HostFacts
from flows.model.contract import datapath_id
from tests.integration.ovsdb.support import Controller, Watcher, establish, get, instance, physical_bridge
from tests.switch import Switch, wait_until


def test_the_database_restarts(switch: Switch, watcher: Watcher, settings: HostSettings) -> None:
    establish(switch, watcher, settings)
    facts = watcher.facts()
    switch.kill("ovsdb-server")
    wait_until(lambda: watcher.facts() is None, "the loss to be noticed")
    switch.start_database()
    wait_until(lambda: watcher.facts() == facts, "the facts again")
    assert watcher.problems == []


def test_a_database_that_is_not_there_is_reported_once(
    switch: Switch, watcher: Watcher, settings: HostSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "PATIENCE", 0.5)
    watcher.sessions.set_hosts({"a": (f"{switch.db_target}-none", settings), "b": (switch.db_target, settings)})
    wait_until(lambda: watcher.facts("b"), "the other host's facts")
    wait_until(lambda: watcher.has_problem("does not answer"), "the report")
    time.sleep(1.5)  # one more attempt to connect
    assert [sentence for host, sentence in watcher.problems if host == "a"] == [
        f"its database at {switch.db_target}-none does not answer"
    ]
    assert all(host == "b" for host, _ in watcher.history)


def test_a_database_that_hangs_is_noticed(
    switch: Switch, watcher: Watcher, settings: HostSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(columns, "PROBE_INTERVAL", 1000)
    establish(switch, watcher, settings)
    facts = watcher.facts()
    switch.freeze("ovsdb-server")
    wait_until(lambda: watcher.facts() is None, "the loss to be noticed")
    switch.thaw("ovsdb-server")
    wait_until(lambda: watcher.facts() == facts, "the facts again")


def test_a_failing_callback_stops_nothing(
    switch: Switch, settings: HostSettings, caplog: pytest.LogCaptureFixture
) -> None:
    calls: list[HostFacts | None] = []

    def fail_once(host: str, facts: HostFacts | None) -> None:
        calls.append(facts)
        if len(calls) == 1:
            raise RuntimeError("a bug")

    sessions = HostSessions(fail_once, lambda host, sentences: None, lambda host, words: None, lambda datapath_id: True)
    try:
        sessions.set_hosts({"a": (switch.db_target, settings)})
        wait_until(lambda: len(calls) > 1 and calls[-1], "the facts from the next session")
    finally:
        sessions.stop()
    assert "a bug" in caplog.text


def test_two_hosts_and_one_leaves(switch: Switch, watcher: Watcher, settings: HostSettings) -> None:
    with Switch() as other:
        physical_bridge(other)
        both = {"a": (switch.db_target, settings), "b": (other.db_target, replace(settings, datapath_id=7))}
        watcher.sessions.set_hosts(both)
        wait_until(lambda: (facts := watcher.facts("b")) and facts.datapath_id == 7, "facts of the second host")
        wait_until(watcher.facts, "facts of the first host")
        watcher.sessions.set_hosts({"b": both["b"]})
        instance(other, "tap1", "port1")
        wait_until(lambda: watcher.interfaces("b"), "the remaining host's interface")
        assert get(switch, "bridge", "br-int", "fail_mode") == "secure"
        watcher.sessions.set_hosts({"b": (switch.db_target, settings)})
        wait_until(
            lambda: (facts := watcher.facts("b")) and facts.datapath_id == datapath_id("a"), "the other database"
        )
        assert ("b", None) in watcher.history


def test_a_switch_that_had_another_controller_is_made_to_dial(
    switch: Switch, watcher: Watcher, watchers: list[Watcher], settings: HostSettings, controller: Controller
) -> None:
    """Even one that the database calls connected: that is what it was with the controller before."""
    establish(switch, watcher, settings)
    wait_until(lambda: "true" in switch.vsctl("--columns=is_connected", "list", "controller"), "an OpenFlow session")
    accepted = controller.accepted
    second = Watcher(is_dialled=False)
    watchers.append(second)
    second.sessions.set_hosts({"a": (switch.db_target, settings)})
    wait_until(lambda: controller.accepted == accepted + 1, "the switch to dial")
    assert second.drift == []


def test_a_switch_that_gave_up_is_made_to_dial(
    switch: Switch, watcher: Watcher, watchers: list[Watcher], settings: HostSettings
) -> None:
    nobody = replace(settings, controller="tcp:127.0.0.1:1")
    physical_bridge(switch)
    watcher.sessions.set_hosts({"a": (switch.db_target, nobody)})
    wait_until(watcher.facts, "facts")
    switch.ofctl("add-flow", "br-int", "priority=5,actions=drop")
    second = Watcher(is_dialled=False)
    watchers.append(second)
    second.sessions.set_hosts({"a": (switch.db_target, nobody)})
    wait_until(lambda: switch.vsctl("get-controller", "br-int").strip() == "tcp:[127.0.0.1]:1", "the other spelling")
    assert "priority=5" in switch.ofctl("dump-flows", "br-int")
    assert second.problems == watcher.problems == []
