"""Connection tracking with a zone for each port on this machine's datapath: what rules that follow connections need."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from mininet_topos.inside.nodes.switch import has_kernel_datapath

pytestmark = [pytest.mark.lab, pytest.mark.zones]

SCRIPT = Path(__file__).with_name("zones.sh")


def test_verdict_by_the_first_packet() -> None:
    """A verdict about a connection stands on its first packet, in the receiver's zone.

    Two kinds of fault: a datapath without zones, which refuses such flows; and on the kernel datapath, one ICMP error
    from the client's side. What the kernel hands up of it lacks the connection's first packet, so rules about that
    refuse it, and the cached flow of this refusal takes all later connections of the port too: 0 of 4. So a flow before
    them admits such errors.
    """
    own_user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    own = ["unshare", *own_user, "--net", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"]
    datapath = "system" if has_kernel_datapath() else "netdev"
    command = [*own, "sh", str(SCRIPT), sys.executable, datapath]
    done = subprocess.run(command, capture_output=True, text=True, timeout=200, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert done.stdout.split("\n") == [
        "pings=3",
        "allowed=4",
        "zones=1 2",
        "refused=0",
        "still_allowed=4",
        "errors=4",
        "",
    ]
