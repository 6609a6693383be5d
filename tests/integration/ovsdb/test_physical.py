"""Interfaces to physical networks: put on the bridge, numbered, taken off, and never taken from anybody."""

from collections.abc import Iterator
from dataclasses import replace

import pytest

from controller.ovsdb import HostSettings
from tests.integration.ovsdb.support import Watcher, establish, get, instance
from tests.switch import Switch, wait_until


def declare(switch: Switch, watcher: Watcher, settings: HostSettings, **physical: str) -> None:
    changed = replace(settings, physical=tuple(physical.items()))
    watcher.sessions.set_hosts({"a": (switch.db_target, changed)})


def networks(watcher: Watcher) -> dict[str, int]:
    facts = watcher.facts()
    return dict(facts.physical) if facts else {}


def ports(switch: Switch) -> set[str]:
    return set(switch.vsctl("list-ports", "br-int").split())


@pytest.fixture
def established(switch: Switch, watcher: Watcher, settings: HostSettings) -> Switch:
    establish(switch, watcher, settings)
    return switch


def test_it_is_put_on_the_bridge_and_keeps_its_number(
    established: Switch, watcher: Watcher, settings: HostSettings
) -> None:
    instance(established, "tap1", "port1")
    declare(established, watcher, settings, office="eth1", roof="eth2")
    wait_until(lambda: networks(watcher).keys() == {"office", "roof"}, "both interfaces")
    number = networks(watcher)["roof"]
    assert get(established, "interface", "eth1", "external_ids") == "{ovs-vpc-physical=office}"
    wait_until(lambda: get(established, "interface", "eth2", "ofport_request") == str(number), "the pin")
    established.vsctl("del-port", "tap1")
    established.restart_vswitchd()  # without a pin, eth2 would have a lower number
    wait_until(lambda: get(established, "interface", "eth2", "ofport") == str(number), "the number after a restart")
    assert watcher.problems == []


def test_it_is_taken_off_when_it_is_declared_no_more(
    established: Switch, watcher: Watcher, settings: HostSettings
) -> None:
    instance(established, "tap1", "port1")
    declare(established, watcher, settings, office="eth1", roof="eth2")
    wait_until(lambda: len(networks(watcher)) == 2, "both interfaces")
    declare(established, watcher, settings, office="eth2")
    wait_until(lambda: ports(established) == {"tun-gre", "tap1", "eth2"}, "eth1 to go")
    wait_until(lambda: networks(watcher).keys() == {"office"}, "eth2 to lead to the other network")
    assert get(established, "interface", "eth2", "external_ids") == "{ovs-vpc-physical=office}"
    declare(established, watcher, settings)
    wait_until(lambda: ports(established) == {"tun-gre", "tap1"}, "eth2 to go")
    wait_until(lambda: networks(watcher) == {}, "the facts without it")
    assert watcher.problems == []


def test_a_new_controller_takes_off_what_the_one_before_put_there(
    established: Switch, watcher: Watcher, watchers: list[Watcher], settings: HostSettings
) -> None:
    declare(established, watcher, settings, office="eth1")
    wait_until(lambda: networks(watcher), "the interface")
    watcher.sessions.stop()
    watchers[:] = [Watcher()]
    declare(established, watchers[0], settings, office="eth1")
    wait_until(lambda: networks(watchers[0]), "the interface, seen by the new controller")
    declare(established, watchers[0], settings)
    wait_until(lambda: ports(established) == {"tun-gre"}, "the interface to go")


def test_what_the_owner_put_there_is_used_and_stays(
    established: Switch, watcher: Watcher, settings: HostSettings
) -> None:
    established.vsctl("add-port", "br-int", "eth1")
    declare(established, watcher, settings, office="eth1")
    wait_until(lambda: networks(watcher), "the interface")
    declare(established, watcher, settings)
    wait_until(lambda: not networks(watcher), "the facts without it")
    assert ports(established) == {"tun-gre", "eth1"}
    assert get(established, "interface", "eth1", "external_ids") == "{}"


def test_it_is_put_back_when_somebody_takes_it_off(
    established: Switch, watcher: Watcher, settings: HostSettings
) -> None:
    declare(established, watcher, settings, office="eth1")
    wait_until(lambda: networks(watcher), "the interface")
    established.vsctl("--no-wait", "del-port", "eth1")
    wait_until(lambda: watcher.has_problem("port eth1 added"), "the report")
    wait_until(lambda: networks(watcher), "the interface again")


def test_an_interface_of_another_bridge_is_left_there(
    established: Switch, watcher: Watcher, settings: HostSettings
) -> None:
    established.vsctl("add-br", "br-other", "--", "add-port", "br-other", "eth1")
    declare(established, watcher, settings, office="eth1", roof="eth2")
    wait_until(lambda: watcher.has_problem("office cannot be reached: eth1 is on bridge br-other"), "the report")
    wait_until(lambda: networks(watcher).keys() == {"roof"}, "the other network")
    established.vsctl("del-port", "br-other", "eth1")
    wait_until(lambda: networks(watcher).keys() == {"office", "roof"}, "both networks")


def test_an_instance_is_no_physical_network(established: Switch, watcher: Watcher, settings: HostSettings) -> None:
    instance(established, "tap1", "port1")
    declare(established, watcher, settings, office="tap1")
    wait_until(lambda: watcher.has_problem("office cannot be reached: tap1 says that it is port port1"), "the report")
    assert networks(watcher) == {}
    assert {interface.name for interface in watcher.interfaces()} == {"tap1"}


@pytest.fixture
def real_switch() -> Iterator[Switch]:
    """A switch that opens interfaces of the machine itself."""
    with Switch(only_dummies=False) as switch:
        yield switch


def test_an_interface_that_the_host_does_not_have_is_reported_and_nothing_else_suffers(
    real_switch: Switch, watcher: Watcher, settings: HostSettings
) -> None:
    real_switch.vsctl("add-br", "br-phy", "--", "set", "bridge", "br-phy", "datapath_type=dummy")
    watcher.sessions.set_hosts({"a": (real_switch.db_target, replace(settings, physical=(("office", "no-such0"),)))})
    wait_until(lambda: watcher.has_problem("office cannot be reached: could not open"), "the report")
    tap1 = ("add-port", "br-int", "tap1", "--", "set", "interface", "tap1", "type=dummy")
    real_switch.vsctl(*tap1, "external_ids:iface-id=port1")
    wait_until(watcher.interfaces, "an instance beside it")
    assert networks(watcher) == {}
    assert len(watcher.problems) == 1
