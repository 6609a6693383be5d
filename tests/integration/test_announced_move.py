"""A move that is announced: until the port has shown up on its new host both hosts get what is sent to it."""

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from scapy.all import Ether
from scapy.layers.inet import ICMP, IP

from controller.cli.change.migrate import announced_move, is_also_on, is_on
from controller.cli.common.state import Target
from controller.cli.diagnose.status import describe
from controller.status.status import read_status
from tests.integration.vpclab import RATE, VpcLab
from tests.switch import wait_until

pytestmark = [pytest.mark.lab, pytest.mark.system("S10")]
Labs = Callable[[str], VpcLab]

TEXT = """
hosts:
  h1: {tunnel_ip: 192.0.2.1}
  h2: {tunnel_ip: 192.0.2.2}
  h3: {tunnel_ip: 192.0.2.3}
vpcs:
  blue: {id: 1, subnets: {web: {cidr: 10.0.0.0/24, routes: [{to: 10.1.0.0/24, via: p}]}}}
  green: {id: 2, subnets: {db: {cidr: 10.1.0.0/24, routes: [{to: 10.0.0.0/24, via: p}]}}}
peerings:
  p: {between: [blue/web, green/db]}
segments:
  red: {id: 20001}
ports:
  roamer: {vpc: blue, ips: [10.0.0.2], host: h1}
  near: {vpc: blue, ips: [10.0.0.3], host: h1}
  far: {vpc: blue, ips: [10.0.0.4], host: h2}
  far3: {vpc: blue, ips: [10.0.0.5], host: h3}
  peer: {vpc: green, ips: [10.1.0.2], host: h3}
  rover: {segment: red, mac: "0a:00:00:00:00:01", ip: 192.168.100.1/24, host: h1}
  red1: {segment: red, ip: 192.168.100.4/24, host: h1}
  red2: {segment: red, mac: "0a:00:00:00:00:02", ip: 192.168.100.2/24, host: h2}
  red3: {segment: red, ip: 192.168.100.3/24, host: h3}
"""
LEFT = "No such device|Network is down|No such device or address|cannot get R?STP status on nonexistent port"
"""What Open vSwitch says when an interface leaves it: in a lab the instance goes first, its port after it."""


def target(lab: VpcLab) -> Target:
    lab.allow(LEFT)
    return Target(lab.store, lab.lab)


def generation(lab: VpcLab) -> int:
    """That of the model now."""
    stored = lab.store.load()
    assert stored is not None
    return stored.generation


def lost_in_a_move(lab: VpcLab, port: str, source: str, old: str, new: str) -> int:
    """Move a port that is plugged in on both hosts; how many pings are lost from before the announcement to the end."""
    lab.lab.join(port, new)
    wait_until(lambda: is_also_on(target(lab), port, new), "the second interface to be seen")
    with lab.pinging(source, port) as pings:
        time.sleep(0.3)
        lab.wait(lab.store.announce(port, new, old))
        wait_until(lambda: is_also_on(target(lab), port, new), "both hosts to have the port")
        lab.lab.hand_over(port)
        wait_until(lambda: lab.network.ports[port].host == new, "the move to be over")
        wait_until(lambda: is_on(target(lab), port, new, generation(lab)), "all hosts to follow")
        time.sleep(0.3)
    lab.lab.part(port)
    assert pings.received > 0
    assert lab.network.ports[port].moving_to is None
    return pings.lost


@pytest.mark.parametrize(
    ("port", "source"),
    [
        ("roamer", "near"),
        ("roamer", "far"),
        ("roamer", "peer"),
        ("rover", "red1"),
        ("rover", "red2"),
        ("rover", "red3"),
    ],
)
def test_nothing_is_lost(labs: Labs, port: str, source: str) -> None:
    """Both interfaces are there all the time: Open vSwitch may lose a packet when one comes or goes."""
    lab = labs(TEXT)
    assert lab.ping(source, port).lost == 0
    lost = [lost_in_a_move(lab, port, source, *way) for way in (("h1", "h2"), ("h2", "h1"))]
    print(f"{port} moved there and back while {source} pinged it 1,000 times a second; lost: {lost}")
    assert max(lost) <= (0 if RATE == 1 else 10)


def test_the_command(labs: Labs) -> None:
    lab = labs(TEXT)
    with lab.pinging("peer", "roamer") as pings:
        for host in ("h2", "h1"):
            announced_move(target(lab), "roamer", host)
            assert lab.network.ports["roamer"].host == host
    print(f"announced moves by the command, which plugs and unplugs too: {pings.lost} of {pings.sent} pings lost")
    assert pings.lost <= pings.sent / 100
    assert lab.run("h2", "ovs-vsctl", "list-ports", "br-int").split().count("roamer") == 0


@contextmanager
def announced(lab: VpcLab, port: str, host: str) -> Iterator[None]:
    """The port is announced to move, and plugged in on both hosts; at the end it is only where its instance is."""
    old = lab.store.read_status()["ports"][port]
    lab.wait(lab.store.announce(port, host, old))
    lab.lab.join(port, host)
    wait_until(lambda: is_also_on(target(lab), port, host), "both hosts to have the port")
    try:
        yield
    finally:
        lab.lab.part(port)
        lab.wait(lab.store.move(port, "h1"))
        lab.lab.plug(port, "h1")
        wait_until(lambda: is_on(target(lab), port, "h1", 0), "the port to be back")


def echoes(frames: list[bytes], source: str) -> int:
    """How many pings from an address are among some frames."""
    packets = map(Ether, frames)
    return sum(
        IP in packet and ICMP in packet and packet[ICMP].type == 8 and packet[IP].src == source for packet in packets
    )


@pytest.mark.parametrize(
    ("port", "source", "bystanders"),
    [("roamer", "peer", ("near", "far", "far3")), ("rover", "red3", ("red1", "red2"))],
)
def test_both_hosts_get_it_and_nobody_else(labs: Labs, port: str, source: str, bystanders: tuple[str, ...]) -> None:
    lab = labs(TEXT)
    with announced(lab, port, "h2"):
        with ExitStack() as captures:
            ends = {host: captures.enter_context(lab.lab.capture(host, port)) for host in ("h1", "h2")}
            others = {name: captures.enter_context(lab.lab.capture(name)) for name in bystanders}
            assert lab.ping(source, port, 5, 0.01).lost == 0
        assert {host: echoes(frames, lab.address(source)) for host, frames in ends.items()} == {"h1": 5, "h2": 5}
        assert {name: echoes(frames, lab.address(source)) for name, frames in others.items()} == dict.fromkeys(
            others, 0
        )
        assert "it is refused" not in (lab.lab.path / "controller" / "controller.log").read_text().split(port)[-1]


HALVES = """
hosts:
  h1: {tunnel_ip: 192.0.2.1, physical: {floor: eth1}}
  h2: {tunnel_ip: 192.0.2.2, physical: {floor: eth1}}
  h3: {tunnel_ip: 192.0.2.3}
segments:
  red: {id: 20001}
  office: {physical: {network: floor, vlan: 1001}}
ports:
  rover: {segment: red, mac: "0a:00:00:00:00:01", ip: 192.168.100.1/24, host: h1}
  roamer: {segment: office, ip: 192.168.101.1/24, host: h1}
  red1: {segment: red, ip: 192.168.100.4/24, host: h1}
  red2: {segment: red, ip: 192.168.100.2/24, host: h2}
  red3: {segment: red, ip: 192.168.100.3/24, host: h3}
  office1: {segment: office, ip: 192.168.101.4/24, host: h1}
  office2: {segment: office, ip: 192.168.101.2/24, host: h2}
"""


@pytest.mark.parametrize("encapsulation", ["gre", "vxlan"])
@pytest.mark.parametrize(("port", "others"), [("rover", ("red1", "red2", "red3")), ("roamer", ("office1", "office2"))])
def test_no_half_gets_what_the_other_half_sends(
    labs: Labs, encapsulation: str, port: str, others: tuple[str, ...]
) -> None:
    """A guest that gets its own frames back takes its address for a duplicate: by tunnels, and by physical networks."""
    lab = labs(f"encapsulation: {encapsulation}\n{HALVES}")
    own = lab.network.ports[port].mac_address
    with announced(lab, port, "h2"):
        groups = ("ff:ff:ff:ff:ff:ff", "01:00:5e:00:00:fb", "0a:00:00:00:00:77")
        with ExitStack() as captures:
            other_half = captures.enter_context(lab.capture("h2", port))
            there = [captures.enter_context(lab.capture(name)) for name in others]
            for to in (*groups, own):
                lab.send(port, Ether(src=own, dst=to, type=0x9000) / bytes(46))
            lab.ping(port, others[0])
        assert [{frame.dst for frame in got if frame.type == 0x9000} for got in there] == [set(groups)] * len(others)
        assert [frame.summary() for frame in other_half if frame.src == own] == []


def test_it_is_over_with_the_first_frame_from_the_new_host(labs: Labs) -> None:
    lab = labs(TEXT)
    with announced(lab, "roamer", "h2"):
        time.sleep(0.2)
        assert lab.store.read_status()["ports"]["roamer"] == "h1"
        lab.lab.hand_over("roamer")
        wait_until(lambda: lab.network.ports["roamer"].host == "h2", "the model to say so")
        wait_until(lambda: is_on(target(lab), "roamer", "h2", generation(lab)), "all hosts to follow")
        assert lab.ping("near", "roamer").lost == 0
        assert "arrive" in {entry.verb for entry in lab.store.history()}


def test_it_is_over_when_only_the_new_host_has_the_interface(labs: Labs) -> None:
    lab = labs(TEXT)
    with announced(lab, "roamer", "h2"):
        lab.run("h1", "ovs-vsctl", "del-port", "br-int", "roamer")
        wait_until(lambda: lab.network.ports["roamer"].host == "h2", "the model to say so")
        assert lab.network.ports["roamer"].moving_to is None
        plug = ("add-port", "br-int", "roamer", "--", "set", "interface", "roamer", "external_ids:iface-id=roamer")
        lab.run("h1", "ovs-vsctl", *plug)


def test_one_that_never_shows_up_is_told_and_can_be_called_off(labs: Labs) -> None:
    lab = labs(TEXT)
    lab.wait(lab.store.announce("roamer", "h2", "h1"))
    stored = lab.store.load()
    assert stored is not None
    assert describe(stored, read_status(lab.store), is_running=True)["announced"] == {"roamer": ["h1", "h2"]}
    assert lab.ping("far", "roamer", 100, 0.001).lost == 0
    lab.wait(lab.store.move("roamer", "h1"))
    assert lab.network.ports["roamer"].moving_to is None
    assert lab.ping("far", "roamer", 100, 0.001).lost == 0
