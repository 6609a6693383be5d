"""When a way over the underlay is called broken, and how many frames finding that out takes. The clock is ours."""

from collections.abc import Iterable, Set
from dataclasses import dataclass, field
from ipaddress import IPv4Address

import pytest

from controller.reconcile.packetin.handling import Probed
from controller.reconcile.packetin.probe_frame import probe, read
from controller.reconcile.underlay.faults import HostPair
from controller.reconcile.underlay.path_monitor import PathMonitor, ProbeSession
from controller.reconcile.underlay.turns import MOST_PER_SECOND, PER_SECOND
from flows.inputs.facts import HostFacts

LOOK = 0.05
FULL = 1464


@dataclass
class Switch:
    """A host and its session: what it sends comes through at once, unless the network is told otherwise."""

    name: str
    datapath_id: int
    address: IPv4Address
    network: "Underlay"
    neighbours: Set[IPv4Address] = frozenset()
    can_probe: bool = True
    answers: bool = True

    @property
    def facts(self) -> HostFacts:
        return HostFacts(self.datapath_id, "netdev", 65000, frozenset())

    @property
    def session(self) -> ProbeSession:
        return self

    def send_by_tunnel(self, frame: bytes, hosts: Iterable[IPv4Address], ofport: int) -> None:
        said = read(frame[:64])
        assert said == Probed(self.datapath_id, len(frame) == FULL)
        self.network.frames += [(self.name, self.network.names[host], said.is_full) for host in hosts]

    def ask(self) -> int:
        self.network.asked.append(self)
        return self.datapath_id


@dataclass
class Underlay:
    """A full mesh of hosts. Each look takes 50 milliseconds."""

    size: int
    cut: set[HostPair] = field(default_factory=set)
    narrow: set[HostPair] = field(default_factory=set)
    frames: list[tuple[str, str, bool]] = field(default_factory=list)
    asked: list[Switch] = field(default_factory=list)
    sent: int = 0
    now: float = 1000.0

    def __post_init__(self) -> None:
        addresses = {f"h{number}": IPv4Address("10.0.0.1") + number for number in range(self.size)}
        self.names = {address: name for name, address in addresses.items()}
        self.hosts = {
            name: Switch(name, number + 1, address, self, frozenset(set(self.names) - {address}))
            for number, (name, address) in enumerate(addresses.items())
        }
        self.touched: list[str] = []
        self.paths = PathMonitor(self.touched.append, lambda: self.now)
        self.paths.set_hosts(addresses, FULL)
        self.run(0.1)

    def run(self, seconds: float, *, step: float = LOOK) -> None:
        for _ in range(round(seconds / step)):
            self.now += step
            self.paths.look(self.hosts, self.now)
            frames, self.frames = self.frames, []
            asked, self.asked = self.asked, []
            self.sent += len(frames)
            for sender, receiver, is_full in frames:
                hosts = self.hosts[sender], self.hosts[receiver]
                is_lost = (sender, receiver) in self.cut or (is_full and (sender, receiver) in self.narrow)
                if not is_lost and all(host.answers for host in hosts):
                    self.paths.came_through(sender, receiver, is_full=is_full)
            for switch in asked:
                if switch.answers:
                    self.paths.answered(switch.name, switch.datapath_id)

    @property
    def broken(self) -> dict[HostPair, bool]:
        """What is called broken, and whether small packets get through."""
        return {
            (path.sender, path.receiver): path.small_only for name in self.hosts for path in self.paths.unreached(name)
        }

    def cut_off(self, host: str) -> set[HostPair]:
        return {path for other in self.hosts if other != host for path in ((host, other), (other, host))}


@pytest.mark.parametrize("size", [2, 3, 10, 14])
def test_small_networks_notice_every_way_within_3_seconds_and_its_recovery(size: int) -> None:
    network = Underlay(size)
    network.run(5)
    assert network.broken == {}
    network.cut = {("h0", "h1")}
    network.run(2.5)
    assert network.broken == {("h0", "h1"): False}
    network.cut = set()
    network.run(2)
    assert network.broken == {}
    assert network.touched == ["h0", "h0"]


@pytest.mark.parametrize("size", [100, 300])
def test_a_host_that_is_cut_off_is_noticed_within_3_seconds_in_large_networks(size: int) -> None:
    network = Underlay(size)
    network.run(7)
    network.cut = network.cut_off("h7")
    network.run(2.5)
    assert len(network.broken) >= 3
    assert network.broken.keys() <= network.cut
    network.run(3)
    assert network.broken.keys() == network.cut
    network.cut = set()
    network.run(4)
    assert network.broken == {}


@pytest.mark.parametrize("size", [10, 100, 300])
def test_frames_per_second_are_bounded(size: int) -> None:
    network = Underlay(size)
    network.run(2)
    network.sent = 0
    network.run(10)
    most = min(size * (size - 1), max(PER_SECOND, min(2 * size, MOST_PER_SECOND)))
    assert 0.8 * most <= network.sent / 10 <= 1.05 * most


def test_every_way_has_its_turn() -> None:
    network = Underlay(30)
    network.run(3)
    network.cut = {("h3", "h17")}
    network.run(30 * 29 / PER_SECOND + 2)
    assert network.broken == {("h3", "h17"): False}


@pytest.mark.parametrize("size", [2, 3, 5, 8])
def test_small_packets_only(size: int) -> None:
    network = Underlay(size)
    network.narrow = network.cut_off("h1")
    network.run(8)
    assert network.broken == dict.fromkeys(network.narrow, True)
    network.cut, network.narrow = network.narrow, set()
    network.run(3)
    assert network.broken == dict.fromkeys(network.cut, False), "now nothing gets through"
    network.cut = set()
    network.run(3)
    assert network.broken == {}


def test_a_late_controller_blames_nobody() -> None:
    """It looks once in two seconds, and takes in what came before each look, but for one frame in two looks."""
    network = Underlay(5)
    network.run(40, step=2.0)
    assert network.touched == []


@pytest.mark.parametrize("late", [1.0, 5.0, 30.0])
def test_a_late_switch_is_not_blamed(late: float) -> None:
    """It is connected and does nothing for some seconds, and then all at once."""
    network = Underlay(4)
    network.run(2)
    network.hosts["h2"].answers = False
    network.run(late)
    assert network.broken == {}
    network.hosts["h2"].answers = True
    for path in network.cut_off("h2"):
        network.paths.came_through(*path, is_full=True)
    network.paths.answered("h2", 3)
    network.run(3)
    assert network.touched == []


def test_single_frames_that_are_lost_are_no_fault() -> None:
    network = Underlay(5)
    for _ in range(50):
        network.cut = network.cut_off("h1")
        network.run(LOOK)
        network.cut = set()
        network.run(0.35)
    assert network.touched == []


def test_of_a_host_that_cannot_be_asked_nothing_is_claimed() -> None:
    network = Underlay(3)
    network.cut = network.cut_off("h0")
    network.run(3)
    assert network.broken.keys() == network.cut
    network.hosts["h0"].can_probe = False
    network.paths.forget("h0")
    network.run(3)
    assert network.broken == {}


def test_a_way_that_is_not_used_any_more_is_not_told() -> None:
    network = Underlay(3)
    network.cut = {("h0", "h1")}
    network.run(3)
    network.hosts["h0"].neighbours = frozenset({network.hosts["h2"].address})
    network.run(2)
    assert network.broken == {}


def test_a_host_that_leaves_the_model() -> None:
    network = Underlay(3)
    network.cut = network.cut_off("h0")
    network.run(3)
    del network.hosts["h0"]
    network.paths.set_hosts({name: host.address for name, host in network.hosts.items()}, FULL)
    network.run(3)
    assert network.broken == {}


def test_frames_of_others_are_no_proof() -> None:
    """Neither what another process made, nor what is cut off."""
    frame = probe(5)
    assert read(frame) == Probed(5, False)
    forged = bytearray(frame)
    forged[25] ^= 1
    assert read(bytes(forged)) is None
    assert all(read(frame[:size]) is None for size in range(31))
