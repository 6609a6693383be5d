"""Mininet beside a running controller: ``mn`` as its user starts it, on a machine of its own (docs/mininet.md)."""

import os
import signal
import subprocess
import sys
import sysconfig

import pytest

from tests.scenario import ROOT, SHIPPED

pytestmark = pytest.mark.lab

KILLED = 128 + signal.SIGKILL

REMOTE = ("--controller", "remote,ip=169.254.0.1")


def command(network: str, *arguments: str) -> list[str]:
    """The command that runs ``mn`` with arguments while the controller has a shipped network."""
    own_user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    namespaces = ["--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child"]
    script = ROOT / "tests" / "integration" / "mininet.sh"
    return [
        *("unshare", *own_user, *namespaces),
        *("sh", str(script), sys.executable, str(SHIPPED / f"{network}.yaml"), *arguments),
    ]


def environment() -> dict[str, str]:
    """What ``mn`` needs where the project's packages are not in its own ``.venv``."""
    if (ROOT / ".venv").is_dir():
        return dict(os.environ)
    return os.environ | {"PYTHONPATH": f"{ROOT}:{sysconfig.get_path('purelib')}"}


def mn(network: str, *arguments: str, commands: str = "", code: int = 0) -> str:
    """Run ``mn``, feed its command line, and return what it prints. It must end with a code and leave nothing."""
    done = subprocess.run(
        command(network, *arguments),
        cwd=ROOT,
        env=environment(),
        input=commands,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    everything = done.stdout + done.stderr
    assert done.returncode == code, everything
    assert "processes left:\nlinks left:\n" in done.stdout, everything
    assert "files left:\n" in done.stdout or code == KILLED, everything
    return done.stdout


def after(title: str, output: str) -> list[str]:
    """The lines from one with a title up to the results."""
    lines = output[output.index(title) :].splitlines()
    end = next(number for number, line in enumerate(lines) if line.startswith("*** Results"))
    return [line.rstrip() for line in lines[1 : end + 1]]


def test_unpeered() -> None:
    """What Mininet's own test prints for isolated VPCs: lost pings that the model wants."""
    output = mn("unpeered-vpcs", "--topo", "vpc,unpeered-vpcs", *REMOTE, "--test", "pingmodel+pingall,1")
    matrix = ["blue1 -> blue2 X X", "blue2 -> blue1 X X", "green1 -> X X green2", "green2 -> X X green1"]
    model = [*matrix, "*** Results: 12 pairs: 12 as the model says, 0 not"]
    assert after("*** Ping: as the model says?", output) == model
    mininet = [*matrix, "*** Results: 66% dropped (4/12 received)"]
    assert after("*** Ping: testing ping reachability", output) == mininet


@pytest.mark.parametrize("network", ["racks", "same-addresses"])
def test_as_the_model_says(network: str) -> None:
    output = mn(network, "--topo", f"vpc,mininet_topos/networks/{network}.yaml", *REMOTE, "--test", "pingmodel")
    assert output.count("as the model says, 0 not") == 1


def test_command_line() -> None:
    """Mininet's command line, with ours in it."""
    commands = "pingall 1\npingmodel\nlink h1 underlay down\npingmodel\n"
    output = mn("one-vpc", "--topo", "vpc,one-vpc", *REMOTE, commands=commands)
    assert "*** Results: 0% dropped (6/6 received)" in output
    assert "*** Results: 6 pairs: 6 as the model says, 0 not" in output
    assert "a -> b X!\n" in output
    assert "a -> c should be answered: both are in VPC home" in output
    assert "*** Results: 6 pairs: 2 as the model says, 4 not" in output


def test_apply() -> None:
    """Another network is applied while Mininet runs."""
    apply = f"sh {sys.executable} -m controller apply {SHIPPED / 'peered-vpcs.yaml'}\n"
    commands = f"pingmodel\n{apply}pingmodel peered-vpcs\n"
    output = mn("unpeered-vpcs", "--topo", "vpc,unpeered-vpcs", *REMOTE, commands=commands)
    assert "is confirmed by all 2 hosts" in output
    assert "blue1 -> blue2 X X\n" in output
    assert "blue1 -> blue2 green1 green2\n" in output
    assert output.count("*** Results: 12 pairs: 12 as the model says, 0 not") == 2


def test_another_network_was_applied() -> None:
    """Then it is not as the model of the topology says, which the exit code tells."""
    output = mn("unpeered-vpcs", "--topo", "vpc,peered-vpcs", *REMOTE, "--test", "pingmodel", code=1)
    assert "it is not as the model says; was another file applied?" in output
    assert "blue1 -> green1 should be answered: their subnets are peered by blue-green, with routes both ways" in output
    assert "*** Results: 12 pairs: 4 as the model says, 8 not" in output


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--topo", "vpc,one-vcp", *REMOTE], "there is no network file"),
        (["--topo", "vpc,one-vpc", "--controller", "remote"], "say which address of this machine"),
        (["--topo", "vpc,one-vpc", "--controller", "remote,ip=192.0.2.1"], "this machine does not have"),
    ],
)
def test_mistakes(arguments: list[str], sentence: str) -> None:
    """A sentence says what is wrong, and Mininet cleans up."""
    assert sentence in mn("one-vpc", *arguments)


def test_killed() -> None:
    """When mn is killed nothing of it runs on.."""
    mn("one-vpc", "--topo", "vpc,one-vpc", *REMOTE, commands="sh kill -9 $PPID\n", code=KILLED)
