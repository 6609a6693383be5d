"""A second switch with the datapath id of a host or a plain switch: a machine that was copied.

Wanted: the one that works stays, and nothing is confirmed that the host did not do; the copy is refused and named; and
whatever happens, the host comes back by itself.
"""

import re
from collections.abc import Iterator
from contextlib import suppress

import pytest

from flows.model.contract import datapath_id
from tests.properties.controller_process import Network
from tests.switch import Switch, wait_until

TEXT = """
encapsulation: vxlan
hosts: {h1: {tunnel_ip: 192.0.2.1}, h2: {tunnel_ip: 192.0.2.2}}
vpcs:
  blue: {id: 7, subnets: {web: {cidr: 10.0.0.0/24}}}
switches: {s1: {dpid: "000000000000004d"}}
ports:
  a: {vpc: blue, ips: [10.0.0.11], host: h1}
  b: {vpc: blue, ips: [10.0.0.12], host: h2}
  m1: {switch: s1, vlan: 5}
"""
"""``s1`` is of the kind that has no database."""


def more(number: int) -> str:
    return TEXT + f"  c{number}: {{vpc: blue, ips: [10.0.0.{100 + number}], host: h1}}\n"


class Copy:
    """A switch of its own that says that it is another one."""

    def __init__(self, network: Network, dpid: int, *settings: str) -> None:
        self.switch = Switch()
        self._target = f"tcp:127.0.0.1:{network.openflow_port}"
        self.switch.vsctl("add-br", "br-int", "--", "set", "bridge", "br-int", "fail_mode=secure", *settings)
        self.switch.vsctl("set", "bridge", "br-int", f"other_config:datapath-id={dpid:016x}")

    def dial(self) -> None:
        self.switch.vsctl("set-controller", "br-int", self._target)

    def flows(self) -> int:
        """How many it has; none as long as its bridge does not answer yet."""
        with suppress(AssertionError):
            return len(self.switch.ofctl("dump-flows", "br-int").splitlines()) - 1
        return 0


@pytest.fixture(scope="module")
def running() -> Iterator[Network]:
    network = Network(["h1", "h2"])
    plain = Copy(network, 77)
    try:
        network.plain = plain  # type: ignore[attr-defined]
        plain.switch.vsctl("add-port", "br-int", "m1", "--", "set", "interface", "m1", "type=dummy")
        plain.dial()
        network.apply(TEXT)
        network.settle()
        network.plug("h1", "a")
        network.plug("h2", "b")
        wait_until(lambda: all(host["interfaces"] for host in network.status().values()), "the ports")
        wait_until(lambda: node(network, "s1")["switch"], "the plain switch")
        yield network
    finally:
        plain.switch.stop()
        network.stop()


@pytest.fixture
def network(running: Network) -> Iterator[Network]:
    yield running
    for host in ("h1", "h2"):
        wait_until(lambda: node(running, host)["switch"], f"{host} to be back", 20)  # noqa: B023
    running.settle()
    running.compare()


@pytest.fixture
def copy(network: Network) -> Iterator[Copy]:
    """A copy of h1, with the number by which its switch is known at present."""
    serial = network.switches["h1"].vsctl("--if-exists", "get", "bridge", "br-int", "other_config:dp-sn").strip()
    made = Copy(network, datapath_id("h1"), *([f"other_config:dp-sn={serial}"] if serial else []))
    yield made
    made.switch.stop()


def node(network: Network, name: str) -> dict[str, object]:
    status = network.store.read_status()
    found: dict[str, object] = (status["hosts"] | status["switches"])[name]
    return found


def named(network: Network, name: str) -> str:
    """What is said of copies."""
    return " ".join(problem for problem in node(network, name)["problems"] if "another switch" in problem)  # type: ignore[attr-defined]


def has_done(network: Network, generation: int) -> None:
    """h1 confirms a generation, and it is the real one that has it."""
    wait_until(lambda: network.status()["h1"]["confirmed"] >= generation, "h1 to confirm", 20)
    network.settle()
    network.compare()


def test_the_host_that_works_stays(network: Network, copy: Copy) -> None:
    before = network.log().count("h1: switch: out of reach")
    copy.dial()
    wait_until(lambda: named(network, "h1"), "the copy to be named", 20)
    said = named(network, "h1")
    assert re.search(
        r"at 127\.0\.0\.1:\d+, has its datapath id .* is refused; the one at 127\.0\.0\.1:\d+ is kept", said
    )
    assert "ovs-vsctl del-br br-int" in said
    has_done(network, network.apply(more(1)))
    assert copy.flows() == 0
    assert network.log().count("h1: switch: out of reach") == before
    assert network.log().count("another switch, at") == 1, "the line is written once in a while only"


def test_the_real_one_restarts_while_the_copy_is_there(network: Network, copy: Copy) -> None:
    copy.dial()
    wait_until(lambda: named(network, "h1"), "the copy to be named", 20)
    switch = network.switches["h1"]
    switch.kill("ovs-vswitchd")
    generation = network.apply(more(2))
    wait_until(lambda: not node(network, "h1")["switch"] or named(network, "h1"), "the controller to notice")
    assert network.status()["h1"]["confirmed"] < generation
    switch.start_vswitchd()
    has_done(network, generation)


def test_the_copy_comes_first(network: Network, copy: Copy) -> None:
    """While the real one is down its copy comes, which shows the same as the real one did."""
    switch = network.switches["h1"]
    switch.kill("ovs-vswitchd")
    wait_until(lambda: not node(network, "h1")["switch"], "the controller to notice")
    copy.dial()
    wait_until(lambda: copy.switch.vsctl("get", "controller", "br-int", "is_connected") == "true\n", "the copy", 20)
    generation = network.apply(more(3))
    wait_until(lambda: network.status()["h2"]["confirmed"] >= generation, "h2 to confirm")
    assert network.status()["h1"]["confirmed"] < generation
    switch.start_vswitchd()
    has_done(network, generation)
    copy.switch.kill("ovs-vswitchd")
    has_done(network, network.apply(more(4)))


def test_the_session_that_works_hangs(network: Network, copy: Copy) -> None:
    """A real one that is cut off and comes back is not kept out by what is left of its old session."""
    switch = network.switches["h1"]
    switch.freeze("ovs-vswitchd")
    copy.dial()
    try:
        wait_until(lambda: not node(network, "h1")["switch"] or node(network, "h1")["problems"], "the end", 20)
    finally:
        switch.thaw("ovs-vswitchd")
    has_done(network, network.apply(more(5)))


def test_a_plain_switch(network: Network) -> None:
    """Nobody can tell which one is right: the one that works stays."""
    plain: Copy = network.plain  # type: ignore[attr-defined]
    flows, copy = plain.flows(), Copy(network, 77)
    copy.switch.vsctl("add-port", "br-int", "m1", "--", "set", "interface", "m1", "type=dummy")
    try:
        copy.dial()
        wait_until(lambda: named(network, "s1"), "the copy to be named", 20)
        assert "'ovs-vsctl set Bridge br-int other_config:datapath-id=...'" in named(network, "s1")
        assert (plain.flows(), copy.flows()) == (flows, 0)
        plain.switch.kill("ovs-vswitchd")
        wait_until(lambda: copy.flows() == flows, "the other to take its place, which has no rival any more", 20)
    finally:
        copy.switch.stop()
    plain.switch.start_vswitchd()
    wait_until(lambda: plain.flows() == flows, "the first to be back", 20)


def test_a_bare_copy_of_a_plain_switch_comes_first(network: Network) -> None:
    """It carries nothing, so it gives way to the one that has the interfaces of the model."""
    plain: Copy = network.plain  # type: ignore[attr-defined]
    flows, copy = plain.flows(), Copy(network, 77)
    plain.switch.kill("ovs-vswitchd")
    try:
        wait_until(lambda: not node(network, "s1")["switch"], "the controller to notice")
        copy.dial()
        wait_until(lambda: node(network, "s1")["switch"], "the copy to be taken for it", 20)
        plain.switch.start_vswitchd()
        wait_until(lambda: plain.flows() == flows, "the real one to be back", 20)
        wait_until(lambda: named(network, "s1"), "the copy to be named", 20)
    finally:
        copy.switch.stop()


def test_log(network: Network) -> None:
    assert "Traceback" not in network.log()
