"""The host contract, on real ovsdb-server and ovs-vswitchd."""

import time
from dataclasses import replace
from functools import partial

import pytest

from controller.ovsdb import HostSettings
from flows.inputs.facts import HostFacts
from flows.model.contract import TUNNEL_OFPORT, datapath_id
from tests.integration.ovsdb.support import Controller, Watcher, establish, get, instance, writes
from tests.switch import Switch, wait_until


def test_the_contract_is_established_on_a_new_host(switch: Switch, watcher: Watcher, settings: HostSettings) -> None:
    establish(switch, watcher, settings)
    assert watcher.facts() == HostFacts(datapath_id("a"), "netdev", TUNNEL_OFPORT, frozenset())
    assert watcher.problems == []
    assert get(switch, "bridge", "br-int", "fail_mode") == "secure"
    assert get(switch, "bridge", "br-int", "datapath_type") == "netdev"
    assert get(switch, "bridge", "br-int", "datapath_id") == f'"{datapath_id("a"):016x}"'
    assert get(switch, "bridge", "br-int", "other_config:disable-in-band") == '"true"'
    assert switch.vsctl("get-controller", "br-int").strip() == settings.controller
    assert get(switch, "interface", "br-int", "type") == "internal"
    assert get(switch, "interface", "tun-gre", "options") == "{key=flow, remote_ip=flow}"
    assert get(switch, "interface", "tun-gre", "ofport") == str(TUNNEL_OFPORT)


def test_plain_tools_work_and_print_table_names(switch: Switch, watcher: Watcher, settings: HostSettings) -> None:
    establish(switch, watcher, settings)
    switch.ofctl("add-flow", "br-int", "table=20,actions=drop")
    assert "table=unicast" in switch.ofctl("--names", "dump-flows", "br-int")
    watcher.sessions.set_hosts({"a": (switch.db_target, replace(settings, table_names=((0, "first"),)))})
    wait_until(lambda: "table=20" in switch.ofctl("--names", "dump-flows", "br-int"), "table 20 to lose its name")


def test_a_second_run_writes_nothing(
    switch: Switch, watcher: Watcher, watchers: list[Watcher], settings: HostSettings
) -> None:
    establish(switch, watcher, settings)
    wait_until(lambda: "true" in switch.vsctl("--columns=is_connected", "list", "controller"), "an OpenFlow session")
    before = writes(switch)
    assert before >= 1
    second = Watcher()
    watchers.append(second)
    second.sessions.set_hosts({"a": (switch.db_target, settings)})
    wait_until(second.facts, "the second controller's facts")
    instance(switch, "tap1", "port1")  # both have come so far when both have seen this and one has pinned it
    wait_until(lambda: watcher.interfaces() and second.interfaces(), "the new interface")
    wait_until(lambda: get(switch, "interface", "tap1", "ofport_request") == "1", "the pin")
    assert before < writes(switch) <= before + 2
    assert second.problems == watcher.problems == []


def test_what_is_not_ours_stays(switch: Switch, watcher: Watcher, settings: HostSettings) -> None:
    switch.vsctl("add-br", "br-other", "--", "set", "bridge", "br-other", "fail_mode=standalone")
    switch.vsctl("add-br", "br-int", "--", "set", "bridge", "br-int", "other_config:mac-table-size=7", "flood_vlans=7")
    switch.vsctl("set", "bridge", "br-int", "external_ids:who=me", "--", "add-port", "br-int", "vhost0")
    switch.vsctl(
        "--id=@t", "create", "flow_table", "flow_limit=9", "--", "set", "bridge", "br-int", "flow_tables:20=@t"
    )
    switch.vsctl("set", "open_vswitch", ".", "other_config:max-idle=30000", "external_ids:hostname=h")
    establish(switch, watcher, settings)
    assert get(switch, "bridge", "br-other", "fail_mode") == "standalone"
    assert get(switch, "bridge", "br-int", "other_config:mac-table-size") == '"7"'
    assert get(switch, "bridge", "br-int", "external_ids") == "{who=me}"
    assert get(switch, "bridge", "br-int", "flood_vlans") == "[7]"
    assert get(switch, "interface", "vhost0", "ofport_request") == "[]"
    assert get(switch, "open_vswitch", ".", "other_config:max-idle") == '"30000"'
    assert get(switch, "open_vswitch", ".", "external_ids:hostname") == "h"
    assert "9" in switch.vsctl("--bare", "--columns=flow_limit", "find", "flow_table", "name=unicast")


@pytest.mark.parametrize(
    ("damage", "part"),
    [
        (["set-fail-mode", "br-int", "standalone"], "fail_mode standalone -> secure"),
        (["set", "port", "tun-gre", "protected=true"], "tun-gre protected True -> False"),
        (["set", "bridge", "br-int", "datapath_type=dummy"], "datapath_type dummy -> netdev"),
        (["set", "bridge", "br-int", "protocols=OpenFlow10"], "protocols OpenFlow10 -> OpenFlow10,OpenFlow11"),
        (["set", "bridge", "br-int", "other_config:datapath-id=1"], "other_config:datapath-id 1 ->"),
        (["remove", "bridge", "br-int", "other_config", "disable-in-band"], "disable-in-band nothing -> true"),
        (["set-controller", "br-int", "tcp:127.0.0.1:1"], "controller target tcp:127.0.0.1:1 ->"),
        (["del-controller", "br-int"], "controller of br-int added"),
        (["set", "controller", "br-int", "connection_mode=in-band"], "connection_mode in-band -> out-of-band"),
        (["set", "controller", "br-int", "max_backoff=9000"], "max_backoff 9000 -> 1000"),
        (["set", "controller", "br-int", "inactivity_probe=0"], "inactivity_probe 0 -> 15000"),
        (["set", "controller", "br-int", "controller_rate_limit=9999"], "controller_rate_limit 9999 -> 1000"),
        (["clear", "controller", "br-int", "controller_burst_limit"], "controller_burst_limit nothing -> 250"),
        (
            [
                "--id=@c",
                "create",
                "controller",
                "target=tcp\\:127.0.0.1\\:9",
                "--",
                "add",
                "bridge",
                "br-int",
                "controller",
                "@c",
            ],
            "controller tcp:127.0.0.1:9 of br-int removed",
        ),
        (["del-port", "tun-gre"], "port tun-gre added"),
        (["set", "interface", "tun-gre", "type=vxlan"], "tun-gre type vxlan -> gre"),
        (["set", "interface", "tun-gre", "options:remote_ip=192.0.2.1"], "tun-gre options"),
        (["set", "interface", "tun-gre", "options:csum=true"], "tun-gre options csum=true"),
        (["set", "interface", "tun-gre", "ofport_request=7"], "tun-gre ofport_request 7 -> 65000"),
        (["add-port", "br-int", "tun-vxlan"], "port tun-vxlan removed"),
        (["clear", "bridge", "br-int", "flow_tables"], "table 0 added"),
        (
            ["--id=@t", "create", "flow_table", "name=mine", "--", "set", "bridge", "br-int", "flow_tables:9=@t"],
            "table 9 name mine -> nothing",
        ),
        (["del-br", "br-int"], "bridge br-int added"),
    ],
    ids=lambda value: None if isinstance(value, list) else value,
)
def test_damage_is_repaired_and_reported(
    switch: Switch, watcher: Watcher, settings: HostSettings, damage: list[str], part: str
) -> None:
    establish(switch, watcher, settings)
    before = contract(switch)
    switch.vsctl("--no-wait", *damage)
    wait_until(lambda: watcher.has_repaired(part), part)
    wait_until(
        lambda: watcher.facts() == HostFacts(datapath_id("a"), "netdev", TUNNEL_OFPORT, frozenset()),
        "the facts as before",
    )
    wait_until(lambda: contract(switch) == before, "everything to be as before")
    wait_until(lambda: not watcher.standing.get("a"), "every problem to be solved")


def contract(switch: Switch) -> list[str]:
    """All settings of the host contract."""
    limits = "controller_rate_limit,controller_burst_limit"
    columns = {
        "bridge": "fail_mode,datapath_type,protocols,other_config",
        "controller": f"target,connection_mode,max_backoff,inactivity_probe,{limits}",
        "interface": "name,type,options,ofport_request",
    }
    rows = [switch.vsctl("-f", "csv", f"--columns={names}", "list", table) for table, names in columns.items()]
    tables = switch.vsctl("--bare", "--columns=name", "list", "flow_table").split()
    return [*(line for table in rows for line in sorted(table.splitlines())), *sorted(tables)]


def test_a_lost_mark_and_a_lost_number_are_put_back(switch: Switch, watcher: Watcher, settings: HostSettings) -> None:
    establish(switch, watcher, settings)
    watcher.sessions.set_hosts({"a": (switch.db_target, replace(settings, bound=frozenset({"port1"})))})
    instance(switch, "tap1", "port1")
    wait_until(lambda: "ovs-vpc-bound=port1" in get(switch, "interface", "tap1", "external_ids"), "the mark")
    wait_until(lambda: get(switch, "interface", "tap1", "ofport_request") == "1", "the pin")
    time.sleep(0.2)
    assert watcher.drift == [], "what was put there for the first time"
    switch.vsctl("remove", "interface", "tap1", "external_ids", "ovs-vpc-bound")
    wait_until(lambda: watcher.has_repaired("tap1 external_ids:ovs-vpc-bound nothing -> port1"), "the mark")
    switch.vsctl("clear", "interface", "tap1", "ofport_request")
    wait_until(lambda: watcher.has_repaired("tap1 ofport_request nothing -> 1"), "the number")


def test_problems_of_the_host_are_reported(switch: Switch, watcher: Watcher, settings: HostSettings) -> None:
    switch.vsctl("add-br", "br-other", "--", "add-port", "br-other", "tun-gre")
    switch.vsctl("set", "open_vswitch", ".", "other_config:flow-restore-wait=true")
    watcher.sessions.set_hosts({"a": (switch.db_target, settings)})
    wait_until(watcher.facts, "facts without br-phy")
    assert watcher.has_problem("no bridge br-phy")
    assert watcher.has_problem("tun-gre cannot be made: bridge br-other has a port of that name")
    assert watcher.has_problem("flow-restore-wait is set")
    switch.vsctl("--no-wait", "add-port", "br-int", "bad", "--", "set", "interface", "bad", "type=nonsense")
    wait_until(lambda: watcher.has_problem("cannot use interface bad: "), "the error of an interface")


def test_a_taken_tunnel_number_is_reported(switch: Switch, watcher: Watcher, settings: HostSettings) -> None:
    switch.vsctl("add-br", "br-int", "--", "add-port", "br-int", "first")
    switch.vsctl("set", "interface", "first", f"ofport_request={TUNNEL_OFPORT}")
    establish(switch, watcher, settings)
    wait_until(lambda: watcher.has_problem("tunnel port tun-gre has the OpenFlow port number"), "the number")


def test_a_changed_encapsulation_changes_the_tunnel_port(
    switch: Switch, watcher: Watcher, settings: HostSettings
) -> None:
    establish(switch, watcher, settings)
    watcher.sessions.set_hosts({"a": (switch.db_target, replace(settings, encapsulation="vxlan"))})
    wait_until(lambda: set(switch.vsctl("list-ports", "br-int").split()) == {"tun-vxlan"}, "only the VXLAN port")
    wait_until(lambda: (facts := watcher.facts()) and facts.tunnel_ofport == TUNNEL_OFPORT, "its number")
    assert get(switch, "interface", "tun-vxlan", "type") == "vxlan"
    assert watcher.problems == []


def test_a_forgotten_flow_restore_wait_is_cleared(switch: Switch, watcher: Watcher, settings: HostSettings) -> None:
    establish(switch, watcher, settings)
    switch.vsctl("set", "open_vswitch", ".", "other_config:flow-restore-wait=true", "other_config:max-idle=30000")
    watcher.sessions.flows_restored("a")
    watcher.sessions.flows_restored("unknown")
    wait_until(lambda: get(switch, "open_vswitch", ".", "other_config") == '{max-idle="30000"}', "the key to go")


def test_a_number_is_right_whatever_open_vswitch_wrote_last(
    switch: Switch, watcher: Watcher, settings: HostSettings
) -> None:
    """Asked for two numbers in quick succession it may leave the first in its database: about one time in ten."""
    establish(switch, watcher, settings)
    for number in range(7, 37):
        watcher.drift.clear()
        switch.vsctl("--no-wait", "set", "interface", "tun-gre", f"ofport_request={number}")
        wait_until(lambda: watcher.drift, "the repair")
        wait_until(lambda: switch.vsctl("get", "interface", "tun-gre", "ofport").strip() == "65000", "the number")
    wait_until(lambda: not watcher.standing.get("a"), "every problem to be solved")


@pytest.mark.parametrize("setting", ["protocols=OpenFlow10", "controller=[]"])
def test_what_ends_the_session_is_told_too(
    switch: Switch, watcher: Watcher, settings: HostSettings, setting: str
) -> None:
    """With the session's end the controller has something to write of its own: what others did is told all the same."""
    watcher.sessions.give_serial("a", "first")
    establish(switch, watcher, settings)
    wait_until(lambda: get(switch, "bridge", "br-int", "other_config:dp-sn") == "first", "the serial number")
    switch.vsctl("--no-wait", "set", "bridge", "br-int", setting)
    watcher.sessions.give_serial("a", "second")
    watcher.sessions.redial("a")
    wait_until(lambda: watcher.has_repaired(setting.partition("=")[0]), "the repair")
    wait_until(lambda: get(switch, "bridge", "br-int", "other_config:dp-sn") == "second", "the serial number")
    assert not watcher.has_repaired("dp-sn"), "that is the controller's own doing"
    switch.vsctl("remove", "bridge", "br-int", "other_config", "dp-sn")
    wait_until(lambda: watcher.has_repaired("dp-sn"), "the repair of what somebody else did to it")


def test_a_switch_is_made_to_dial_by_another_spelling(
    switch: Switch, watcher: Watcher, settings: HostSettings, controller: Controller
) -> None:
    """It dials at once, and it is not told as somebody else's doing."""
    establish(switch, watcher, settings)
    wait_until(lambda: controller.accepted, "the first connection")
    for number in range(controller.accepted + 1, controller.accepted + 4):
        watcher.sessions.redial("a")
        wait_until(partial(lambda number: controller.accepted >= number, number), "another connection")
    assert watcher.drift == []


def test_an_ovs_vswitchd_on_another_database_is_reported(
    switch: Switch, watcher: Watcher, settings: HostSettings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Kind of fault: the database answers and ovs-vswitchd runs, but not for each other."""
    monkeypatch.setattr("controller.ovsdb.contract.unread.UNREAD", 1.0)
    establish(switch, watcher, settings)
    switch.kill("ovs-vswitchd")
    with Switch() as other:
        other.kill("ovs-vswitchd")
        switch.start_vswitchd(other.db_target)
        watcher.sessions.redial("a")
        wait_until(lambda: watcher.has_problem("started on another database"), "the report")
        switch.kill("ovs-vswitchd")
    switch.start_vswitchd()
    wait_until(lambda: not watcher.standing["a"], "the problem to be solved")
