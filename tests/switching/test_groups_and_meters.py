"""Groups and meters in a real ovs-vswitchd, kept by the real controller: added, changed in place, deleted, repaired."""

import re
import struct
import time
from collections.abc import Iterator
from threading import Event, Thread

import pytest

from controller.reconcile.installed.questions import COUNT_EVERY
from flows.openflow.groups_and_meters import Key
from mininet_topos.waiting import patience
from tests.control import Control
from tests.properties.controller_process import Network
from tests.switch import Switch, wait_until
from tests.switching import returning
from tests.switching.returning import BACK, LIMITS, REFUSED, SENDER

PORTS = ("p1", "p2")


def model(**lasts: int) -> str:
    """Ports with addresses that end so."""
    lines = ["encapsulation: vxlan", "hosts: {h1: {tunnel_ip: 192.0.2.1}}"]
    lines += ["vpcs: {v: {id: 1, subnets: {s: {cidr: 10.0.0.0/24}}}}", "ports:"]
    lines += [f"  {port}: {{vpc: v, ips: [10.0.0.{last}], host: h1}}" for port, last in lasts.items()]
    return "\n".join([*lines, ""])


class Running:
    """A controller with the feature, and one host."""

    def __init__(self) -> None:
        self.network = Network(["h1"], program="tests.switching.returning")
        self.switch: Switch = self.network.switches["h1"]

    def start(self) -> None:
        self.apply(p1=20)
        self.network.settle()
        for number, port in enumerate(PORTS, start=1):
            self.network.plug("h1", port, ofport=number)
            self.switch.vsctl("set", "interface", port, f"options:tx_pcap={self.switch.directory}/{port}.pcap")
        self.wait({1: 20})

    def apply(self, **lasts: int) -> None:
        self.network.apply(model(**lasts))

    def wait(self, lasts: dict[int, int]) -> None:
        """Wait until the switch holds the meters and groups of these ports, and the flows that refer to them."""
        wait_until(lambda: self.held() == expected(lasts), f"{lasts}", 20)
        wait_until(lambda: len(self.flows()) == len(lasts), "the flows", 20)

    def answers(self) -> bool:
        """Whether the bridge is there."""
        try:
            self.switch.ofctl("-OOpenFlow14", "show", "br-int")
        except AssertionError:
            return False
        return True

    def held(self) -> dict[Key, tuple[int, ...]]:
        """Of each group of the feature the address that it writes, of each meter of it rate and burst."""
        meters = self.switch.ofctl("-OOpenFlow14", "dump-meters", "br-int")
        groups = self.switch.ofctl("-OOpenFlow14", "dump-groups", "br-int")
        bands = re.findall(r"meter=(\d+) pktps burst bands=\s*type=drop rate=(\d+) burst_size=(\d+)", meters)
        found: dict[Key, tuple[int, ...]] = {
            ("meter", int(number)): (int(rate), int(burst)) for number, rate, burst in bands
        }
        for number, rest in re.findall(r"group_id=(\d+),type=all(.*)", groups):
            macs = re.findall(r"set_field:([\w:]+)->eth_dst", rest)
            found["group", int(number)] = tuple(int(mac.replace(":", ""), 16) for mac in macs)
        (first, last), (lowest, highest) = LIMITS.range, BACK.range
        of_feature = {"meter": range(first, last + 1), "group": range(lowest, highest + 1)}
        return {(kind, number): what for (kind, number), what in found.items() if number in of_feature[kind]}

    def flows(self) -> list[str]:
        """The flows that refer to a group."""
        dump = self.switch.ofctl("-OOpenFlow14", "--no-names", "dump-flows", "br-int", "table=0")
        return [line for line in dump.splitlines() if "group:" in line]

    def packets(self) -> int:
        """How many packets p1's flow has seen."""
        (line,) = (line for line in self.flows() if "in_port=1," in line)
        return int(re.findall(r"n_packets=(\d+)", line)[0])

    def came_back(self) -> list[int]:
        """The last bytes of the addresses with which p1's frames came back."""
        data = (self.switch.directory / "p1.pcap").read_bytes()
        found, at = [], 24
        while at + 16 <= len(data):
            (size,) = struct.unpack_from("=I", data, at + 8)
            frame = data[at + 16 : at + 16 + size]
            if frame[6:12].hex(":") == SENDER:
                found.append(frame[5])
            at += 16 + size
        return found


def expected(lasts: dict[int, int]) -> dict[Key, tuple[int, ...]]:
    found: dict[Key, tuple[int, ...]] = {}
    for ofport, last in lasts.items():
        found["meter", LIMITS.of(ofport)] = (100 * last, 100 * last)
        found["group", BACK.of(ofport)] = (last,)
    return found


FRAME = f"020000000002{SENDER.replace(':', '')}88b6" + "00" * 46


@pytest.fixture(scope="module")
def running() -> Iterator[Running]:
    running = Running()
    try:
        running.start()
        yield running
    finally:
        running.network.stop()


@pytest.fixture(autouse=True)
def in_the_end_all_is_as_a_fresh_compile_says(running: Running) -> Iterator[None]:
    running.apply(p1=20)
    running.wait({1: 20})
    yield
    running.apply(p1=20)
    running.wait({1: 20})
    running.network.settle()


def test_a_change_replaces_them_in_place_and_a_deletion_takes_them_away(running: Running) -> None:
    """The flows that refer to them stay: they are not even added anew."""
    age = max(running.network.ages("h1").values())
    running.apply(p1=30, p2=40)
    running.wait({1: 30, 2: 40})
    (kept,) = (line for line in running.flows() if "in_port=1," in line)
    running.network.settle()
    assert float(re.findall(r"duration=([\d.]+)s", kept)[0]) >= age / 2
    running.apply(p1=30)
    running.wait({1: 30})


def test_no_packet_is_lost_while_a_group_and_a_meter_are_replaced(running: Running) -> None:
    """A thousand frames a second come back all the time, some with the old address and some with the new one."""
    before, ended, sent = len(running.came_back()), Event(), 0

    def send() -> None:
        nonlocal sent
        control = Control(running.switch.directory / "ovs-vswitchd.ctl")
        start = time.monotonic()
        while not ended.is_set():
            control.call("netdev-dummy/receive", "p1", FRAME)
            sent += 1
            time.sleep(max(0.0, start + sent * 0.001 - time.monotonic()))
        control.close()

    thread = Thread(target=send)
    thread.start()
    try:
        for last in (30, 40, 50, 60, 70, 80):
            running.apply(p1=last)
            running.wait({1: last})
    finally:
        ended.set()
        thread.join()
    wait_until(lambda: len(running.came_back()) - before >= sent, "all frames to come back")
    met = running.came_back()[before:]
    assert len(met) == sent
    assert {30, 40, 50, 60, 70, 80} <= set(met)


def test_what_somebody_else_deletes_or_changes_is_repaired_and_logged(running: Running) -> None:
    ofctl, meter, group, took = running.switch.ofctl, LIMITS.of(1), BACK.of(1), list[float]()
    for command in (
        ("del-meters", "br-int"),
        ("del-groups", "br-int"),
        ("mod-meter", "br-int", f"meter={meter},pktps,burst,band=type=drop,rate=7,burst_size=7"),
        ("mod-group", "br-int", f"group_id={group},type=all,bucket=actions=drop"),
        ("add-group", "br-int", f"group_id={BACK.of(77)},type=all,bucket=actions=drop"),
        *(("mod-group", "br-int", f"group_id={group},type=all,bucket=actions=output:{port}") for port in range(1, 6)),
    ):
        started = time.monotonic()
        ofctl("-OOpenFlow14", *command)
        running.wait({1: 20})
        took.append(time.monotonic() - started)
        running.network.settle()
    assert max(took) < patience(0.8 * COUNT_EVERY), "reported, and not only found at one of the regular looks"
    said = [line.partition("drift: ")[2] for line in running.network.log().splitlines() if "drift: " in line]
    assert any(line.startswith(f"meter {meter:#x}") and "deleted by somebody else" in line for line in said), said
    assert any(line.startswith(f"group {group:#x}") and "deleted by somebody else" in line for line in said), said
    assert any(line.startswith(f"meter {meter:#x}") and "changed by somebody else" in line for line in said), said
    assert any(line.startswith(f"group {group:#x}") and "changed by somebody else" in line for line in said), said
    assert any(line.startswith(f"group {BACK.of(77):#x}") and "no flow of ours needs it" in line for line in said), said


def test_what_is_not_ours_stays(running: Running) -> None:
    ofctl = running.switch.ofctl
    ofctl("-OOpenFlow14", "add-group", "br-int", "group_id=5,type=all,bucket=actions=drop")
    ofctl("-OOpenFlow14", "add-meter", "br-int", "meter=5,pktps,band=type=drop,rate=9")
    running.network.restart_controller()
    running.apply(p1=30)
    running.wait({1: 30})
    assert "group_id=5,type=all,bucket=actions=drop" in ofctl("-OOpenFlow14", "dump-groups", "br-int")
    assert "meter=5 pktps bands" in ofctl("-OOpenFlow14", "dump-meters", "br-int").replace("\n", " ")
    ofctl("-OOpenFlow14", "del-groups", "br-int", "group_id=5")
    ofctl("-OOpenFlow14", "del-meters", "br-int", "meter=5")


def test_a_restarted_switch_and_a_controller_set_anew_get_them_again(running: Running) -> None:
    """Open vSwitch deletes all meters and flows when a bridge gets its first controller."""
    running.switch.restart_vswitchd()
    wait_until(running.answers, "the bridge to be there again", 20)
    running.wait({1: 20})
    running.switch.vsctl("del-controller", "br-int")
    running.wait({1: 20})
    running.network.settle()


def test_what_changed_while_the_controller_was_away_is_put_right_when_it_is_back(running: Running) -> None:
    running.network.stop_controller()
    running.switch.ofctl("-OOpenFlow14", "add-meter", "br-int", f"meter={LIMITS.of(9)},pktps,band=type=drop,rate=9")
    running.apply(p1=33)
    running.network.start_controller()
    running.wait({1: 33})
    running.network.settle()
    assert "drift: meter" not in running.network.log().rpartition("listening for switches")[2]


def test_a_meter_that_the_switch_refuses_is_said_once_and_keeps_back_only_its_flow(running: Running) -> None:
    running.apply(p1=20, p2=REFUSED)
    wait_until(lambda: running.network.status()["h1"]["problems"], "the refusal", 20)
    (problem,) = running.network.status()["h1"]["problems"]
    assert f"meter {returning.limit(2, REFUSED).number:#x}" in problem
    assert "port p2" in problem
    running.apply(p1=30, p2=REFUSED)
    wait_until(lambda: running.held()["meter", LIMITS.of(1)] == (3000, 3000), "the other meter", 20)
    assert [line for line in running.flows() if "in_port=1," in line]
    assert not [line for line in running.flows() if "in_port=2," in line]
    assert running.network.log().count("refused: the switch refused meter") == 1
    running.apply(p1=30, p2=31)
    running.wait({1: 30, 2: 31})
    wait_until(lambda: not running.network.status()["h1"]["problems"], "the problem to go", 20)
    running.network.settle()
