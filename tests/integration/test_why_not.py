"""``ovs-vpc why-not`` and ``who-can-reach``, by the model and by the state of real hosts."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from controller.store import Store
from flows.model import parse
from tests.properties.controller_process import Network
from tests.scenario import SHIPPED
from tests.switch import wait_until

TEXT = """
encapsulation: vxlan
hosts:
  h1: {tunnel_ip: 192.0.2.1}
  h2: {tunnel_ip: 192.0.2.2}
vpcs:
  blue: {id: 7, subnets: {web: {cidr: 10.0.0.0/24, routes: [{to: 10.1.0.0/24, via: p}]}}}
  green: {id: 8, subnets: {db: {cidr: 10.1.0.0/24}, same: {cidr: 10.0.0.0/25}}}
  home: {id: 10, subnets: {all: {cidr: 10.2.0.0/24}}}
segments:
  red: {id: 9}
ports:
  b1: {vpc: blue, ips: [10.0.0.11], host: h1}
  b2: {vpc: blue, ips: [10.0.0.12], host: h2}
  g1: {vpc: green, ips: [10.1.0.11], host: h1}
  g2: {vpc: green, ips: [10.0.0.11], host: h1}
  r1: {segment: red, ip: 192.168.0.1/24, host: h1}
  r2: {segment: red, ip: 192.168.1.2/24, host: h1}
  r3: {segment: red, host: h1}
  h: {vpc: home, ips: [10.2.0.11]}
peerings:
  p: {between: [blue/web, green/db]}
"""


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    network = Network(["h1", "h2"])
    try:
        network.apply(TEXT)
        network.settle()
        network.plug("h1", "b1", "g1", "g2", "r1", "r2")
        wait_until(lambda: len(network.status()["h1"]["interfaces"]) == 5, "the ports")
        yield network
    finally:
        network.stop()


def run(network: Network, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "controller", *arguments, "--state", str(network.directory / "state")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    return done


def why_not(network: Network, source: str, target: str) -> dict[str, Any]:
    done = run(network, "why-not", source, target, "--json")
    told = dict(json.loads(done.stdout))
    assert done.returncode == (0 if told["reaches"] else 1)
    assert told["reaches"] == (told["by_the_model"] and not told["obstacles"])
    return told


def test_a_route_back_is_missing(network: Network) -> None:
    printed = run(network, "why-not", "b1", "g1").stdout
    assert "b1 cannot reach g1: the subnet of g1 has no route back to 10.0.0.11" in printed
    assert "because of route to 10.1.0.0/24 of blue/web (network.yaml:7)" in printed
    assert "because of peering p (network.yaml:22)" in printed


def test_where_no_peering_helps(network: Network) -> None:
    told = why_not(network, "b1", "g1")
    # The same VPC has a subnet with some of blue's addresses, so a route to blue would be no route out of green.
    route = "add to green/db (network.yaml:8): routes: [{to: 10.0.0.0/24, via: p}]"
    assert (told["remedy"], told["no_remedy"]) == (
        [],
        f"'{route}' is not possible: 10.0.0.0/24 overlaps 10.0.0.0/25 of subnet 'same' in the same VPC, which needs no "
        "route and cannot have one",
    )
    assert "the ranges of its ends overlap" in why_not(network, "b1", "g2")["no_remedy"]
    assert "VPCs only" in why_not(network, "b1", "r1")["no_remedy"]


def test_segments(network: Network) -> None:
    told = why_not(network, "r1", "r2")
    assert told["reason"] == "r1 and r2 have addresses of different networks"
    assert told["remedy"] == ["change port r2 (network.yaml:18): ip: 192.168.0.2/24"]


@pytest.mark.parametrize(("source", "target"), [("b1", "g1"), ("b1", "g2"), ("r2", "r1"), ("b1", "r1"), ("b2", "h")])
def test_trace_says_the_same(network: Network, source: str, target: str) -> None:
    """Also of ports that are not plugged in anywhere, and of one that declares no host."""
    traced = json.loads(run(network, "trace", source, target, "--json").stdout)
    told = why_not(network, source, target)
    assert {key: traced[key] for key in ("remedy", "no_remedy")} == {key: told[key] for key in ("remedy", "no_remedy")}
    assert told["remedy"] or told["no_remedy"]


def test_machines_on_plain_switches(tmp_path: Path) -> None:
    text = (SHIPPED / "two-lans.yaml").read_text().replace(", gateway: 10.10.71.5", "")
    with Store(tmp_path) as store:
        store.apply(parse(text, "two-lans.yaml")[0])
        command = [sys.executable, "-m", "controller", "why-not", "h4", "h5", "--state", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    line = next(number for number, line in enumerate(text.splitlines(), 1) if line.startswith("  h4:"))
    assert "h4 cannot reach h5: h4 has no route to 192.168.12.2" in done.stdout, done
    assert f"to let it pass:\n  change port h4 (two-lans.yaml:{line}): gateway: 10.10.71.5\n" in done.stdout


def test_what_hosts_have_to_do_with_it(network: Network) -> None:
    told = why_not(network, "b1", "b2")
    assert (told["by_the_model"], told["reaches"]) == (True, False)
    assert "b2 is not plugged in on h2" in told["obstacles"]
    network.switches["h2"].kill("ovs-vswitchd")
    wait_until(lambda: not network.status()["h2"]["switch"], "the switch to be missed")
    gone = "b2: the switch of h2 is not connected; it keeps forwarding with the flows it has"
    assert gone in why_not(network, "b1", "b2")["obstacles"]
    assert gone in run(network, "who-can-reach", "b2").stdout
    network.switches["h2"].start_vswitchd()
    wait_until(lambda: network.status()["h2"]["switch"], "the switch", 20)
    network.stop_controller()
    assert why_not(network, "b1", "b2")["obstacles"][0].startswith("no controller runs")
    network.start_controller()


def test_who_can_reach(network: Network) -> None:
    done = run(network, "who-can-reach", "g1")
    assert done.returncode == 0
    assert "g2: both are in VPC green\n  because of vpc green (network.yaml:8)" in done.stdout
    assert "b1" not in done.stdout
    (group,) = json.loads(run(network, "who-can-reach", "b1", "--json").stdout)
    assert group["ports"] == ["b2"]
    alone = run(network, "who-can-reach", "r1")
    assert (alone.returncode, alone.stdout) == (1, "nobody can reach r1\n")


def test_bad_names_are_told_all_at_once(network: Network) -> None:
    done = run(network, "why-not", "b22", "r3")
    assert done.returncode == 1
    assert done.stderr.splitlines() == [
        "error: there is no port 'b22'; did you mean 'b2'?",
        "error: port 'r3' (network.yaml:19) declares no address, so it is unknown what it reaches",
    ]
