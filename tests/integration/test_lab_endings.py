"""However a lab ends, nothing of it is left; whoever brings it up, the machine stays as it was."""

import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from mininet_topos.client.lab import Lab, remove_remains
from mininet_topos.errors import LabError
from mininet_topos.inside.nodes.switch import has_kernel_datapath
from tests.integration import lab_process
from tests.integration.lab_process import up
from tests.integration.waiting import eventually, pings

pytestmark = pytest.mark.lab

SCRIPT = lab_process.__file__


def _machine(base: Path) -> dict[str, str]:
    """What a lab could leave on the machine."""
    commands = ["ip netns", "ip -o link", "ip -o addr", "ip route", "ip rule", "ip neigh show nud permanent"]
    state = {command: subprocess.check_output(command.split(), text=True) for command in commands}
    processes = subprocess.check_output(["ps", "-eo", "stat,args", "--no-headers"], text=True).splitlines()
    state["processes"] = "\n".join(line for line in processes if str(base) in line and not line.startswith("Z"))
    # os.walk passes over what vanishes meanwhile.
    state["files"] = "\n".join(f"{at}/{name}" for at, inner, files in os.walk(base) for name in (*inner, *files))
    state["mounts"] = Path("/proc/self/mounts").read_text()
    return state


def test_up_and_down_leave_nothing(base: Path) -> None:
    before = _machine(base)
    lab = up(base, "one")
    assert pings(lab, "a", "10.1.0.12")
    during = _machine(base)
    assert {what for what in before if before[what] != during[what]} == {"processes", "files"}
    lab.down()
    assert _machine(base) == before


def test_lab_outlives_the_process_that_started_it(base: Path) -> None:
    subprocess.run([sys.executable, SCRIPT, "up", str(base), "one"], check=True, stdout=subprocess.DEVNULL)
    lab = Lab.find(base=base)
    assert (lab.name, lab.path) == ("one", base / "one")
    assert pings(lab, "a", "10.1.0.12")


def test_killed_init_takes_everything_along(base: Path) -> None:
    before = _machine(base)
    lab = up(base, "one")
    os.kill(lab.pid, signal.SIGKILL)
    assert eventually(lambda: not Lab.running(base))
    with pytest.raises(LabError, match="no lab named 'one' is running"):
        Lab.find("one", base)
    assert eventually(lambda: remove_remains(base) == ["one"])
    assert _machine(base) == before


def test_up_takes_over_the_remains_of_a_dead_lab(base: Path) -> None:
    os.kill(up(base, "one").pid, signal.SIGKILL)
    assert eventually(lambda: not Lab.running(base))
    assert pings(up(base, "one"), "a", "10.1.0.12")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize(
    "step", ["connecting the hosts", "starting Open vSwitch", "waiting for the controller's bridges"]
)
def test_interrupted_up_leaves_nothing(base: Path, step: str, number: signal.Signals) -> None:
    before = _machine(base)
    with subprocess.Popen(
        [sys.executable, SCRIPT, "up", str(base), "one"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as process:
        assert process.stdout is not None
        assert any(line.strip() == step for line in process.stdout)
        process.send_signal(number)
    assert process.returncode != 0
    assert eventually(lambda: _machine(base) == before), _machine(base)


@pytest.mark.parametrize("sign", ["lab.json", "controller/controller.log"])
def test_ctrl_c_again_and_again_leaves_nothing(base: Path, sign: str) -> None:
    """A second Ctrl-C cuts nothing short, neither while the command builds nor while it waits for hosts."""
    before = _machine(base)
    with subprocess.Popen(
        [sys.executable, "-m", "controller", "lab", "up", str(lab_process.NETWORK), "--lab", "one"],
        env={**os.environ, "OVS_VPC_LABS": str(base)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    ) as process:
        assert process.stdout is not None
        assert eventually((base / "one" / sign).exists)
        for _ in range(3):
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGINT)
            time.sleep(0.05)
        assert process.stdout.read() == ""
    assert process.returncode == 130
    assert eventually(lambda: _machine(base) == before), _machine(base)


def test_without_root(base: Path) -> None:
    command = [sys.executable, SCRIPT, "check", str(base), "one"]
    if os.geteuid() == 0:
        unprivileged = Path(__file__).with_name("unprivileged.sh")
        command = ["unshare", "--mount", "sh", str(unprivileged), str(base), sys.base_prefix, *command]
    subprocess.run(command, check=True)
    assert list(base.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0, reason="who makes devices is root")
@pytest.mark.skipif(has_kernel_datapath(), reason="the kernel's datapath needs no such device")
@pytest.mark.parametrize(
    ("mode", "sentence"),
    [
        ("600", "this user cannot open; run 'sudo chmod 666 /dev/net/tun', or use sudo"),
        ("none", "this machine does not have; run 'sudo modprobe tun'"),
    ],
)
def test_device_that_cannot_be_opened(base: Path, mode: str, sentence: str) -> None:
    """A fresh machine's /dev/net/tun, or none: told first, in words and with the command, and nothing is built.

    The kind of fault: what the machine lacks shows as a failure of something else, later.
    """
    unprivileged = Path(__file__).with_name("unprivileged.sh")
    ours = [sys.executable, SCRIPT, "up", str(base), "one"]
    command = ["env", f"TUN_MODE={mode}", "unshare", "--mount", "sh", str(unprivileged), str(base), sys.base_prefix]
    done = subprocess.run([*command, *ours], check=False, capture_output=True, text=True)
    assert done.stderr.splitlines()[-1].startswith("mininet_topos.errors.LabError: Open vSwitch needs /dev/net/tun")
    assert sentence in done.stderr
    assert list(base.iterdir()) == []


def test_sys_is_the_nodes_own(base: Path) -> None:
    """What a node's /sys says is about the node's own interfaces, whatever the machine's are called.

    The kind of fault: a file of the machine that answers for a node. The control groups stay: some programs need them.
    """
    lab = up(base, "one")
    try:
        for node in ("a", "h1", "underlay", "controller"):
            links = lab.run(node, ["ip", "-o", "link"], check=True, capture_output=True, text=True).stdout
            names = sorted(re.findall(r"^\d+: ([^:@]+)", links, re.MULTILINE))
            shown = lab.run(node, ["ls", "/sys/class/net"], check=True, capture_output=True, text=True).stdout.split()
            assert sorted(shown) == names
        mtu = lab.run("a", ["cat", "/sys/class/net/eth0/mtu"], check=True, capture_output=True, text=True).stdout
        assert int(mtu) == lab.topology.ports["a"].mtu
        groups = lab.run("a", ["ls", "/sys/fs/cgroup"], check=True, capture_output=True, text=True).stdout.split()
        assert sorted(groups) == sorted(path.name for path in Path("/sys/fs/cgroup").iterdir())
    finally:
        lab.down()


def test_namespaces_that_may_not_be_made_are_reported(base: Path) -> None:
    before = _machine(base)
    command = [sys.executable, SCRIPT, "up", str(base), "one"]
    # Root without the one capability that namespaces need; without root a user namespace gives the others.
    without = ["setpriv", "--bounding-set=-sys_admin", "--inh-caps=-sys_admin"]
    own_user = [] if os.geteuid() == 0 else ["unshare", "--user", "--map-root-user"]
    command = [*own_user, *without, *command]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert "may not make namespaces" in done.stderr
    assert _machine(base) == before
