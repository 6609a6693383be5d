"""The sessions with hosts' databases, on real ovsdb-server and ovs-vswitchd."""

import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import replace
from threading import Thread

import pytest

from controller.ovsdb import HostSessions, HostSettings, columns, session
from flows.facts import HostFacts, Interface
from flows.model.contract import TUNNEL_OFPORT, datapath_id
from tests.switch import Switch, wait_until

TABLES = ((0, "classify"), (20, "unicast"))


class Watcher:
    """Host sessions and all that they report."""

    def __init__(self) -> None:
        self.history: list[tuple[str, HostFacts | None]] = []
        self.problems: list[tuple[str, str]] = []
        self.sessions = HostSessions(
            lambda host, facts: self.history.append((host, facts)),
            lambda host, sentence: self.problems.append((host, sentence)),
        )

    def facts(self, host: str = "a") -> HostFacts | None:
        return next((facts for name, facts in reversed(self.history) if name == host), None)

    def interfaces(self, host: str = "a") -> set[Interface]:
        facts = self.facts(host)
        return set(facts.interfaces) if facts else set()

    def has_problem(self, part: str) -> bool:
        return any(part in sentence for _, sentence in self.problems)


class Controller:
    """Accepts OpenFlow connections and says hello, so that the switch counts as connected."""

    def __init__(self) -> None:
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.target = f"tcp:127.0.0.1:{self._listener.getsockname()[1]}"
        self._connections: list[socket.socket] = []
        Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.sendall(struct.pack("!BBHI", 5, 0, 8, 1))
            self._connections.append(connection)

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for connection in self._connections:
            connection.close()


@pytest.fixture
def switch() -> Iterator[Switch]:
    with Switch() as switch:
        yield switch


@pytest.fixture
def controller() -> Iterator[Controller]:
    controller = Controller()
    yield controller
    controller.close()


@pytest.fixture
def watchers() -> Iterator[list[Watcher]]:
    watchers: list[Watcher] = []
    yield watchers
    for watcher in watchers:
        watcher.sessions.stop()


@pytest.fixture
def watcher(watchers: list[Watcher]) -> Watcher:
    watchers.append(Watcher())
    return watchers[-1]


@pytest.fixture
def settings(controller: Controller) -> HostSettings:
    return HostSettings(datapath_id("a"), controller.target, "gre", TABLES, bound=None)


def physical_bridge(switch: Switch) -> None:
    switch.vsctl("add-br", "br-phy", "--", "set", "bridge", "br-phy", "datapath_type=netdev")


def instance(switch: Switch, name: str, iface_id: str) -> None:
    switch.vsctl("add-port", "br-int", name, "--", "set", "interface", name, f"external_ids:iface-id={iface_id}")


def get(switch: Switch, table: str, row: str, column: str) -> str:
    return switch.vsctl("get", table, row, column).strip()


def writes(switch: Switch) -> int:
    """How many transactions the controller has committed: each leaves its comment in the database file."""
    return (switch.directory / "conf.db").read_text().count("ovs-vpc: ")


def establish(switch: Switch, watcher: Watcher, settings: HostSettings) -> None:
    """A host with br-phy, its contract kept."""
    physical_bridge(switch)
    watcher.sessions.set_hosts({"a": (switch.db_target, settings)})
    wait_until(lambda: (facts := watcher.facts()) and facts.tunnel_ofport, "the facts of the integration bridge")


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
    switch.vsctl(
        "add-br", "br-int", "--", "set", "bridge", "br-int", "other_config:mac-table-size=7", "stp_enable=true"
    )
    switch.vsctl("set", "bridge", "br-int", "external_ids:who=me", "--", "add-port", "br-int", "vhost0")
    switch.vsctl(
        "--id=@t", "create", "flow_table", "flow_limit=9", "--", "set", "bridge", "br-int", "flow_tables:20=@t"
    )
    switch.vsctl("set", "open_vswitch", ".", "other_config:max-idle=30000", "external_ids:hostname=h")
    establish(switch, watcher, settings)
    assert get(switch, "bridge", "br-other", "fail_mode") == "standalone"
    assert get(switch, "bridge", "br-int", "other_config:mac-table-size") == '"7"'
    assert get(switch, "bridge", "br-int", "external_ids") == "{who=me}"
    assert get(switch, "bridge", "br-int", "stp_enable") == "true"
    assert get(switch, "interface", "vhost0", "ofport_request") == "[]"
    assert get(switch, "open_vswitch", ".", "other_config:max-idle") == '"30000"'
    assert get(switch, "open_vswitch", ".", "external_ids:hostname") == "h"
    assert "9" in switch.vsctl("--bare", "--columns=flow_limit", "find", "flow_table", "name=unicast")


@pytest.mark.parametrize(
    ("damage", "part"),
    [
        (["set-fail-mode", "br-int", "standalone"], "fail_mode standalone -> secure"),
        (["remove", "bridge", "br-int", "other_config", "disable-in-band"], "disable-in-band nothing -> true"),
        (["set-controller", "br-int", "tcp:127.0.0.1:1"], "controller target tcp:127.0.0.1:1 ->"),
        (["del-controller", "br-int"], "controller of br-int added"),
        (["del-port", "tun-gre"], "port tun-gre added"),
        (["set", "interface", "tun-gre", "options:remote_ip=192.0.2.1"], "tun-gre options"),
        (["clear", "bridge", "br-int", "flow_tables"], "table 0 added"),
        (["del-br", "br-int"], "bridge br-int added"),
    ],
)
def test_damage_is_repaired_and_reported(
    switch: Switch, watcher: Watcher, settings: HostSettings, damage: list[str], part: str
) -> None:
    establish(switch, watcher, settings)
    switch.vsctl("--no-wait", *damage)
    wait_until(lambda: watcher.has_problem(part), part)
    wait_until(
        lambda: watcher.facts() == HostFacts(datapath_id("a"), "netdev", TUNNEL_OFPORT, frozenset()),
        "the facts as before",
    )
    assert len(watcher.problems) == 1


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

    sessions = HostSessions(fail_once, lambda host, sentence: None)
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


def test_a_switch_that_gave_up_is_made_to_dial(
    switch: Switch, watcher: Watcher, watchers: list[Watcher], settings: HostSettings
) -> None:
    nobody = replace(settings, controller="tcp:127.0.0.1:1")
    physical_bridge(switch)
    watcher.sessions.set_hosts({"a": (switch.db_target, nobody)})
    wait_until(watcher.facts, "facts")
    switch.ofctl("add-flow", "br-int", "priority=5,actions=drop")
    second = Watcher()
    watchers.append(second)
    second.sessions.set_hosts({"a": (switch.db_target, nobody)})
    wait_until(lambda: switch.vsctl("get-controller", "br-int").strip() == "tcp:[127.0.0.1]:1", "the other spelling")
    assert "priority=5" in switch.ofctl("dump-flows", "br-int")
    assert second.problems == watcher.problems == []


def test_a_forgotten_flow_restore_wait_is_cleared(switch: Switch, watcher: Watcher, settings: HostSettings) -> None:
    establish(switch, watcher, settings)
    switch.vsctl("set", "open_vswitch", ".", "other_config:flow-restore-wait=true", "other_config:max-idle=30000")
    watcher.sessions.flows_restored("a")
    watcher.sessions.flows_restored("unknown")
    wait_until(lambda: get(switch, "open_vswitch", ".", "other_config") == '{max-idle="30000"}', "the key to go")
