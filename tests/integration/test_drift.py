"""Whatever somebody changes by hand on a host is found within ten seconds, repaired, and said in the log."""

import re
import time
from collections.abc import Callable, Iterator

import pytest

from controller.inspect.compiled import compiled
from controller.status.status import read_status
from flows.compile.desired import Desired
from flows.openflow.flow import Flow
from flows.pipeline.page import LEARNED_TABLES, NAMES, NEIGH_TABLE, ROUTE_TABLE
from tests.properties.controller_process import Network
from tests.switch import Switch, wait_until

WITHIN = 10.0
TEXT = """
encapsulation: vxlan
hosts:
  h1: {tunnel_ip: 192.0.2.1}
  h2: {tunnel_ip: 192.0.2.2}
vpcs:
  blue: {id: 7, subnets: {web: {cidr: 10.0.0.0/24}}}
ports:
  b1: {vpc: blue, ips: [10.0.0.11], host: h1}
  b2: {vpc: blue, ips: [10.0.0.12], host: h2}
"""
FOREIGN = "table=99,cookie=0x1234,priority=3,ip"


@pytest.fixture(scope="module")
def running() -> Iterator[Network]:
    network = Network(["h1", "h2"])
    try:
        network.apply(TEXT)
        network.settle()
        for number in (1, 2):
            network.plug(f"h{number}", f"b{number}")
        wait_until(lambda: len(wanted(network).flows) > 20 and has_ports(network), "the ports")
        network.settle()
        yield network
    finally:
        network.stop()


@pytest.fixture
def network(running: Network) -> Iterator[Network]:
    """Foreign flows stand beside ours, and are there as before when the test ends; ours are as they shall be."""
    switch = running.switches["h1"]
    switch.ofctl("add-flow", "br-int", f"{FOREIGN},actions=drop")
    yield running
    wait_until(lambda: is_right(running), "everything to be right", WITHIN)
    assert "cookie=0x1234" in switch.ofctl("dump-flows", "br-int", "table=99")


def has_ports(network: Network) -> bool:
    hosts = network.store.read_status()["hosts"].values()
    return all(host["interfaces"] and host["settled"] for host in hosts)


def wanted(network: Network) -> Desired:
    stored = network.store.load()
    assert stored is not None
    desired = compiled(stored, read_status(network.store), "h1")
    assert desired is not None
    return desired


def is_right(network: Network) -> bool:
    """Whether the switch holds our flows exactly, besides those of others."""
    expected = network.directory / "expected"
    lines = [f"cookie={cookie:#x},{flow.text()}\n" for cookie, flow in wanted(network).flows.items()]
    expected.write_text("".join([*lines, *foreign(network.switches["h1"])]))
    try:
        network.switches["h1"].ofctl("--protocols=OpenFlow14", "diff-flows", "br-int", str(expected))
    except AssertionError:
        return False
    return True


def foreign(switch: Switch) -> list[str]:
    dump = switch.ofctl("--protocols=OpenFlow14", "--no-stats", "dump-flows", "br-int")
    return [line.strip() + "\n" for line in dump.splitlines() if re.match(r" (cookie=0x(?!76)|priority|table)", line)]


def log(network: Network) -> str:
    return (network.directory / "log").read_text()


def repaired(network: Network, damage: Callable[[], object], *parts: str) -> str:
    """Do some damage, and wait until it is repaired. Returns the line that says so, which has all these parts."""
    before = len(log(network))

    def told() -> list[str]:
        lines = log(network)[before:].splitlines()
        return [line for line in lines if "drift" in line and all(part in line for part in parts)]

    start = time.monotonic()
    damage()
    wait_until(lambda: told() and is_right(network), f"the repair, and a line with {parts}", WITHIN)
    print(f"found and repaired after {time.monotonic() - start:.1f} s: {told()[0]}")
    return told()[0]


def one(network: Network, table: int, part: str) -> tuple[Flow, str]:
    """A flow of a table with this in its text, and what the log calls it."""
    desired = wanted(network)
    flow = next(flow for flow in desired.flows.values() if flow.table == table and part in flow.text())
    return flow, desired.words(flow.cookie)


def matching(flow: Flow) -> str:
    """A flow's table, priority and match."""
    return flow.text().partition(" actions=")[0]


WAY = ROUTE_TABLE.number, "10.0.0.12"


def test_a_deleted_flow(network: Network) -> None:
    flow, words = one(network, *WAY)
    assert "10.0.0.12" in words
    assert "b2 (network.yaml:" in words
    switch = network.switches["h1"]
    repaired(
        network,
        lambda: switch.ofctl("--strict", "del-flows", "br-int", matching(flow)),
        f"h1: drift: {words}: deleted by somebody else",
    )


@pytest.mark.parametrize("how", [["--protocols=OpenFlow14"], ["--protocols=OpenFlow14", "--bundle"]])
def test_a_flow_whose_actions_were_changed_under_its_cookie(network: Network, how: list[str]) -> None:
    flow, words = one(network, *WAY)
    place = matching(flow).replace(f"priority={flow.priority},", "")
    switch = network.switches["h1"]
    line = repaired(
        network, lambda: switch.ofctl(*how, "mod-flows", "br-int", f"{place},actions=drop"), f"{words}: changed"
    )
    assert "h1: drift:" in line


def test_a_flow_that_got_a_timeout(network: Network) -> None:
    flow, words = one(network, *WAY)
    text = f"cookie={flow.cookie:#x},idle_timeout=600,{flow.text()}"
    switch = network.switches["h1"]
    repaired(network, lambda: switch.ofctl("--protocols=OpenFlow14", "add-flow", "br-int", text), f"{words}: changed")


def test_a_flow_replaced_by_one_of_another_owner(network: Network) -> None:
    flow, words = one(network, *WAY)
    text = f"cookie=0x99,{matching(flow)},actions=drop"
    switch = network.switches["h1"]
    repaired(network, lambda: switch.ofctl("add-flow", "br-int", text), f"{words}: deleted or replaced")


def test_one_deleted_and_another_added_under_our_cookies(network: Network) -> None:
    """The number of flows stays the same."""
    flow, words = one(network, *WAY)
    switch = network.switches["h1"]

    def damage() -> None:
        switch.ofctl("add-flow", "br-int", "table=40,cookie=0x76000000000000ff,priority=7,actions=drop")
        switch.ofctl("--strict", "del-flows", "br-int", matching(flow))

    repaired(network, damage, f"{words}: deleted")
    assert "a flow in route_table has the cookie 0x76000000000000ff, which is not one of ours" in log(network)


def test_a_second_flow_under_the_cookie_of_ours(network: Network) -> None:
    flow, words = one(network, *WAY)
    text = f"table={flow.table},cookie={flow.cookie:#x},priority=9,ip,actions=drop"
    before = network.ages("h1")[flow.cookie]
    switch = network.switches["h1"]
    repaired(network, lambda: switch.ofctl("add-flow", "br-int", text), f"has the cookie of {words}")
    assert network.ages("h1")[flow.cookie] >= before, "ours was not touched"


def test_a_flow_under_our_cookie_in_a_table_that_is_none(network: Network) -> None:
    none = next(number for number in range(1, 254) if number not in NAMES)
    text = f"table={none},cookie=0x76000000000000fe,actions=drop"
    switch = network.switches["h1"]
    repaired(network, lambda: switch.ofctl("add-flow", "br-int", text), f"a flow in {none} has the cookie")


@pytest.mark.parametrize("table", LEARNED_TABLES)
def test_a_flow_changed_in_a_table_with_learned_flows(network: Network, table: int) -> None:
    flow, words = one(network, table, "priority=0")
    text = f"cookie={flow.cookie:#x},table={table},priority=0,actions=set_field:1->reg9"
    switch = network.switches["h1"]
    repaired(network, lambda: switch.ofctl("--protocols=OpenFlow14", "add-flow", "br-int", text), f"{words}: changed")


def test_everything_deleted(network: Network) -> None:
    switch = network.switches["h1"]
    repaired(network, lambda: switch.ofctl("del-flows", "br-int", "cookie=0x7600000000000000/0xff00000000000000"))
    wait_until(lambda: "more flows; the controller repairs these too" in log(network), "word of the others")


def test_changed_while_no_controller_ran(network: Network) -> None:
    flow, words = one(network, NEIGH_TABLE.number, "10.0.0.11")
    place = matching(flow).replace(f"priority={flow.priority},", "")

    def damage() -> None:
        network.stop_controller()
        network.switches["h1"].ofctl("--protocols=OpenFlow14", "mod-flows", "br-int", f"{place},actions=drop")
        network.start_controller()

    repaired(network, damage, f"{words}: changed")


@pytest.mark.parametrize(
    ("damage", "part"),
    [
        (["set-fail-mode", "br-int", "standalone"], "fail_mode standalone -> secure"),
        (["del-port", "tun-vxlan"], "port tun-vxlan added"),
        (["remove", "interface", "b1", "external_ids", "ovs-vpc-bound"], "b1 external_ids:ovs-vpc-bound nothing -> b1"),
    ],
)
def test_a_setting_changed(network: Network, damage: list[str], part: str) -> None:
    switch = network.switches["h1"]
    line = repaired(network, lambda: switch.vsctl("--no-wait", *damage), part)
    assert "WARNING h1: drift: " in line


def test_what_others_do_with_their_own_flows_is_no_drift(network: Network) -> None:
    before = len(log(network))
    switch = network.switches["h1"]
    for number in range(5):
        switch.ofctl("add-flow", "br-int", f"table=40,cookie=0x55,priority={number + 2},ipv6,actions=drop")
    time.sleep(3)
    assert "drift" not in log(network)[before:]
    switch.ofctl("del-flows", "br-int", "cookie=0x55/-1")
