"""Faults while a ping each millisecond and a TCP stream go between two hosts: what is lost, counted.

Nothing may be lost unless the switch of one of the two was restarted. Every test shows that its fault took place.
"""

import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows.pipeline.page import NUMBERS
from tests.integration.builds import PACKAGES, RENUMBERED, another_build
from tests.integration.faults import (
    LOST_CONTROLLER,
    connected,
    cut_off,
    has_session,
    kill_controller,
    replace_store,
    stopped,
)
from tests.integration.traffic import traffic
from tests.integration.vpclab import VpcLab
from tests.scenario import SHIPPED
from tests.switch import wait_until

pytestmark = pytest.mark.lab
Labs = Callable[[str], VpcLab]

THREE = (
    (SHIPPED / "peered-vpcs.yaml")
    .read_text()
    .replace("vpcs:", "  host88: {tunnel_ip: 10.174.233.88}\nvpcs:", 1)
    .replace("peerings:", "  blue3: {vpc: blue, ips: [10.0.1.143], host: host88}\npeerings:")
)
LATER = THREE.replace("peerings:", "  blue9: {vpc: blue, ips: [10.0.1.149], host: host88}\npeerings:")
"""With one port more."""
HOSTS = ("host86", "host87", "host88")
PATH = ("blue1", "green1", "blue2")
"""Who sends, who is pinged by way of a peering, and who gets the stream; the two are on another host."""
TWO_OF_THEM = "host87"


@pytest.fixture
def lab(labs: Labs) -> VpcLab:
    return labs(THREE)


def all_connected(lab: VpcLab) -> bool:
    return all(connected(lab, host) and has_session(lab, host) for host in HOSTS)


def test_controller_killed(lab: VpcLab) -> None:
    with traffic(lab, *PATH) as result:
        time.sleep(0.5)
        kill_controller(lab)
        lab.apply(LATER)
        time.sleep(0.5)
    assert result.losses("controller killed with -9 and restarted") == 0


def test_store_killed_and_its_file_restored(lab: VpcLab) -> None:
    backup = (lab.lab.path / "controller" / "model.db").read_bytes()
    flows = {host: lab.cookies(host) for host in HOSTS}
    lab.apply(LATER)
    assert lab.cookies("host86") > flows["host86"]
    with traffic(lab, *PATH) as result:
        time.sleep(0.5)
        replace_store(lab, backup)
        wait_until(lambda: {host: lab.cookies(host) for host in HOSTS} == flows, "the backup's flows", 20)
        time.sleep(0.5)
    assert result.losses("store killed with -9, its file replaced by a backup") == 0
    # What the store now holds was not applied by a command.
    lab.apply(THREE)


@pytest.mark.parametrize("seconds", [0, pytest.param(30, marks=pytest.mark.full)])
def test_controller_stopped_while_the_model_changes(lab: VpcLab, seconds: float) -> None:
    """After half a minute of silence the switches give it up, and dial again."""
    lab.allow(LOST_CONTROLLER)
    before = lab.cookies("host86")
    with traffic(lab, *PATH) as result:
        with stopped(lab.lab.controller_pid()):
            generation = lab.change(LATER)
            time.sleep(seconds)
            wait_until(lambda: not has_session(lab, "host86"), "the switch to give it up", 60)
            assert lab.cookies("host86") == before
        lab.wait(generation)
        assert lab.cookies("host86") > before
        time.sleep(0.5)
    assert result.losses(f"controller stopped for {seconds} s while the model changed") == 0


def test_link_to_the_controller_cut_and_healed(lab: VpcLab) -> None:
    lab.allow(LOST_CONTROLLER)
    before = lab.cookies("host86")
    with traffic(lab, *PATH) as result:
        with cut_off(lab, "host86"):
            wait_until(lambda: not connected(lab, "host86"), "the controller to notice", 10)
            generation = lab.change(LATER)
            wait_until(lambda: lab.confirmed("host87") >= generation, "the other hosts to go on")
            assert lab.cookies("host86") == before
        lab.wait(generation, 60)
        assert lab.cookies("host86") > before
        time.sleep(0.5)
    assert result.losses("the link between controller and host cut and healed") == 0


def test_switch_of_a_third_host_restarted(lab: VpcLab) -> None:
    lab.allow("connection failed|Connection refused|connection dropped")
    with traffic(lab, *PATH) as result:
        time.sleep(0.5)
        lab.lab.restart_switch("host88")
        wait_until(lambda: lab.ping("blue3", "green1", 1).lost == 0, "the third host to be back", 20)
        time.sleep(0.5)
    assert result.losses("ovs-vswitchd restarted on a third host") == 0


@pytest.mark.parametrize("waits", [False, True], ids=["plainly", "with flow-restore-wait"])
def test_switch_on_the_path_restarted(lab: VpcLab, waits: bool) -> None:
    """The loss until Open vSwitch itself is back is the reference: until then nobody could do anything."""
    lab.allow("connection failed|Connection refused|connection dropped")
    with traffic(lab, *PATH) as result:
        time.sleep(0.5)
        back = (restart_as_ovs_ctl_does if waits else restart)(lab, TWO_OF_THEM)
        wait_until(lambda: lab.ping("blue1", "green1", 1).lost == 0, "the way to be back", 20)
        time.sleep(1.5)
    after = result.lost_after(back)
    how = f"{'with' if waits else 'without'} flow-restore-wait"
    lost = result.losses(f"ovs-vswitchd restarted on the path {how}; {after} of them when Open vSwitch was back")
    assert lost > 0
    wait_until(lambda: all_connected(lab), "the switch to come back", 20)
    assert lab.ping("blue1", "green1", 300, 0.01).lost == 0


def restart(lab: VpcLab, host: str) -> float:
    """Restart ovs-vswitchd; when it was back, without flows."""
    lab.lab.restart_switch(host)
    return time.time()


def restart_as_ovs_ctl_does(lab: VpcLab, host: str) -> float:
    """Restart ovs-vswitchd with its flows saved and put back, and let it go on only then. When it was back, without."""
    with tempfile.NamedTemporaryFile("w") as saved:
        saved.write(lab.run(host, "ovs-ofctl", "--no-names", "--no-stats", "dump-flows", "br-int"))
        saved.flush()
        lab.run(host, "ovs-vsctl", "set", "Open_vSwitch", ".", "other_config:flow-restore-wait=true")
        back = restart(lab, host)
        lab.run(host, "ovs-ofctl", "--bundle", "replace-flows", "br-int", saved.name)
        lab.run(host, "ovs-vsctl", "remove", "Open_vSwitch", ".", "other_config", "flow-restore-wait")
    return back


def tables(lab: VpcLab, host: str) -> Counter[int]:
    """How many flows each table holds."""
    dump = lab.run(host, "ovs-ofctl", "--no-names", "dump-flows", "br-int")
    return Counter(int(part[6:]) for part in dump.replace(",", " ").split() if part.startswith("table="))


def test_controller_restarted_as_a_build_with_another_table_order(lab: VpcLab, tmp_path: Path) -> None:
    flows = {host: lab.cookies(host) for host in HOSTS}
    ours = {host: tables(lab, host) for host in HOSTS}
    moved = {number: RENUMBERED.get(name, number) for name, number in NUMBERS.items()}
    theirs = {host: Counter({moved[number]: count for number, count in ours[host].items()}) for host in HOSTS}
    assert theirs != ours
    another_build(tmp_path)
    with traffic(lab, *PATH) as result:
        time.sleep(0.5)
        with controller_from(lab, tmp_path):
            wait_until(lambda: {host: tables(lab, host) for host in HOSTS} == theirs, "the other order", 20)
            time.sleep(0.5)
        wait_until(lambda: {host: lab.cookies(host) for host in HOSTS} == flows, "this order", 20)
        time.sleep(0.5)
    assert result.losses("restarted as a build with another table order, and back") == 0


@contextmanager
def controller_from(lab: VpcLab, tree: Path) -> Iterator[None]:
    """The controller is one of another source tree while a block runs: Python looks in its directory first."""
    links = [lab.lab.path / "controller" / package for package in PACKAGES]
    for link in links:
        link.symlink_to(tree / link.name)
    try:
        kill_controller(lab)
        yield
    finally:
        for link in links:
            link.unlink()
        kill_controller(lab)
