"""The demo as an ordinary user runs it, and what it leaves of itself and of the machine: nothing, and everything."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

IS_ROOT = os.geteuid() == 0

# Only root can look at a machine on which no other test runs.
pytestmark = [pytest.mark.lab, *([] if IS_ROOT else [pytest.mark.alone])]


@pytest.fixture
def here() -> Iterator[list[str]]:
    """How commands begin that run on this machine, but see and leave no processes besides their own."""
    if not IS_ROOT:
        yield []
        return
    own = ["unshare", "--mount", "--pid", "--fork", "--mount-proc", "--kill-child"]
    with subprocess.Popen([*own, "sh", "-c", "echo; exec sleep infinity"], stdout=subprocess.PIPE) as holder:
        try:
            assert holder.stdout is not None
            holder.stdout.readline()
            first = Path(f"/proc/{holder.pid}/task/{holder.pid}/children").read_text().strip()
            yield ["nsenter", "--target", first, "--mount", "--pid"]
        finally:
            holder.kill()


def machine(here: Sequence[str]) -> dict[str, str]:
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
        name: subprocess.run([*here, "sh", "-c", command], check=False, capture_output=True, text=True).stdout
        for name, command in commands.items()
    }


def test_demo_without_root_leaves_the_machine_as_it_was(base: Path, here: list[str]) -> None:
    command = [*here]
    if IS_ROOT:
        unprivileged = Path(__file__).with_name("unprivileged.sh")
        command += ["unshare", "--mount", "sh", str(unprivileged), str(base), sys.base_prefix]
    command += [sys.executable, "-m", "controller", "demo"]
    before = machine(here)
    environment = os.environ | {"XDG_RUNTIME_DIR": str(base)}
    done = subprocess.run(command, env=environment, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "10.174.233.86 -> 10.174.233.87: tunnel key 6774" in done.stdout
    assert "10.174.233.87 -> 10.174.233.86: tunnel key 6289" in done.stdout
    assert machine(here) == before
    assert not [path for path in base.rglob("*") if path.is_file()]
