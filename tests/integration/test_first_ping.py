"""The first packet counts: none is spent on finding the way."""

import os
import signal
import time
from collections.abc import Callable

import pytest

from controller.reconcile.underlay.tunnel_probe import REPEAT
from mininet_topos.inside.nodes.switch import has_kernel_datapath
from tests.integration.vpclab import VpcLab
from tests.scenario import SHIPPED
from tests.switch import wait_until

pytestmark = pytest.mark.lab
Labs = Callable[[str], VpcLab]


@pytest.mark.parametrize("encapsulation", ["gre", "vxlan", "geneve"])
def test_first_ping_after_up(encapsulation: str) -> None:
    text = (SHIPPED / "peered-vpcs.yaml").read_text().replace("encapsulation: gre", f"encapsulation: {encapsulation}")
    lab = VpcLab(text)
    try:
        assert lab.ping("blue1", "blue2", 1).lost == 0
        assert lab.ping("green1", "blue1", 1).lost == 0
        lab.examine()
    finally:
        lab.down()


userspace_only = pytest.mark.skipif(
    has_kernel_datapath(), reason="the kernel's own neighbours serve its tunnels, and queue packets"
)


def forget_neighbours_after(lab: VpcLab, seconds: int) -> None:
    """How long Open vSwitch remembers an idle tunnel neighbour."""
    for host in lab.network.hosts:
        lab.run(host, "ovs-appctl", "tnl/neigh/aging", str(seconds))


def neighbours(lab: VpcLab, host: str) -> str:
    """The tunnel neighbours that a switch remembers."""
    return lab.run(host, "ovs-appctl", "tnl/neigh/show")


@userspace_only
def test_first_ping_after_more_idle_time_than_neighbours_are_remembered(labs: Labs) -> None:
    lab = labs((SHIPPED / "peered-vpcs.yaml").read_text())
    forget_neighbours_after(lab, int(REPEAT) + 5)
    time.sleep(REPEAT + 7)  # without a controller they would be forgotten by now
    assert "10.174.233.87" in neighbours(lab, "host86")
    assert lab.ping("blue1", "green1", 1).lost == 0
    assert lab.ping("green2", "blue2", 1).lost == 0
    forget_neighbours_after(lab, 900)


@userspace_only
def test_first_ping_after_the_neighbours_have_aged_out_without_a_controller(labs: Labs) -> None:
    lab = labs((SHIPPED / "peered-vpcs.yaml").read_text())
    lab.allow("no response to inactivity probe|connection (failed|dropped|timed out)|connection attempt timed out")
    controller = lab.lab.controller_pid()
    assert controller is not None
    os.kill(controller, signal.SIGSTOP)
    try:
        forget_neighbours_after(lab, 1)
        wait_until(
            lambda: "10.174" not in neighbours(lab, "host86") + neighbours(lab, "host87"), "the entries to age", 30
        )
        time.sleep(11)  # the switches give the silent controller up, and Open vSwitch its unused flows
    finally:
        os.kill(controller, signal.SIGCONT)
    forget_neighbours_after(lab, 900)
    known = ("10.174.233.87", "10.174.233.86")
    wait_until(
        lambda: all(ip in neighbours(lab, h) for ip, h in zip(known, lab.network.hosts, strict=True)), "probes", 30
    )
    assert lab.ping("blue1", "green1", 1).lost == 0
    assert lab.ping("green2", "blue2", 1).lost == 0
