"""Access and trunk ports: the source's three experiments, and what ovs-vswitchd.conf.db(5) says of tags (S11)."""

import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from scapy.all import ARP, Dot1Q

from mininet_topos.client.lab import Lab
from tests.integration.frames import BROADCAST, MULTICAST, Frames, Got, Tag
from tests.integration.lab_process import up
from tests.integration.test_vpc import network
from tests.integration.vpclab import VpcLab
from tests.scenario import SHIPPED

pytestmark = [pytest.mark.lab, pytest.mark.system("S11")]
Labs = Callable[[str], VpcLab]

ONE_HOST = (SHIPPED / "access-trunk.yaml").read_text()


def over(encapsulation: str) -> str:
    """The same ports on two hosts, with learning, and with one more segment that trunks carry untagged."""
    text = network("access-trunk", encapsulation).replace(", flood_only: true", "")
    text = text.replace("hosts:\n", "hosts:\n  host2: {tunnel_ip: 192.168.50.2}\n")
    for port in ("first-if", "second-if", "third-if"):
        line = next(line for line in text.splitlines() if line.startswith(f"  {port}:"))
        text = text.replace(line, line.replace("host1", "host2"))
    text = text.replace("segments:\n", "segments:\n  bare: {id: 100, vlan: 0}\n")
    return text.replace("ports:\n", "ports:\n  vnet3: {segment: bare, host: host1, ip: 192.168.100.106/24}\n")


@pytest.fixture(scope="module")
def reference() -> Iterator[Lab]:
    """The same ports on an ordinary switch of Open vSwitch, set as the source and the manual say."""
    base = Path(tempfile.mkdtemp(prefix="lab", dir="/tmp"))
    lab = up(base, "one", SHIPPED / "access-trunk.yaml")
    tags = {"vnet0": "tag=101", "vnet1": "tag=102", "vnet2": "tag=103", "first-if": "tag=103"}
    for port, setting in (*tags.items(), ("third-if", "trunks=101,102")):
        lab.run("host1", ["ovs-vsctl", "set", "Port", port, setting], check=True)
    lab.run("host1", ["ovs-vsctl", "set", "Bridge", "br-int", "flood-vlans=101,102,103"], check=True)
    yield lab
    lab.down()
    base.rmdir()


@pytest.fixture(params=["one host", "gre", "vxlan", "reference"])
def watch(labs: Labs, watches: Callable[..., Frames], request: pytest.FixtureRequest) -> Frames:
    if request.param == "reference":
        ordinary: Lab = request.getfixturevalue("reference")
        return watches(ordinary, ordinary.network, *ordinary.network.ports, hurried=True)
    lab = labs(ONE_HOST if request.param == "one host" else over(str(request.param)))
    return watches(lab.lab, lab.network, *lab.network.ports, hurried=True)


def bare(watch: Frames, got: Got) -> Got:
    """What frames of no VLAN come to: none where no segment is that of VLAN 0."""
    return got if "bare" in watch.network.segments else {}


FROM_VNET0: dict[str, tuple[Tag, ...]] = {"second-if": (Tag(101),), "third-if": (Tag(101),)}
FROM_TRUNK: Got = {"vnet0": (), "second-if": (Tag(101),)}


def test_access_ports_send_untagged(watch: Frames) -> None:
    for target in (BROADCAST, MULTICAST, "02:00:5e:00:00:09"):
        watch.check("vnet0", target, FROM_VNET0)
        watch.check("vnet1", target, {"second-if": (Tag(102),), "third-if": (Tag(102),)})
        watch.check("vnet2", target, {"first-if": (), "second-if": (Tag(103),)})
        watch.check("first-if", target, {"vnet2": (), "second-if": (Tag(103),)})


def test_access_ports_drop_tagged_frames(watch: Frames) -> None:
    """Also those with the port's own VLAN."""
    for vid in (101, 102, 103, 7, 4095):
        watch.check("vnet0", BROADCAST, {}, Tag(vid))
    watch.check("vnet0", BROADCAST, {}, Tag(101), Tag(102))


def test_priority_tags(watch: Frames) -> None:
    """A tag without a VLAN is none, but that its priority is kept inside a host. A tunnel carries no tag."""
    watch.check("vnet0", BROADCAST, FROM_VNET0, Tag(0))
    ports = watch.network.ports
    kept = 5 if ports["vnet2"].host == ports["second-if"].host else 0
    watch.check("vnet2", BROADCAST, {"first-if": (), "second-if": (Tag(103, kept),)}, Tag(0, pcp=5))
    watch.check("second-if", BROADCAST, {"vnet2": (), "first-if": ()}, Tag(103, pcp=5))


def test_trunk_ports_carry_the_listed_vlans(watch: Frames) -> None:
    for pcp in (0, 6):
        watch.check("third-if", BROADCAST, {"vnet0": (), "second-if": (Tag(101, pcp),)}, Tag(101, pcp))
    watch.check("third-if", BROADCAST, {"vnet1": (), "second-if": (Tag(102),)}, Tag(102))
    watch.check("third-if", BROADCAST, {}, Tag(103))
    watch.check("second-if", BROADCAST, {"vnet2": (), "first-if": ()}, Tag(103))
    watch.check("second-if", BROADCAST, {"vnet0": (), "third-if": (Tag(101),)}, Tag(101))
    for vid in (7, 100, 4095):
        watch.check("second-if", BROADCAST, {}, Tag(vid))


def test_trunk_ports_and_no_vlan(watch: Frames) -> None:
    """VLAN 0: carried where a segment is that VLAN, by trunks that list it or list nothing, untagged."""
    for tags in ((), (Tag(0),), (Tag(0, pcp=3),)):
        watch.check("second-if", BROADCAST, bare(watch, {"vnet3": ()}), *tags)
        watch.check("third-if", BROADCAST, {}, *tags)
    if "vnet3" in watch.network.ports:
        watch.check("vnet3", BROADCAST, {"second-if": ()})
        watch.check("vnet3", BROADCAST, {"second-if": ()}, Tag(0, pcp=3))


def test_frames_between_switches(watch: Frames) -> None:
    """They end at the port that they came in by (IEEE 802.1Q, 8.6.3), in every VLAN."""
    for last in (0x00, 0x01, 0x02, 0x03, 0x08, 0x0E, 0x0F):
        watch.check("vnet0", f"01:80:c2:00:00:{last:02x}", {})
        watch.check("second-if", f"01:80:c2:00:00:{last:02x}", {}, Tag(101))
    for to in ("01:00:0c:cc:cc:cc", "01:00:0c:cc:cc:cd"):
        watch.check("second-if", to, {}, Tag(101))
    watch.check("vnet0", "01:80:c2:00:00:10", FROM_VNET0)


def test_double_tags(watch: Frames) -> None:
    """The outer tag says which VLAN it is; the inner one travels along and means nothing."""
    inner = Tag(103, pcp=1)
    watch.check("third-if", BROADCAST, {"vnet0": (inner,), "second-if": (Tag(101), inner)}, Tag(101), inner)
    watch.check("third-if", BROADCAST, {}, Tag(103), Tag(101))
    watch.check("vnet0", BROADCAST, {name: (*tags, inner) for name, tags in FROM_VNET0.items()}, Tag(0), inner)


def test_double_tags_to_a_learned_receiver(watch: Frames) -> None:
    """What is learned takes away the outer tag only."""
    inner, near, far = Tag(103, pcp=1), "02:00:5e:00:00:0b", "02:00:5e:00:00:0c"
    watch.check("vnet0", BROADCAST, FROM_VNET0, source=near)
    watch.check("third-if", BROADCAST, FROM_TRUNK, Tag(101), source=far)
    to_near: Got = {"vnet0": (inner,)} if learns(watch) else {"vnet0": (inner,), "second-if": (Tag(101), inner)}
    watch.check("third-if", near, to_near, Tag(101), inner)
    # Out of a tunnel it comes with a tag of its own, and goes to everybody, lest it lose that one too.
    watch.check("vnet0", far, {name: (*tags, inner) for name, tags in FROM_VNET0.items()}, Tag(0), inner)


def learns(watch: Frames) -> bool:
    return not any(segment.flood_only for segment in watch.network.segments.values())


def test_unicast_between_access_and_trunk(watch: Frames) -> None:
    """Learned with its tag: the instance of a trunk port is reached in the VLAN that it spoke in."""
    behind = "02:00:5e:00:00:0a"
    watch.check("second-if", BROADCAST, {"vnet0": (), "third-if": (Tag(101),)}, Tag(101), source=behind)
    known: Got = {"second-if": (Tag(101),)}
    watch.check("vnet0", behind, known if learns(watch) else FROM_VNET0)
    watch.check("third-if", behind, known if learns(watch) else FROM_TRUNK, Tag(101))
    watch.check("vnet1", behind, {"second-if": (Tag(102),), "third-if": (Tag(102),)})


EXPERIMENTS: dict[int, tuple[str, str, dict[str, int | None]]] = {
    1: ("vnet2", "192.168.100.103", {"first-if": None, "second-if": 103}),
    2: ("vnet0", "192.168.100.105", {"second-if": 101, "third-if": 101}),
    3: ("vnet1", "192.168.100.104", {"second-if": 102, "third-if": 102}),
}
"""Who pings which address, and where it is seen, under which tag."""


@pytest.mark.parametrize("number", EXPERIMENTS)
def test_experiment_of_the_source(labs: Labs, number: int) -> None:
    """Who sees a ping, and under which tag: by its echo requests where answered, else by its ARP requests."""
    lab = labs(ONE_HOST)
    sender, target, seen = EXPERIMENTS[number]
    lab.run(sender, "ip", "neigh", "flush", "all")
    with lab.capture("first-if") as first, lab.capture("second-if") as second, lab.capture("third-if") as third:
        assert lab.ping(sender, target, 2).received == (2 if number == 1 else 0)
    for name, packets in (("first-if", first), ("second-if", second), ("third-if", third)):
        requests = [packet for packet in packets if ARP in packet and packet[ARP].op == 1]
        tags = {packet[Dot1Q].vlan if Dot1Q in packet else None for packet in requests if packet[ARP].pdst == target}
        assert tags == ({seen[name]} if name in seen else set())
        pings = [packet[Dot1Q].vlan if Dot1Q in packet else None for packet in packets if "ICMP" in packet]
        # Two pings, each with its reply: first-if is who answers, second-if sees both flooded.
        assert pings == ([seen[name]] * 4 if number == 1 and name in seen else [])
