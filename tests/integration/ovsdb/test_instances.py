"""Instances' interfaces: found, numbered, marked."""

from dataclasses import replace

from controller.ovsdb import HostSettings
from flows.inputs.facts import Interface
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
    said = "several interfaces say that they are port port1: tap1 is taken, tap2 not"
    sentence = f"{said}; ovs-vsctl remove Interface tap2 external_ids iface-id"
    wait_until(lambda: ("a", sentence) in watcher.problems, sentence)
    instance(switch, "tap3", "port3")
    wait_until(lambda: len(watcher.interfaces()) == 2, "another interface")
    assert watcher.problems == [("a", sentence)]


def held(switch: Switch, watcher: Watcher, settings: HostSettings) -> HostSettings:
    """tap2 has port1, and is marked so. Returns the settings by which it is."""
    establish(switch, watcher, settings)
    instance(switch, "tap2", "port1")
    bound = replace(settings, bound=frozenset({"port1"}))
    watcher.sessions.set_hosts({"a": (switch.db_target, bound)})
    wait_until(lambda: watcher.interfaces() == {Interface("port1", "tap2", 1, bound=True)}, "the mark")
    return bound


def test_a_newcomer_with_a_lower_name_does_not_take_a_port(
    switch: Switch, watcher: Watcher, watchers: list[Watcher], settings: HostSettings
) -> None:
    """An interface that has a port keeps it, whoever else says on the same host that it is the port, and whatever
    restarts or is numbered anew meanwhile."""
    bound = held(switch, watcher, settings)
    instance(switch, "tap1", "port1")
    sentence = "several interfaces say that they are port port1: tap2 is taken, tap1 not"
    wait_until(lambda: watcher.has_problem(sentence), sentence)
    switch.restart_vswitchd()
    switch.vsctl("set", "interface", "tap2", "ofport_request=77")
    renumbered = {Interface("port1", "tap2", 77, bound=True)}
    wait_until(lambda: watcher.interfaces() == renumbered, "the new number")
    watcher.sessions.stop()
    watchers.remove(watcher)
    second = Watcher()
    watchers.append(second)
    second.sessions.set_hosts({"a": (switch.db_target, bound)})
    wait_until(lambda: second.interfaces() == renumbered, "the same in another controller's eyes")
    taken = {i.name for seen in (watcher, second) for _, facts in seen.history if facts for i in facts.interfaces}
    assert taken == {"tap2"}, "at no time it was another"


def test_a_copied_mark_takes_no_port(switch: Switch, watcher: Watcher, settings: HostSettings) -> None:
    """External ids are copied from interface to interface, marks too: they count where the controller made them."""
    held(switch, watcher, settings)
    ids = get(switch, "interface", "tap2", "external_ids").strip("{}").replace(" ", "")
    copies = [f"external_ids:{pair}" for pair in ids.split(",")]
    for name, marks in (
        ("tap0", copies),
        ("tap1", ["external_ids:iface-id=port1", "external_ids:ovs-vpc-bound=port1"]),
    ):
        switch.vsctl("add-port", "br-int", name, "--", "set", "interface", name, *marks)
    left = "{iface-id=port1}"
    wait_until(
        lambda: {get(switch, "interface", name, "external_ids") for name in ("tap0", "tap1")} == {left},
        "the copies to go",
    )
    assert {i.name for _, facts in watcher.history if facts for i in facts.interfaces} == {"tap2"}


def test_an_interface_that_let_its_port_go_has_no_mark_left(
    switch: Switch, watcher: Watcher, settings: HostSettings
) -> None:
    """A port goes to another interface when the one that has it is no interface of it any more, and stays there."""
    held(switch, watcher, settings)
    instance(switch, "tap3", "port1")
    switch.vsctl("remove", "interface", "tap2", "external_ids", "iface-id")
    moved = {Interface("port1", "tap3", 2, bound=True)}
    wait_until(lambda: watcher.interfaces() == moved, "the next one")
    wait_until(lambda: get(switch, "interface", "tap2", "external_ids") == "{}", "the old mark to go")
    switch.vsctl("set", "interface", "tap2", "external_ids:iface-id=port1")
    wait_until(lambda: any("tap3 is taken, tap2 not" in s for _, s in watcher.problems), "the report")
    assert watcher.interfaces() == moved
