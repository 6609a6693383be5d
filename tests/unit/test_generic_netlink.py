"""By what it is known that the kernel has Open vSwitch: ``/sys/module`` does not show what is built in."""

import re
import subprocess

from mininet_topos.inside.generic_netlink import families


def test_families_are_those_that_iproute2_lists() -> None:
    listed = subprocess.run(["/usr/sbin/genl", "ctrl", "list"], capture_output=True, text=True, check=True).stdout
    assert "nlctrl" in families()
    assert families() == set(re.findall(r"Name: (\S+)", listed))
