"""Instances' interfaces: found, numbered, marked."""

from dataclasses import replace

from controller.ovsdb import HostSettings
from flows.facts import Interface
from tests.integration.ovsdb.support import Watcher, establish, get, instance
from tests.switch import Switch, wait_until


def test_an_instance_is_found_and_keeps_its_number(switch: Switch, watcher: Watcher, settings: HostSettings) -> None:
    establish(switch, watcher, settings)
    instance(switch, "tap1", "port1")
    instance(switch, "tap2", "port2")
    both = {Interface("port1", "tap1", 1, bound=False), Interface("port2", "tap2", 2, bound=False)}
    wait_until(lambda: watcher.interfaces() == both, "both interfaces")
    switch.vsctl("del-port", "tap1")
    wait_until(lambda: len(watcher.interfaces()) == 1, "one interface")
    switch.restart_vswitchd()  # without a pin, tap2 would become 1
    instance(switch, "tap1", "port1")
    wait_until(lambda: len(watcher.interfaces()) == 2, "two interfaces")
    assert Interface("port2", "tap2", 2, bound=False) in watcher.interfaces()
    assert get(switch, "interface", "tap2", "ofport") == "2"


def test_bound_ports_are_marked_and_the_mark_survives_the_controller(
    switch: Switch, watcher: Watcher, watchers: list[Watcher], settings: HostSettings
) -> None:
    establish(switch, watcher, settings)
    instance(switch, "tap1", "port1")
    watcher.sessions.set_hosts({"a": (switch.db_target, replace(settings, bound=frozenset({"port1"})))})
    bound = {Interface("port1", "tap1", 1, bound=True)}
    wait_until(lambda: watcher.interfaces() == bound, "the mark")
    second = Watcher()
    watchers.append(second)
    second.sessions.set_hosts({"a": (switch.db_target, settings)})
    wait_until(lambda: second.interfaces() == bound, "the mark in another controller's eyes")
    watcher.sessions.stop()
    watchers.remove(watcher)
    second.sessions.set_hosts({"a": (switch.db_target, replace(settings, bound=frozenset()))})
    wait_until(lambda: second.interfaces() == {Interface("port1", "tap1", 1, bound=False)}, "the mark to go")
    assert get(switch, "interface", "tap1", "external_ids") == "{iface-id=port1}"


def test_two_interfaces_with_one_name_are_reported(switch: Switch, watcher: Watcher, settings: HostSettings) -> None:
    establish(switch, watcher, settings)
    instance(switch, "tap2", "port1")
    instance(switch, "tap1", "port1")
    wait_until(lambda: {i.name for i in watcher.interfaces()} == {"tap1"}, "the lowest name")
    sentence = "several interfaces say that they are port port1: tap1 is taken, tap2 not"
    wait_until(lambda: ("a", sentence) in watcher.problems, sentence)
    instance(switch, "tap3", "port3")
    wait_until(lambda: len(watcher.interfaces()) == 2, "another interface")
    assert watcher.problems == [("a", sentence)]
