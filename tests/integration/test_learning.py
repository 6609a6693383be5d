"""What switches learn of a segment, forget, follow and limit (S13)."""

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from tests.integration.frames import BROADCAST, Frames, Got
from tests.integration.learned import entry, learned, wait_forgotten
from tests.integration.vpclab import VpcLab
from tests.switch import wait_until

pytestmark = [pytest.mark.lab, pytest.mark.system("S13")]
Labs = Callable[[str], VpcLab]

MANY = """
encapsulation: gre
hosts:
  h1: {tunnel_ip: 192.168.50.1}
  h2: {tunnel_ip: 192.168.50.2}
  h3: {tunnel_ip: 192.168.50.3}
segments:
  pair: {id: 20}
  wide: {id: 10}
  quick: {id: 30, ageing: 5}
  small: {id: 40, max_macs: 3}
  known: {id: 50}
  hub: {id: 60, flood_only: true}
ports:
  p1: {segment: pair, host: h1, ip: 10.0.2.11/24}
  p1b: {segment: pair, host: h1, ip: 10.0.2.21/24}
  w1: {segment: wide, host: h1, ip: 10.0.1.11/24}
  w2: {segment: wide, host: h2, ip: 10.0.1.12/24}
  p2: {segment: pair, host: h2, ip: 10.0.2.12/24}
  w3: {segment: wide, host: h3, ip: 10.0.1.13/24}
  q1: {segment: quick, host: h1, ip: 10.0.3.11/24}
  q2: {segment: quick, host: h2, ip: 10.0.3.12/24}
  q3: {segment: quick, host: h3, ip: 10.0.3.13/24}
  s1: {segment: small, host: h1}
  s1b: {segment: small, host: h1}
  s2: {segment: small, host: h2}
  s3: {segment: small, host: h3}
  k1: {segment: known, host: h1, ip: 10.0.5.11/24, mac: "0a:00:00:00:05:11"}
  k2: {segment: known, host: h2, ip: 10.0.5.12/24, mac: "0a:00:00:00:05:12"}
  k3: {segment: known, host: h3, ip: 10.0.5.13/24, mac: "0a:00:00:00:05:13"}
  f1: {segment: hub, host: h1, ip: 10.0.6.11/24}
  f2: {segment: hub, host: h2, ip: 10.0.6.12/24}
  f3: {segment: hub, host: h3, ip: 10.0.6.13/24}
"""
SMALL = ["s1", "s1b", "s2", "s3"]
HOSTS = ["h1", "h2", "h3"]


def stranger(number: int) -> str:
    """The MAC address of a machine behind some instance."""
    return f"02:00:5e:00:01:{number:02x}"


@pytest.fixture
def lab(labs: Labs) -> VpcLab:
    return labs(MANY)


@pytest.fixture
def watch(lab: VpcLab, watches: Callable[..., Frames]) -> Frames:
    most = [name for name in lab.network.ports if name not in SMALL]
    return watches(lab.lab, lab.network, *most, *HOSTS)


@pytest.fixture
def small(lab: VpcLab, watches: Callable[..., Frames]) -> Frames:
    """Apart, because what is sent to see that nothing more comes would take places of the few."""
    return watches(lab.lab, lab.network, *SMALL, *HOSTS)


def test_hosts_without_a_member_get_no_copy(watch: Frames) -> None:
    for target in (BROADCAST, "01:00:5e:00:00:01", "33:33:00:00:00:01", stranger(1)):
        watch.check("p1", target, {"p1b": (), "h2": 20, "p2": ()})
        watch.check("p2", target, {"h1": 20, "p1": (), "p1b": ()})
    # A BPDU from an instance: nobody gets it.
    watch.check("p1", "01:80:c2:00:00:00", {})


def test_local_vlans_differ_between_hosts(lab: VpcLab, watch: Frames) -> None:
    """Each host counts for itself: pair came first to h1, wide to h2."""
    watch.check("w3", BROADCAST, {"h1": 10, "w1": (), "h2": 10, "w2": ()}, source=stranger(2))
    watch.check("p1", BROADCAST, {"p1b": (), "h2": 20, "p2": ()}, source=stranger(3))
    vlans = {(host, mac): found.vlan for host in HOSTS for mac in (2, 3) if (found := entry(lab, host, stranger(mac)))}
    assert vlans == {("h1", 2): 2, ("h2", 2): 1, ("h3", 2): 1, ("h1", 3): 1, ("h2", 3): 2}
    watch.check("w1", stranger(2), {"h3": 10, "w3": ()})
    watch.check("w2", stranger(2), {"h3": 10, "w3": ()})
    watch.check("p2", stranger(3), {"h1": 20, "p1": ()})


def test_learned_inside_a_host(watch: Frames) -> None:
    watch.check("p1b", BROADCAST, {"p1": (), "h2": 20, "p2": ()}, source=stranger(4))
    watch.check("p1", stranger(4), {"p1b": ()})
    watch.check("p2", stranger(4), {"h1": 20, "p1b": ()})


def test_declared_macs_are_not_flooded(lab: VpcLab, watch: Frames) -> None:
    """Not even the first frame to an instance that has sent none, and nobody takes the address away."""
    mac = {port: lab.network.ports[port].mac_address for port in ("k1", "k2", "k3")}
    watch.check("k1", mac["k2"], {"h2": 50, "k2": ()})
    watch.check("k3", mac["k2"], {"h2": 50, "k2": ()})
    watch.check("k3", BROADCAST, {"h1": 50, "h2": 50, "k1": (), "k2": ()}, source=mac["k2"])
    watch.check("k1", mac["k2"], {"h2": 50, "k2": ()})
    # An address that nobody declares is learned here as anywhere.
    watch.check("k1", stranger(5), {"h2": 50, "h3": 50, "k2": (), "k3": ()})


def test_flood_only(lab: VpcLab, watch: Frames) -> None:
    everywhere: Got = {"h1": 60, "h3": 60, "f1": (), "f3": ()}
    watch.check("f1", BROADCAST, {"h2": 60, "h3": 60, "f2": (), "f3": ()}, source=stranger(6))
    watch.check("f2", stranger(6), everywhere)
    assert [entry(lab, host, stranger(6)) for host in HOSTS] == [None, None, None]


def test_a_mac_that_moves_is_followed_at_its_first_frame(lab: VpcLab, watch: Frames) -> None:
    mac = stranger(7)
    watch.check("w2", BROADCAST, {"h1": 10, "h3": 10, "w1": (), "w3": ()}, source=mac)
    watch.check("w1", mac, {"h2": 10, "w2": ()})
    # To another host. Nothing but this one frame tells of it, and it need be no broadcast.
    watch.check("w3", lab.network.ports["w1"].mac_address, only_to(lab, "w1"), source=mac)
    watch.check("w1", mac, {"h3": 10, "w3": ()})
    # To the sender's own host, and inside it.
    watch.check("p2", BROADCAST, {"h1": 20, "p1": (), "p1b": ()}, source=mac)
    watch.check("p1", mac, {"h2": 20, "p2": ()})
    watch.check("p1b", BROADCAST, {"p1": (), "h2": 20, "p2": ()}, source=mac)
    watch.check("p1", mac, {"p1b": ()})
    watch.check("p2", mac, {"h1": 20, "p1b": ()})
    # It left the other segment alone. There only h1, which the one frame reached, knows of the move: as in any network
    # of switches it takes a broadcast to tell all.
    watch.check("w2", mac, {})
    watch.check("w3", BROADCAST, {"h1": 10, "h2": 10, "w1": (), "w2": ()}, source=mac)
    watch.check("w2", mac, {"h3": 10, "w3": ()})


def only_to(lab: VpcLab, port: str) -> dict[str, tuple[()] | int]:
    """Learned: one copy, to the host of a port of segment wide."""
    host = lab.network.ports[port].host
    assert host is not None
    return {port: (), host: 10}


TALK = """
import socket, sys, time
out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
out.bind(("eth0", 0))
while True:
    out.send(bytes.fromhex(sys.argv[1]).ljust(60, b"\\0"))
    time.sleep(0.002)
"""


@contextmanager
def talking(lab: VpcLab, port: str, target: str, source: str) -> Iterator[None]:
    """Frames from a port while a block runs, 500 a second."""
    header = (target + source).replace(":", "") + "88b6"
    with lab.start(port, "python3", "-c", TALK, header, stdout=subprocess.DEVNULL) as talk:
        try:
            time.sleep(1)
            yield
        finally:
            talk.kill()


def test_a_mac_that_moves_while_frames_flow_to_it(lab: VpcLab, watch: Frames) -> None:
    """The cached flows towards the old place do not outlive the first frame from the new one."""
    mac, own = stranger(8), lab.network.ports["w1"].mac_address
    watch.check("w2", BROADCAST, {"h1": 10, "h3": 10, "w1": (), "w3": ()}, source=mac)
    watch.check("w1", BROADCAST, {"h2": 10, "h3": 10, "w2": (), "w3": ()})
    with talking(lab, "w1", mac, own):
        with talking(lab, "w2", own, mac):
            pass
        watch.revalidate()
        watch.check("w3", own, {"h1": 10, "w1": ()}, source=mac)
        watch.revalidate()
        watch.check("w1", mac, {"h3": 10, "w3": ()})


@pytest.mark.parametrize("path", [["w2", "w3"], ["w3", "w2", "w3"]], ids=["at once", "back again"])
def test_a_mac_that_moves_from_one_frame_to_the_next(lab: VpcLab, watch: Frames, path: list[str]) -> None:
    """The old place's last frames may be counted after the new place's first one, which is then taught by its next."""
    mac, own = stranger(11 + len(path)), lab.network.ports["w1"].mac_address
    for port in path:
        for _ in range(5):
            watch.wait(watch.send(port, own, source=mac), "w1")
    began = time.monotonic()

    def is_followed() -> bool:
        watch.wait(watch.send("w3", own, source=mac), "w1")
        number = watch.send("w1", mac)
        watch.settle("w1")
        return watch.receivers(number) == {"h3", "w3"}

    wait_until(is_followed, "the MAC to be followed", 20)
    print(f"followed {time.monotonic() - began:.2f} s after its last move")


def test_ageing(lab: VpcLab, watch: Frames) -> None:
    """A MAC that is silent is forgotten, one that speaks is not, and then frames are flooded again."""
    silent, speaking = stranger(9), stranger(10)
    for mac in (silent, speaking):
        watch.check("q2", BROADCAST, {"h1": 30, "h3": 30, "q1": (), "q3": ()}, source=mac)
        found = entry(lab, "h1", mac)
        assert found is not None
        assert found.timeout == 5
    while True:
        watch.wait(watch.send("q2", BROADCAST, source=speaking), "q1", "q3")
        macs = {one.mac for one in learned(lab, "h1")}
        assert speaking in macs
        if silent not in macs:
            break
        time.sleep(0.3)
    for host in HOSTS:
        wait_forgotten(lab, host, silent, 20)
    watch.check("q1", silent, {"h2": 30, "h3": 30, "q2": (), "q3": ()})


def test_the_limit(lab: VpcLab, small: Frames) -> None:
    """At max_macs a host learns no more of the segment, but follows those that it knows; nothing is lost."""
    everywhere: Got = {"h2": 40, "h3": 40, "s1b": (), "s2": (), "s3": ()}
    mine = [stranger(number) for number in range(20, 30)]
    for mac in mine:
        number = small.send("s1", BROADCAST, source=mac)
        small.wait(number, *everywhere)
        small.judge(number, everywhere)
    # The refused speak on, also while their cached flows are looked through.
    for mac in mine[3:]:
        for target in (BROADCAST, mine[4]):
            small.wait(small.send("s1", target, source=mac), "s2", "s3")
    small.revalidate()
    for host in HOSTS:
        assert {one.mac for one in learned(lab, host) if one.mac in mine} == set(mine[:3])
    # Those who are known are reached alone, the others by flooding.
    small.check_quietly("s2", mine[0], {"h1": 40, "s1": ()}, source=mine[9])
    small.check_quietly("s2", mine[5], {"h1": 40, "h3": 40, "s1": (), "s1b": (), "s3": ()}, source=mine[9])
    # Those that are known are followed when they move, to another host and inside one; no place became free by it.
    small.check_quietly("s3", BROADCAST, {"h1": 40, "h2": 40, "s1": (), "s1b": (), "s2": ()}, source=mine[0])
    small.check_quietly("s2", mine[0], {"h3": 40, "s3": ()}, source=mine[9])
    small.check_quietly("s1b", BROADCAST, {"h2": 40, "h3": 40, "s1": (), "s2": (), "s3": ()}, source=mine[1])
    small.check_quietly("s2", mine[1], {"h1": 40, "s1b": ()}, source=mine[9])
    small.revalidate()
    for host in HOSTS:
        assert {one.mac for one in learned(lab, host) if one.mac in mine} == set(mine[:3])


def test_one_tenants_limit_is_its_own(lab: VpcLab, watch: Frames, small: Frames) -> None:
    """A flood of addresses in one segment takes nothing from another."""
    for number in range(40, 60):
        small.wait(small.send("s1", BROADCAST, source=stranger(number)), "s3")
    watch.check("w2", BROADCAST, {"h1": 10, "h3": 10, "w1": (), "w3": ()}, source=stranger(60))
    assert entry(lab, "h1", stranger(60)) is not None
    watch.check("w1", stranger(60), {"h2": 10, "w2": ()})


def test_a_frame_from_a_tunnel_never_leaves_by_a_tunnel(lab: VpcLab, watch: Frames) -> None:
    """h1, which has forgotten the receiver, floods; h2 knows it to be at h3, and leaves the sending there to h1."""
    mac = stranger(61)
    watch.check("w3", BROADCAST, {"h1": 10, "h2": 10, "w1": (), "w2": ()}, source=mac)
    lab.run("h1", "ovs-ofctl", "del-flows", "br-int", f"table=20,dl_dst={mac}")
    assert entry(lab, "h1", mac) is None
    watch.check("w1", mac, {"h2": 10, "h3": 10, "w3": ()})


def test_multicast_is_no_source(lab: VpcLab, watch: Frames) -> None:
    watch.check("w1", BROADCAST, {}, source="03:00:5e:00:00:01")
    assert entry(lab, "h1", "03:00:5e:00:00:01") is None
