"""The first packet counts: none is spent on finding the way."""

import time
from collections.abc import Callable

import pytest

from controller.prime import REPEAT
from mininet_topos.switch import has_kernel_datapath
from tests.integration.vpclab import VpcLab
from tests.scenario import SHIPPED

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


@pytest.mark.skipif(has_kernel_datapath(), reason="the kernel's own neighbours serve its tunnels, and queue packets")
def test_first_ping_after_the_tunnel_neighbours_have_aged_out(labs: Labs) -> None:
    lab = labs((SHIPPED / "peered-vpcs.yaml").read_text())
    for host in ("host86", "host87"):
        lab.run(host, "ovs-appctl", "tnl/neigh/aging", "1")
    time.sleep(3)
    lab.run("host86", "ovs-appctl", "tnl/neigh/flush")
    lab.run("host87", "ovs-appctl", "tnl/neigh/flush")
    assert "10.174" not in lab.run("host86", "ovs-appctl", "tnl/neigh/show")
    for host in ("host86", "host87"):
        lab.run(host, "ovs-appctl", "tnl/neigh/aging", "900")
    time.sleep(REPEAT + 1)  # the controller's own frames find the way again
    assert lab.ping("blue1", "green1", 1).lost == 0
    assert lab.ping("green2", "blue2", 1).lost == 0
