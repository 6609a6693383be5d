"""An ``apply`` in a lab: what runs in an instance that stays goes on, and nothing is left of one that goes."""

import json
import subprocess
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from mininet_topos.errors import LabError
from mininet_topos.waiting import patience
from tests.integration.test_move import LEFT
from tests.integration.vpclab import VpcLab
from tests.switch import wait_until

pytestmark = pytest.mark.lab
Labs = Callable[[str], VpcLab]

NETWORK = """
hosts: {h1: {tunnel_ip: 192.0.2.1}, h2: {tunnel_ip: 192.0.2.2}}
vpcs: {blue: {id: 5, subnets: {lan: {cidr: 10.1.0.0/24}}}}
segments: {red: {id: 6}}
switches: {s1: {}}
routers: {r1: {interfaces: {lan: {switch: s1, ip: 10.3.0.1/24}}}}
ports:
  c: {vpc: blue, ips: [10.1.0.3, 10.1.0.13], host: h1}
  d: {vpc: blue, ips: [10.1.0.4], host: h2}
  e: {segment: red, ip: 10.2.0.5/24, host: h1}
  f: {segment: red, ip: 10.2.0.6/24, gateway: 10.2.0.5, host: h2}
  m: {switch: s1, ip: 10.3.0.7/24, gateway: 10.3.0.1, routes: [{to: 10.9.0.0/16, via: 10.3.0.1}]}
"""
CHANGED = """
encapsulation: geneve
hosts: {h1: {tunnel_ip: 192.0.2.1}, h2: {tunnel_ip: 192.0.2.2}}
vpcs: {blue: {id: 5, subnets: {lan: {cidr: 10.1.0.0/24, gateway: 10.1.0.254}}}}
segments: {red: {id: 6}}
switches: {s1: {}}
routers: {r1: {interfaces: {lan: {switch: s1, ip: 10.3.0.1/24}}}}
ports:
  c: {vpc: blue, ips: [10.1.0.13, 10.1.0.23], mac: "0a:00:00:00:00:77", host: h1}
  d: {vpc: blue, ips: [10.1.0.4], host: h1}
  e: {segment: red, ip: 10.2.1.5/16, host: h1}
  f: {segment: red, ip: 10.2.0.6/16, host: h2, mac: "0a:00:00:00:00:66"}
  m: {switch: s1, ip: 10.3.0.8/24, gateway: 10.3.0.1, routes: [{to: 10.8.0.0/16, via: 10.3.0.1}]}
"""


def address(lab: VpcLab, port: str) -> dict[str, Any]:
    """What the interface of an instance has."""
    found: dict[str, Any] = json.loads(lab.run(port, "ip", "-j", "-4", "address", "show", "dev", "eth0"))[0]
    return found


def routes(lab: VpcLab, port: str) -> list[str]:
    return sorted(
        f"{one['dst']} {one.get('gateway', 'direct')}" for one in json.loads(lab.run(port, "ip", "-j", "route"))
    )


def tunnels(lab: VpcLab) -> set[int]:
    """The numbers of the tunnel ports, as the hosts' databases and the controller's report have them."""
    hosts, port = [*lab.network.hosts], f"tun-{lab.network.encapsulation}"
    found = [lab.run(host, "ovs-vsctl", "--if-exists", "get", "interface", port, "ofport") for host in hosts]
    found = [number if number.strip().isdigit() else "0" for number in found]
    return {*map(int, found), *(lab.store.read_status()["hosts"][host]["tunnel"] for host in hosts)}


def sleeper(lab: VpcLab, port: str) -> "subprocess.Popen[str]":
    """A process in an instance that tells its namespace, waits for a word, and tells the namespace's addresses."""
    return lab.start(
        port,
        "sh",
        "-c",
        "readlink /proc/self/ns/net; read word; ip -4 -o address show dev eth0",
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )


def answers(lab: VpcLab, one: str, other: str) -> bool:
    return lab.ping(one, other, 1).lost == 0


def test_instances_change_while_they_run(labs: Labs) -> None:
    """They were made anew: what ran in them stayed behind in a namespace that no cable led to, and nobody said so."""
    lab = labs(NETWORK)
    running = {port: sleeper(lab, port) for port in "cdefm"}
    for process in running.values():
        assert process.stdout is not None
        assert process.stdout.readline().startswith("net:[")
    lab.allow("No such device|Network is down|tunnel port")
    lab.lab.follow(CHANGED)
    lab.apply(CHANGED)

    wait_until(lambda: tunnels(lab) == {65000}, "the tunnel ports to be made anew")
    told = {port: process.communicate("now\n", timeout=patience(20))[0] for port, process in running.items()}
    for port, word in (("c", "10.1.0.23"), ("e", "10.2.1.5/16"), ("m", "10.3.0.8")):
        assert word in told[port], "what ran before sees what changed"
    assert all(process.returncode == 0 for process in running.values())
    assert [one["local"] for one in address(lab, "c")["addr_info"]] == ["10.1.0.13", "10.1.0.23"]
    assert lab.mac("c", "eth0") == "0a:00:00:00:00:77"
    assert {address(lab, port)["mtu"] for port in "cdef"} == {1500 - 58}
    assert routes(lab, "c") == ["10.1.0.0/24 direct", "default 10.1.0.254"]
    assert routes(lab, "f") == ["10.2.0.0/16 direct"]
    assert routes(lab, "m") == ["10.3.0.0/24 direct", "10.8.0.0/16 10.3.0.1", "default 10.3.0.1"]
    for one, other in (("c", "d"), ("e", "f"), ("f", "e")):
        wait_until(partial(answers, lab, one, other), f"{other} to answer {one}")
    assert lab.run("h1", "ip", "-o", "link", "show", "dev", "c").count("mtu 1442") == 1
    lab.lab.follow(NETWORK)
    lab.apply(NETWORK)
    wait_until(lambda: tunnels(lab) == {65000}, "the tunnel ports to be made anew")
    assert routes(lab, "f") == ["10.2.0.0/24 direct", "default 10.2.0.5"]


def test_nothing_is_left_of_an_instance_that_goes(labs: Labs) -> None:
    lab = labs(NETWORK)
    lab.allow("No such device|Network is down|No such device or address")
    with sleeper(lab, "d") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("net:[")
        less = NETWORK.replace("  d: {vpc: blue, ips: [10.1.0.4], host: h2}\n", "")
        lab.lab.follow(less)
        assert process.stdout.read() == "", "it ended"
    lab.lab.follow(NETWORK)
    assert [one["local"] for one in address(lab, "d")["addr_info"]] == ["10.1.0.4"]


HOSTS = """
hosts:
  h1: {tunnel_ip: 192.0.2.1}
  h2: {tunnel_ip: 192.0.2.2}
vpcs: {blue: {id: 5, subnets: {lan: {cidr: 10.1.0.0/24, gateway: 10.1.0.254}}}}
ports:
  a: {vpc: blue, ips: [10.1.0.1], host: h1}
  b: {vpc: blue, ips: [10.1.0.2], host: h2}
  free: {vpc: blue, ips: [10.1.0.9]}
"""


def test_hosts_come_and_go(labs: Labs) -> None:
    """A lab's hosts were fixed. What runs elsewhere goes on, whatever comes and goes; nothing of a host stays."""
    more = HOSTS.replace("  h1:", "  h0: {tunnel_ip: 192.0.2.7, physical: {office: eth1}}\n  h1:")
    more = more.replace("host: h2", "host: h0")
    less = more.replace("  h2: {tunnel_ip: 192.0.2.2}\n", "")
    lab = labs(HOSTS)
    lab.lab.plug("free", "h2")
    with sleeper(lab, "b") as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("net:[")
        lab.allow(f"{LEFT}|onnection|Broken pipe|tunnel port")
        for wanted, hosts in ((more, ["h0", "h1", "h2"]), (less, ["h0", "h1"]), (HOSTS, ["h1", "h2"])):
            lab.change(wanted)
            lab.lab.follow(wanted)
            lab.apply(wanted)
            assert sorted(path.name for path in lab.lab.path.glob("hosts/*")) == hosts
            assert sorted(lab.lab.topology.hosts) == hosts
            wait_until(partial(answers, lab, "a", "b"), "b to answer a")
            cables = lab.run("underlay", "ip", "-o", "link", "show", "type", "veth").splitlines()
            assert len(cables) == len(hosts), "each host has one cable to the others"
        assert process.communicate("now\n", timeout=patience(20))[0], "it went on through all moves"
    with pytest.raises(LabError, match="port 'free' is not plugged in anywhere"):
        lab.lab.unplug("free")
    # What was made anew under an old name works too.
    lab.lab.plug("free", "h2")
    wait_until(partial(answers, lab, "free", "a"), "a to answer free")


def test_a_host_that_cannot_be_built_leaves_nothing(labs: Labs) -> None:
    """Here a file is where its directory should be. Once that is gone, the same works."""
    lab = labs(HOSTS)
    lab.allow("onnection|Broken pipe|tunnel port")
    more = HOSTS.replace("  h2:", "  h3: {tunnel_ip: 192.0.2.3}\n  h2:")
    in_the_way = lab.lab.path / "hosts" / "h3"
    in_the_way.touch()
    lab.change(more)
    with pytest.raises(LabError, match="follow failed: FileExistsError"):
        lab.lab.follow(more)
    assert sorted(lab.lab.topology.hosts) == ["h1", "h2"]
    assert len(lab.run("underlay", "ip", "-o", "link", "show", "type", "veth").splitlines()) == 2
    assert answers(lab, "a", "b")
    in_the_way.unlink()
    lab.lab.follow(more)
    lab.apply(more)
    assert sorted(lab.lab.topology.hosts) == ["h1", "h2", "h3"]
    assert len(lab.run("underlay", "ip", "-o", "link", "show", "type", "veth").splitlines()) == 3
