"""What switches learn by themselves: kept while it is right, gone in the same step in which it no longer is."""

import re
import time
from collections.abc import Iterator

import pytest

from flows.openflow.learn import LEARNED_OWNER
from tests.properties.controller_process import Network
from tests.switch import wait_until

HOSTS = ("h1", "h2")
PORTS = ("a1", "a2", "a3", "b1")
BROADCAST = "ff:ff:ff:ff:ff:ff"
MAC = "0a:00:00:00:00:01"
STALE = LEARNED_OWNER << 56 | 0xABCDEF


def text(
    *,
    segments: tuple[str, ...] = ("red", "green"),
    hosts: tuple[str, ...] = HOSTS,
    ageing: int = 300,
    a1: str = "segment: red, host: h1",
    a2: str | None = "segment: red, host: h1",
) -> str:
    ids = {"red": 11, "green": 12, "blue": 13}
    lines = ["encapsulation: vxlan", "hosts:"]
    lines += [f"  {host}: {{tunnel_ip: 192.0.2.{host[1:]}}}" for host in hosts]
    lines += [
        "segments:",
        *(f"  {name}: {{id: {ids[name]}, vlan: {ids[name]}, ageing: {ageing}}}" for name in segments),
    ]
    lines += ["ports:", f"  a1: {{{a1}}}"]
    lines += [f"  a2: {{{a2}}}"] if a2 else []
    lines += [f"  a3: {{segment: {segments[0]}, host: h1}}"]
    lines += [f"  b1: {{segment: {segments[0]}, host: h2}}"] if "h2" in hosts else []
    return "\n".join([*lines, ""])


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    network = Network(HOSTS)
    try:
        network.apply(text())
        network.settle()
        for host in HOSTS:
            network.plug(host, *PORTS)
        wait_until(
            lambda: all(len(host["interfaces"]) == len(PORTS) for host in network.status().values()),
            "the ports to be seen",
        )
        yield network
    finally:
        network.stop()


def reach(network: Network, wanted: str) -> None:
    network.apply(wanted)
    network.settle()
    network.compare()


def start(network: Network) -> None:
    """The first network, with an address learned behind a1 and one behind h2's tunnel."""
    reach(network, text())
    network.receive("h1", "a1", MAC)
    from_h2(network, "0a:00:00:00:00:0b")
    wait_until(lambda: places(network) == {MAC: "a1", "0a:00:00:00:00:0b": "192.0.2.2"}, "two learned addresses")


def from_h2(network: Network, source: str, key: int = 11) -> None:
    """A broadcast comes to h1 by the tunnel from h2."""
    packet = f"in_port=65000,tun_src=192.0.2.2,tun_dst=192.0.2.1,tun_id={key},dl_src={source},dl_dst={BROADCAST}"
    network.switches["h1"].appctl("ofproto/trace", "br-int", f"{packet},dl_type=0x88b6", "-generate")


def places(network: Network) -> dict[str, str]:
    """Where h1 has learned addresses to be: a port by name, or the tunnel address of a host."""
    names = {ofport: name for _, name, ofport in network.status()["h1"]["interfaces"]}
    found = {}
    for line in network.learned("h1"):
        place = re.search(r"table=20, .*dl_dst=(\S+) actions=(.*)", line)
        if place:
            tunnel = re.search(r"load:(0x\w+)->NXM_NX_TUN_IPV4_DST", place[2])
            out = place[2].rpartition("output:")[2].strip('"')
            found[place[1]] = (
                ".".join(str(byte) for byte in int(tunnel[1], 16).to_bytes(4)) if tunnel else names.get(int(out), out)
            )
    return found


def test_learned_flows_are_not_counted_as_ours(network: Network) -> None:
    start(network)
    read = network.log().count("instead of")
    time.sleep(6)  # it counts every 5 seconds
    assert network.log().count("instead of") == read
    assert places(network)[MAC] == "a1"
    network.compare()


def test_a_controller_that_starts_keeps_what_is_right_and_deletes_the_rest(network: Network) -> None:
    start(network)
    before = network.learned("h1")
    network.stop_controller()
    rest = "priority=1,vlan_tci=0x0001/0x0fff,dl_dst=0a:00:00:00:00:99,actions=output:1"
    network.switches["h1"].ofctl("add-flow", "br-int", f"cookie={STALE:#x},table=20,hard_timeout=600,{rest}")
    assert len(network.learned("h1")) == len(before) + 1
    network.start_controller()
    wait_until(lambda: network.learned("h1") == before, "what nobody would learn to go", 15)
    network.settle()
    network.compare()


def test_a_switch_that_connects_with_stale_entries_only_is_cleared_of_them(network: Network) -> None:
    """Nothing else differs: the deletion is a transaction by itself."""
    start(network)
    network.switches["h1"].ofctl("add-flow", "br-int", f"cookie={STALE:#x},table=20,priority=1,actions=output:1")
    network.restart_controller()  # so that all is read anew
    wait_until(lambda: not any("abcdef" in line for line in network.learned("h1")), "the entry to go", 15)
    assert places(network)[MAC] == "a1"


@pytest.mark.parametrize(
    ("after", "left"),
    [
        pytest.param(text(segments=("green",), a1="segment: green, host: h1", a2=None), set(), id="segment-gone"),
        pytest.param(text(a1="segment: green, host: h1"), {"0a:00:00:00:00:0b"}, id="port-in-another-segment"),
        pytest.param(text(a1="trunk: [red], host: h1"), {"0a:00:00:00:00:0b"}, id="other-tagging"),
        pytest.param(text(hosts=("h1",)), {MAC}, id="host-gone"),
        pytest.param(text(ageing=200), set(), id="other-ageing"),
        pytest.param(text(a2="segment: green, host: h1"), {MAC, "0a:00:00:00:00:0b"}, id="another-port-changes"),
    ],
)
def test_what_is_no_longer_right_goes_with_the_change(network: Network, after: str, left: set[str]) -> None:
    start(network)
    reach(network, after)
    assert places(network).keys() == left


def test_a_port_that_is_unplugged_takes_its_entries_along(network: Network) -> None:
    start(network)
    switch = network.switches["h1"]
    number = switch.vsctl("get", "interface", "a1", "ofport").strip()
    switch.vsctl("del-port", "a1")
    # The next port to come, of another tenant, has the same number.
    reach(network, text(a2="segment: green, host: h1"))
    switch.vsctl("del-port", "a2")
    network.plug("h1", "a2", ofport=int(number))
    wait_until(lambda: ["a2", "a2", int(number)] in network.status()["h1"]["interfaces"], "a2 under a1's number")
    network.settle()
    network.compare()
    assert places(network) == {"0a:00:00:00:00:0b": "192.0.2.2"}
    switch.vsctl("del-port", "a2")
    network.plug("h1", "a1")
    network.plug("h1", "a2")
    wait_until(lambda: len(network.status()["h1"]["interfaces"]) == len(PORTS), "the ports as before")


def test_a_vlan_passes_on_only_when_nothing_of_its_former_segment_is_left(network: Network) -> None:
    """Red leaves and blue comes in one step: blue has another VLAN, and red's is free afterwards."""
    start(network)
    red = network.vlans("h1")["red"]
    blue = text(segments=("blue",), a1="segment: blue, host: h1", a2="segment: blue, host: h1")
    reach(network, blue)
    assert network.vlans("h1")["blue"] != red
    assert places(network) == {}
    reach(network, text(segments=("blue", "green"), a1="segment: blue, host: h1", a2="segment: green, host: h1"))
    assert network.vlans("h1")["green"] == red


def test_vlans_outlive_the_controller(network: Network) -> None:
    reach(network, text(a1="segment: green, host: h1"))
    before = {host: network.vlans(host) for host in HOSTS}
    flows = {host: set(network.flows(host)) for host in HOSTS}
    network.stop_controller()
    network.start_controller()
    wait_until(lambda: all(host["settled"] for host in network.status().values()), "the hosts to settle")
    network.settle()
    assert {host: network.vlans(host) for host in HOSTS} == before
    assert {host: set(network.flows(host)) for host in HOSTS} == flows


def test_a_controller_that_starts_leaves_floods_alone_until_every_port_is_found(network: Network) -> None:
    """Who has the port is not declared, and the database of the host that has it does not answer at first."""
    undeclared = text() + "  u1: {segment: red}\n"
    reach(network, undeclared.replace("b1: {segment: red, host: h2}", "b1: {segment: green, host: h2}"))
    network.plug("h2", "u1")
    wait_until(lambda: "192.0.2.2" in floods(network), "copies to h2")
    network.settle()
    network.switches["h2"].freeze("ovsdb-server")
    sessions = network.log().count("h1: switch: connected")
    try:
        network.restart_controller()
        wait_until(lambda: network.log().count("h1: switch: connected") > sessions, "h1's switch")
        time.sleep(2)
        assert "192.0.2.2" in floods(network)
    finally:
        network.switches["h2"].thaw("ovsdb-server")
    wait_until(lambda: all(host["settled"] for host in network.status().values()), "the hosts to settle", 20)
    network.compare()
    assert "192.0.2.2" in floods(network)
    network.switches["h2"].vsctl("del-port", "u1")


def floods(network: Network) -> str:
    """Everything that h1 copies to everybody."""
    return "".join(flow for flow in network.flows("h1").values() if "table=21" in flow)
