"""The demo as an ordinary user runs it, and what it leaves of itself and of the machine: nothing, and everything."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

# It looks at all processes of the machine.
pytestmark = [pytest.mark.lab, pytest.mark.alone]


def machine() -> dict[str, str]:
    """The machine's own network, as far as a lab could have touched it."""
    commands = {
        "namespaces": "ip netns list",
        "links": "ip -o link show | sed 's/ qdisc.*//'",
        "routes": "ip route show table all",
        "rules": "ip rule show",
        "addresses": "ip -o -4 address show",
        "switches": "pgrep --ns $$ --nslist net,pid -a ovs; ls /var/run/openvswitch 2>&1",
        "mounts": "cat /proc/self/mounts",
    }
    return {
        name: subprocess.run(command, shell=True, check=False, capture_output=True, text=True).stdout
        for name, command in commands.items()
    }


def test_demo_without_root_leaves_the_machine_as_it_was(base: Path) -> None:
    command = [sys.executable, "-m", "controller", "demo"]
    if os.geteuid() == 0:
        unprivileged = Path(__file__).with_name("unprivileged.sh")
        command = ["unshare", "--mount", "sh", str(unprivileged), str(base), sys.base_prefix, *command]
    before = machine()
    environment = os.environ | {"XDG_RUNTIME_DIR": str(base)}
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10.174.233.86 -> 10.174.233.87: tunnel key 6774" in done.stdout
    assert "10.174.233.87 -> 10.174.233.86: tunnel key 6289" in done.stdout
    assert machine() == before
    assert not [path for path in base.rglob("*") if path.is_file()]
