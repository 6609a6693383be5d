"""A port moves to another host, or comes new, while packets flow (S10)."""

import re
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from controller.cli.change import apply as apply_verb
from controller.cli.change import plan as plan_verb
from controller.cli.change.migrate import is_on
from controller.cli.common.state import Target
from mininet_topos.client.pinging import Pings
from mininet_topos.errors import LabError
from mininet_topos.waiting import patience
from tests.integration.faults import kill_controller
from tests.integration.test_vpc import network
from tests.integration.vpclab import RATE, VpcLab
from tests.scenario import SHIPPED
from tests.switch import wait_until

pytestmark = pytest.mark.lab
Labs = Callable[[str], VpcLab]

PEERED = (SHIPPED / "peered-vpcs.yaml").read_text()
ROAMING = PEERED.replace("ips: [10.0.1.142], host: host87", "ips: [10.0.1.142]")
LEFT = "No such device|Network is down|No such device or address|cannot get R?STP status on nonexistent port"
"""What Open vSwitch says when an interface leaves it: in a lab the instance goes first, its port after it."""


Window = tuple[float, float]
"""From when to when something was done."""


def move(lab: VpcLab, port: str, host: str) -> Window:
    """What ``ovs-vpc migrate`` does."""
    lab.allow(LEFT)
    since = time.time()
    generation = lab.store.move(port, host)
    lab.lab.plug(port, host)
    target = Target(lab.store, lab.lab)
    wait_until(lambda: is_on(target, port, host, generation), f"{port} to be on {host}")
    return since, time.time()


def test_a_lab_cannot_follow_a_file_with_other_switches(
    labs: Labs, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    lab = labs(PEERED)
    file = tmp_path / "more.yaml"
    file.write_text(f"{PEERED}\nswitches: {{another: {{}}}}\n")
    before = lab.store.load()
    # The labs of tests are not where a user's are.
    monkeypatch.setattr(apply_verb, "find_target", lambda _state, _lab: Target(lab.store, lab.lab))
    with pytest.raises(LabError, match="a running lab cannot get other racks, switches, links or routers"):
        apply_verb.apply(file, yes=True)
    assert lab.store.load() == before, "nothing was changed"
    monkeypatch.setattr(plan_verb, "find_target", lambda _state, _lab: Target(lab.store, lab.lab))
    with pytest.raises(SystemExit):
        plan_verb.plan(file)
    assert "the lab cannot follow: a running lab cannot get" in capsys.readouterr().out


def lost_outside(pings: Pings, moves: Sequence[Window]) -> int:
    """How many pings were lost at other times than while something was moved."""
    answers = {0: pings.started, **pings.answers}
    runs = [(answers[one], answers[two], two - one - 1) for one, two in pairwise(sorted(answers))]
    return sum(lost for since, until, lost in runs if not any(since < end and until > start for start, end in moves))


@contextmanager
def streaming(lab: VpcLab, source: str, target: str, mbits: int = 50) -> Iterator[Iterator[tuple[float, float]]]:
    """A TCP stream of some Mbit/s while a block runs; gives the time of each second of it, and its Mbit/s."""
    with lab.start(target, "iperf3", "-s", "-1", "--forceflush", stdout=subprocess.PIPE) as server:
        assert server.stdout is not None
        next(line for line in server.stdout if "listening" in line)
        client = ("iperf3", "-c", lab.address(target), "-t", "600", "-b", f"{mbits}M", "-f", "m", "--forceflush")
        with lab.start(source, *client, stdout=subprocess.PIPE) as stream:
            try:
                yield _seconds(stream)
            finally:
                stream.kill()
                server.kill()


def _seconds(stream: "subprocess.Popen[str]") -> Iterator[tuple[float, float]]:
    assert stream.stdout is not None
    began = None
    for line in stream.stdout:
        if found := re.search(r"([\d.]+)-[\d.]+ +sec .* ([\d.]+) Mbits/sec", line):
            began = began or time.time() - 1
            yield began + float(found.group(1)), float(found.group(2))


@pytest.mark.alone
@pytest.mark.system("S10")
@pytest.mark.parametrize("encapsulation", ["gre", "vxlan"])
def test_move_under_load(labs: Labs, encapsulation: str) -> None:
    lab = labs(network("peered-vpcs", encapsulation))
    with streaming(lab, "blue1", "blue2") as stream:
        next(stream)
        with lab.pinging("green1", "blue2") as pings:
            time.sleep(1)
            moves = [move(lab, "blue2", "host86")]
            time.sleep(1)
            moves.append(move(lab, "blue2", "host87"))
            later = (mbits for second, mbits in stream if second > moves[-1][1])
            # TCP starts slowly again after a pause.
            seconds = [next(later) for _ in range(int(patience(5)))]
            time.sleep(1)
    outside = lost_outside(pings, moves)
    took = " and ".join(f"{end - since:.1f}" for since, end in moves)
    print(f"two moves over {encapsulation}: {pings.lost} of {pings.sent} pings lost, 1 ms apart, {outside} of them")
    print(f"when nothing was moved; the moves took {took} s; Mbit/s after them: {seconds}")
    assert sum(seconds[-4:]) > 4 * 8, "the stream did not go on after the moves"
    assert pings.received > 0
    assert outside <= pings.sent / 100
    if RATE == 1:
        assert pings.lost < pings.sent / 10
    assert lab.ping("blue1", "blue2").lost == 0


@pytest.mark.system("S10")
def test_move_by_the_interface_showing_up_elsewhere(labs: Labs) -> None:
    lab = labs(ROAMING)
    lab.lab.plug("blue2", "host86")
    wait_until(lambda: lab.store.read_status()["ports"].get("blue2") == "host86", "the port to be found")
    wait_until(lambda: lab.ping("blue1", "blue2", 1).lost == 0, "an answer")
    lab.allow(LEFT)
    with lab.pinging("green1", "blue2") as result:
        time.sleep(0.5)
        since = time.time()
        lab.lab.plug("blue2", "host87")
        wait_until(lambda: lab.store.read_status()["ports"].get("blue2") == "host87", "the port to be found")
        wait_until(lambda: lab.ping("green1", "blue2", 1).lost == 0, "an answer")
        moved = since, time.time()
        time.sleep(1)
    print(f"moved by its interface: {result.lost} of {result.sent} pings lost, 1 ms apart")
    assert lost_outside(result, [moved]) <= result.sent / 100
    if RATE == 1:
        assert result.lost < result.sent / 2
    assert lab.ping("blue1", "blue2").lost == 0


def is_marked(lab: VpcLab, host: str, port: str) -> bool:
    """Whether a host's database says that an interface has its port."""
    return f"ovs-vpc-bound={port}" in lab.run(host, "ovs-vsctl", "get", "interface", port, "external_ids")


@pytest.mark.system("S10")
def test_second_claim_is_reported_and_does_not_steal(labs: Labs) -> None:
    lab = labs(ROAMING)
    lab.lab.plug("blue2", "host87")
    wait_until(lambda: lab.store.read_status()["ports"].get("blue2") == "host87", "the port to be found")
    wait_until(lambda: is_marked(lab, "host87", "blue2"), "the mark: who comes before it was not second")
    thief = ("add-port", "br-int", "thief", "--", "set", "interface", "thief", "type=internal")
    lab.run("host86", "ovs-vsctl", *thief, "external_ids:iface-id=blue2")
    log = lab.lab.path / "controller" / "controller.log"
    try:
        sentence = "host86: claim: port blue2 is refused: it is on host87"
        wait_until(lambda: sentence in log.read_text(), "the report")
        assert lab.store.read_status()["ports"]["blue2"] == "host87"
        assert lab.ping("blue1", "blue2").lost == 0
    finally:
        lab.run("host86", "ovs-vsctl", "del-port", "br-int", "thief")


def test_a_newcomer_on_the_same_host_does_not_steal(labs: Labs) -> None:
    """An interface with a lower name, and even with a copy of the marks, says that it is a port that is plugged in."""
    lab = labs(PEERED)
    ids = lab.run("host87", "ovs-vsctl", "get", "interface", "blue2", "external_ids").strip("{}\n").split(", ")
    assert sum("ovs-vpc-bound" in pair for pair in ids) == 2
    marks = [f"external_ids:{pair}" for pair in ids]
    newcomer = ("add-port", "br-int", "a0", "--", "set", "interface", "a0", "type=internal", *marks)
    with lab.pinging("green1", "blue2") as pings:
        try:
            lab.run("host87", "ovs-vsctl", *newcomer)
            marked = ("get", "interface", "a0", "external_ids")
            wait_until(lambda: "ovs-vpc" not in lab.run("host87", "ovs-vsctl", *marked), "the copied marks to go")
            kill_controller(lab)
        finally:
            lab.run("host87", "ovs-vsctl", "del-port", "br-int", "a0")
    assert pings.received > 0
    assert pings.lost == 0


def test_declared_port_stays_until_its_new_host_has_it(labs: Labs) -> None:
    lab = labs(PEERED)
    with lab.pinging("blue1", "blue2") as result:
        lab.store.move("blue2", "host86")
        time.sleep(1)
    assert result.lost == 0
    assert lab.store.read_status()["ports"]["blue2"] == "host87"
    move(lab, "blue2", "host86")
    assert lab.ping("green1", "blue2").lost == 0
    move(lab, "blue2", "host87")


NEW = PEERED.replace("peerings:", "  blue3: {vpc: blue, ips: [10.0.1.143], host: host87}\npeerings:")


def test_new_port_in_the_model_first(labs: Labs) -> None:
    lab = labs(PEERED)
    lab.apply(NEW)
    assert lab.ping("blue1", "10.0.1.143", 1).received == 0
    lab.lab.follow(NEW)
    since = time.monotonic()
    wait_until(lambda: lab.ping("blue1", "10.0.1.143", 1).lost == 0, "the first answer")
    print(f"plugged last: first answer within {time.monotonic() - since:.2f} s")
    assert lab.ping("blue1", "10.0.1.143", 200, 0.001).lost == 0
    lab.lab.follow(PEERED)


def test_new_port_plugged_first(labs: Labs) -> None:
    lab = labs(PEERED)
    lab.lab.follow(NEW)
    lab.apply(NEW)
    assert lab.ping("blue1", "10.0.1.143", 200, 0.001).lost == 0
    assert lab.ping("blue3", "green1", 3).lost == 0
    lab.apply(PEERED)
    lab.lab.follow(PEERED)


def test_new_port_as_a_user_adds_it(labs: Labs) -> None:
    """Once the interface is bound, the very first ping is answered, from any host."""
    lab = labs(PEERED)
    lab.apply(NEW)
    lab.lab.follow(NEW)
    wait_until(lambda: is_marked(lab, "host87", "blue3"), "the mark that it is bound")
    assert lab.ping("blue1", "10.0.1.143", 1).lost == 0
    lab.apply(PEERED)
    lab.lab.follow(PEERED)
