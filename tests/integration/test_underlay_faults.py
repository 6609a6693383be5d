"""Ways over the underlay that stop working while they are in use: told by ``status``, ``why-not`` and ``doctor``.

The kind of fault: something worked once, does not any more, and nothing says so. The commands are asked as a user asks
them; the fault is made in the underlay, where no switch notices it by itself.
"""

import json
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from controller.cli.common.state import Target
from controller.cli.diagnose.doctor import examine
from tests.integration.vpclab import VpcLab
from tests.switch import wait_until

pytestmark = pytest.mark.lab

TEXT = """
encapsulation: vxlan
hosts:
  h1: {tunnel_ip: 192.168.50.1}
  h2: {tunnel_ip: 192.168.50.2}
  h3: {tunnel_ip: 192.168.50.3}
vpcs:
  blue: {id: 100, subnets: {lan: {cidr: 10.0.0.0/24}}}
ports:
  a: {vpc: blue, ips: [10.0.0.11], host: h1}
  b: {vpc: blue, ips: [10.0.0.12], host: h2}
  c: {vpc: blue, ips: [10.0.0.13], host: h3}
"""
SECONDS = 10.0
"""Within which a fault is told here: three seconds, and as much again and more for a busy machine."""
EXPECTED = r"Network is down|No such device|Message too long|MTU|connection (failed|dropped)|Dropped .* log messages"


def run(lab: VpcLab, *arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "controller", *arguments, "--state", str(lab.store.directory)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert "Traceback" not in done.stderr
    return done


def status(lab: VpcLab) -> list[str]:
    done = run(lab, "status", "--json")
    wrong = list(json.loads(done.stdout)["wrong"])
    assert done.returncode == bool(wrong)
    return wrong


def why_not(lab: VpcLab, source: str, target: str) -> dict[str, Any]:
    done = run(lab, "why-not", source, target, "--json")
    told = dict(json.loads(done.stdout))
    assert done.returncode == (not told["reaches"])
    return told


def doctor(lab: VpcLab, host: str) -> list[str]:
    return [one.what for one in examine(Target(lab.store, lab.lab), lab.network, host, None) if one.severity == "error"]


@contextmanager
def fault(lab: VpcLab, node: str, make: str, mend: str) -> Iterator[None]:
    """Something is done at a node, and undone at the end; then all is well again."""
    lab.allow(EXPECTED)
    assert status(lab) == []
    lab.run(node, "sh", "-c", make)
    try:
        yield
    finally:
        lab.run(node, "sh", "-c", mend)
    wait_until(lambda: status(lab) == [], "all to be well again", SECONDS)
    assert why_not(lab, "a", "b")["reaches"]


def told(lab: VpcLab, pattern: str) -> bool:
    return any(re.search(pattern, sentence) for sentence in status(lab))


def cable(lab: VpcLab, host: str) -> str:
    """The end in the underlay of a host's cable."""
    peer = lab.run(host, "cat", "/sys/class/net/eth0/iflink", check=False).strip()
    index = re.search(r"eth0@if(\d+)", lab.run(host, "ip", "-o", "link", "show", "eth0"))
    assert index, peer
    links = lab.run("underlay", "ip", "-o", "link")
    found = re.search(rf"^{index.group(1)}: ([^@:]+)", links, re.MULTILINE)
    assert found, links
    return found.group(1)


@pytest.mark.parametrize("place", ["its NIC", "the underlay"])
def test_a_host_that_is_cut_off(labs: Callable[[str], VpcLab], place: str) -> None:
    """A host's NIC is down; the switch's NIC is up and the network behind it carries nothing."""
    lab = labs(TEXT)
    node, nic = ("h1", "eth0") if place == "its NIC" else ("underlay", cable(lab, "h1"))
    with fault(lab, node, f"ip link set {nic} down", f"ip link set {nic} up"):
        wait_until(lambda: told(lab, r"h1 cannot reach h2.* over the underlay since 20"), "the report", SECONDS)
        wait_until(lambda: told(lab, r"h3.* cannot reach h1 over the underlay since 20"), "the way back", SECONDS)
        assert not told(lab, r"h2 cannot reach h3|h3 cannot reach h2")
        for source, target in (("a", "b"), ("b", "a")):
            told_of = why_not(lab, source, target)
            assert not told_of["reaches"]
            assert any("cannot reach" in sentence for sentence in told_of["obstacles"])
        assert why_not(lab, "b", "c")["reaches"]
        printed = run(lab, "why-not", "a", "b").stdout
        assert "a reaches b" not in printed
        wrong = doctor(lab, "h1")
        assert any("nothing gets to h2" in sentence for sentence in wrong), wrong
        assert not any("packets of 1500 bytes" in sentence for sentence in wrong), "the MTU has nothing to do with it"


def test_one_direction(labs: Callable[[str], VpcLab]) -> None:
    """What is sent to h1 is lost, and what it sends arrives: the underlay takes it to be behind another cable."""
    lab = labs(TEXT)
    mac, elsewhere = lab.mac("h1"), cable(lab, "h2")
    entry = f"bridge fdb replace {mac} dev %s master sticky static"
    with fault(lab, "underlay", entry % elsewhere, f"bridge fdb del {mac} dev {elsewhere} master"):
        wait_until(lambda: told(lab, r"^h2, h3 cannot reach h1 over the underlay"), "the report", SECONDS)
        assert len(status(lab)) == 1
        assert not why_not(lab, "b", "a")["reaches"]
        assert why_not(lab, "b", "c")["reaches"]


@pytest.mark.parametrize("place", ["its NIC", "the underlay"])
def test_small_packets_only(labs: Callable[[str], VpcLab], place: str) -> None:
    """Small packets get through, those of the underlay's MTU do not: told as that, and not as a cut."""
    lab = labs(TEXT)
    node, nic = ("h1", "eth0") if place == "its NIC" else ("underlay", cable(lab, "h1"))
    with fault(lab, node, f"ip link set {nic} mtu 1400", f"ip link set {nic} mtu 1500"):
        wait_until(
            lambda: told(lab, r"h1 reaches h2.* over the underlay with small packets only since 20|h3 reach h1 over"),
            "the report",
            3 * SECONDS,
        )
        assert not told(lab, "cannot reach")
        assert any("small packets only" in sentence for sentence in why_not(lab, "a", "b")["obstacles"])
        assert any("packets of 1500 bytes do not get to h2" in sentence for sentence in doctor(lab, "h1"))
        assert lab.ping("a", "b").lost == 0


def test_a_controller_that_was_stopped_blames_nobody(labs: Callable[[str], VpcLab]) -> None:
    """The time that a frame may take is counted while the controller runs, and the switches answer."""
    lab = labs(TEXT)
    log = lab.lab.path / "controller" / "controller.log"
    before = len(log.read_text())
    process = lab.lab.controller_pid()
    assert process is not None
    for _ in range(3):
        os.kill(process, signal.SIGSTOP)
        try:
            time.sleep(1.2)  # longer than any frame may take, shorter than a session lasts
        finally:
            os.kill(process, signal.SIGCONT)
        time.sleep(0.3)
    assert status(lab) == []
    assert "cannot reach" not in log.read_text()[before:]
