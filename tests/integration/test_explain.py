"""``ovs-vpc explain``, given what real switches print."""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from typing import Any

import pytest

from flows.openflow.learn import LEARNED_OWNER
from tests.properties.controller_process import Network
from tests.switch import wait_until

TEXT = """
encapsulation: vxlan
hosts:
  h1: {tunnel_ip: 192.0.2.1}
  h2: {tunnel_ip: 192.0.2.2}
vpcs:
  blue: {id: 7, subnets: {web: {cidr: 10.0.0.0/24}}}
segments:
  red: {id: 9}
ports:
  b1: {vpc: blue, ips: [10.0.0.11], host: h1}
  b2: {vpc: blue, ips: [10.0.0.12], host: h2}
  r1: {segment: red, host: h1}
  r2: {segment: red, host: h2}
"""
MAC = "02:00:00:00:00:07"


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    network = Network(["h1", "h2"])
    try:
        network.apply(TEXT)
        network.settle()
        for host in ("h1", "h2"):
            network.plug(host, f"b{host[1]}", f"r{host[1]}")
        wait_until(lambda: all(len(host["interfaces"]) == 2 for host in network.status().values()), "the ports")
        network.settle()
        yield network
    finally:
        network.stop()


def run(network: Network, *arguments: str, text: str = "") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "controller", "explain", *arguments, "--state", str(network.directory / "state")]
    done = subprocess.run(command, input=text, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    return done


def explained(network: Network, *arguments: str, text: str = "") -> list[dict[str, Any]]:
    return list(json.loads(run(network, *arguments, "--json", text=text).stdout))


@pytest.mark.parametrize("options", [[], ["--names"], ["-OOpenFlow14"], ["--names", "-OOpenFlow14"]])
def test_a_whole_dump(network: Network, options: list[str]) -> None:
    """Every flow of a host in a sentence of its own, with its object; and the host is found out."""
    dump = network.switches["h2"].ofctl(*options, "dump-flows", "br-int")
    done = run(network, text=dump)
    assert done.returncode == 0, done.stdout
    assert len(done.stdout.splitlines()) == dump.count(", duration=")
    assert "classify: from b2: a port of VPC blue, in blue/web  [port b2 (network.yaml:12)], 0 packets" in done.stdout
    assert " b1: a port" not in done.stdout


def test_without_cookies_the_place_counts(network: Network) -> None:
    for options in ([], ["--names"], ["-OOpenFlow14"]):
        dump = network.switches["h1"].ofctl(*options, "dump-flows", "br-int")
        bare = re.sub(r"cookie=0x\w+, ", "", dump)
        assert [one["does"] for one in explained(network, "--host", "h1", text=bare)] == [
            one["does"] for one in explained(network, "--host", "h1", text=dump)
        ]


def test_what_is_learned(network: Network) -> None:
    network.receive("h1", "r1", MAC)
    wait_until(lambda: network.learned("h1"), "the switch to learn")
    dump = network.switches["h1"].ofctl("dump-flows", "br-int", f"cookie={LEARNED_OWNER << 56:#x}/{0xFF << 56:#x}")
    found = explained(network, text=dump)
    assert found
    assert all(one["is_known"] and "port r1" in str(one["because_of"]) for one in found)
    assert {one["table"] for one in found} == {"known", "unicast"}


def test_strangers(network: Network) -> None:
    switch = network.switches["h1"]
    switch.ofctl("add-flow", "br-int", "cookie=0x99,table=60,priority=7,udp,actions=drop")
    done = run(network, text=switch.ofctl("dump-flows", "br-int"))
    switch.ofctl("del-flows", "br-int", "cookie=0x99/-1")
    assert done.returncode == 1
    (line,) = [line for line in done.stdout.splitlines() if "foreign" in line]
    assert line.startswith("deliver: foreign: ")
    of_old, of_gone = "0x76000000000000ab", f"{LEARNED_OWNER:#x}000000000000ab"
    old, gone, foreign = run(network, of_old, of_gone, "0").stdout.splitlines()
    assert "ours, but stale: it is from an older model or version" in old
    assert "learned by a flow of ours that no longer exists" in gone
    assert "foreign" in foreign


def test_one_cookie_that_means_two_things(network: Network) -> None:
    """The first port of each host has the same number, and so the same flow."""
    dump = network.switches["h1"].ofctl("--names", "dump-flows", "br-int", "table=classify,in_port=b1")
    (cookie,) = re.findall(r"cookie=(0x\w+), duration", dump)
    lines = run(network, cookie).stdout.splitlines()
    assert [re.sub(r"  \[.*", "", line) for line in lines] == [
        "classify: on h1: from b1: a port of VPC blue, in blue/web",
        "classify: on h2: from b2: a port of VPC blue, in blue/web",
    ]
    assert "from b2" in run(network, cookie, "--host", "h2").stdout


def test_lines_that_a_terminal_broke(network: Network) -> None:
    """On standard input, and as one argument."""
    dump = network.switches["h2"].ofctl("--names", "dump-flows", "br-int")
    whole = run(network, text=dump).stdout
    broken = "\n".join(line[at : at + 80] for line in dump.splitlines() for at in range(0, len(line), 80))
    assert run(network, text=broken).stdout == whole
    assert run(network, broken).stdout == whole


def test_a_whole_trace(network: Network) -> None:
    trace = network.switches["h2"].appctl("ofproto/trace", "br-int", "in_port=1")
    done = run(network, "--host", "h2", text=trace)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == trace.count("cookie 0x")


def test_bad_input(network: Network) -> None:
    for arguments, text, message in (
        (["so", "what"], "", "neither a cookie nor a flow (a flow has 'table=' and 'actions='): 'so'; 'what'"),
        ([], "\n", "there is no flow to explain"),
        (["0x1", "--host", "h3"], "", "there is no host 'h3'; known: h1, h2"),
        (["table=nowhere,actions=drop"], "", "neither a cookie nor a flow"),
        ([], "what\n" * 11 + "x" * 100_000, "'what' and 2 more\n"),
        ([str(2**64)], "", f"neither a cookie nor a flow (a flow has 'table=' and 'actions='): '{2**64}'"),
    ):
        done = run(network, *arguments, text=text)
        assert done.returncode == 1
        assert message in done.stderr
