"""Mininet beside a running controller: ``mn`` as its user starts it, on a machine of its own (docs/mininet.md).

Each ``mn`` costs many seconds, so that ``make test`` starts one for hosts and one for plain switches.
"""

import os
import signal
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest

from tests.scenario import ROOT, SHIPPED

pytestmark = pytest.mark.lab

BOTH = """
hosts:
  host1: {tunnel_ip: 192.168.50.1}
  host2: {tunnel_ip: 192.168.50.2}
segments:
  red: {id: 1}
switches:
  s1: {}
  s2: {}
links:
  s1-s2: {between: [s1, s2]}
ports:
  red1: {segment: red, host: host1, ip: 10.0.0.11/24}
  red2: {segment: red, host: host2, ip: 10.0.0.12/24}
  a: {switch: s1, ip: 10.0.0.11/24}
  b: {switch: s2, ip: 10.0.0.12/24}
"""

KILLED = 128 + signal.SIGKILL

REMOTE = ("--controller", "remote,ip=169.254.0.1")


NO_CONTROLLER = "-"


def command(network: str, *arguments: str) -> list[str]:
    """The command that runs ``mn`` with arguments while the controller has a network: a shipped one, or a file."""
    own_user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    namespaces = ["--mount", "--net", "--pid", "--fork", "--mount-proc", "--kill-child"]
    script = ROOT / "tests" / "integration" / "mininet.sh"
    file = network if network == NO_CONTROLLER or "/" in network else str(SHIPPED / f"{network}.yaml")
    return ["unshare", *own_user, *namespaces, "sh", str(script), sys.executable, file, *arguments]


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


@pytest.mark.system("S8")
def test_hosts() -> None:
    """Isolated VPCs: lost pings, which the model wants."""
    output = mn("unpeered-vpcs", "--topo", "net,unpeered-vpcs", *REMOTE, "--test", "pingmodel")
    matrix = ["blue1 -> blue2 X X", "blue2 -> blue1 X X", "green1 -> X X green2", "green2 -> X X green1"]
    model = [*matrix, "*** Results: 12 pairs: 12 as the model says, 0 wrong"]
    assert after("*** Ping: as the model says?", output) == model


@pytest.mark.system("S3")
def test_plain_switches() -> None:
    """Mininet's own switches and two routers, by Mininet's own test too.

    The switches are on this machine, whose kernel stays silent even for a machine that knows the MAC address of its
    cable's other end, and that the kernel has a way back to.
    """
    output = mn("two-lans", "--topo", "net,two-lans", *REMOTE, commands=f"pingmodel\npingall 1\n{ask_root('h1')}")
    assert "*** Results: 30 pairs: 30 as the model says, 0 wrong" in output
    assert "*** Results: 0% dropped (30/30 received)" in output
    assert "1 packets transmitted, 0 received" in output


def ask_root(machine: str) -> str:
    """The commands that have a machine ping this one by the other end of its cable, where nothing is in the way."""
    node, near = f'net.get("{machine}")', f'net.get("{machine}").intf("eth0")'
    far = f"({near}.link.intf1 if {near}.link.intf2 is {near} else {near}.link.intf2)"
    root = f"{far}.node.cmd"
    return (
        f'py {root}("ip route replace " + {near}.IP() + " dev " + {far}.name)\n'
        f'py {root}("ip neigh replace " + {near}.IP() + " lladdr " + {near}.MAC() + " dev " + {far}.name)\n'
        f'py {node}.cmd("ip route replace 169.254.0.1 dev eth0")\n'
        f'py {node}.cmd("ip neigh replace 169.254.0.1 dev eth0 lladdr " + ({far}.updateMAC() or ""))\n'
        f'py {node}.cmd("ping -c 1 -W 2 169.254.0.1")\n'
    )


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (["--topo", "net,one-vcp", *REMOTE], "there is no network file"),
        (["--topo", "net,one-vpc", "--controller", "remote"], "say which address of this machine"),
        (["--topo", "net,one-vpc", "--controller", "remote,ip=192.0.2.1"], "this machine does not have"),
    ],
)
def test_mistakes(arguments: list[str], sentence: str) -> None:
    """A sentence says what is wrong, and Mininet cleans up."""
    assert sentence in mn(NO_CONTROLLER, *arguments)


@pytest.mark.full
@pytest.mark.parametrize(
    "network",
    [
        *("racks", "same-addresses", "three-hosts", "physical-vlans", "access-trunk"),
        *("lan", "two-subnets", "data-centre", "vlan-data-centre"),
    ],
)
def test_as_the_model_says(network: str) -> None:
    output = mn(network, "--topo", f"net,mininet_topos/networks/{network}.yaml", *REMOTE, "--test", "pingmodel")
    assert output.count("as the model says, 0 wrong") == 1


@pytest.mark.full
def test_hosts_and_plain_switches(tmp_path: Path) -> None:
    """One network may have both; a segment and a LAN with the same addresses do not meet."""
    file = tmp_path / "both.yaml"
    file.write_text(BOTH)
    output = mn(str(file), "--topo", f"net,{file}", *REMOTE, "--test", "pingmodel")
    matrix = ["a -> b X X", "b -> a X X", "red1 -> X X red2", "red2 -> X X red1"]
    assert after("*** Ping: as the model says?", output) == [
        *matrix,
        "*** Results: 12 pairs: 12 as the model says, 0 wrong",
    ]


@pytest.mark.full
def test_lost_pings() -> None:
    """What Mininet's own test prints for isolated VPCs."""
    output = mn("unpeered-vpcs", "--topo", "net,unpeered-vpcs", *REMOTE, "--test", "pingall,1")
    matrix = ["blue1 -> blue2 X X", "blue2 -> blue1 X X", "green1 -> X X green2", "green2 -> X X green1"]
    assert after("*** Ping: testing ping", output) == [*matrix, "*** Results: 66% dropped (4/12 received)"]


@pytest.mark.full
def test_userspace_datapath() -> None:
    """It can be asked for where the kernel could switch. TCP goes too, with the checksums that it needs."""
    send = 'py net.get("neighbour").cmd("timeout 20 iperf -c 192.168.4.101 -t 1")'
    commands = (
        f'sh ovs-vsctl get Bridge s1 datapath_type\npy net.get("server-b").cmd("iperf -s >/dev/null &")\n{send}\n'
    )
    switch = ("--switch", "ovs,datapath=user")
    ended = 'py net.get("server-b").cmd("kill %1")\n'
    output = mn("two-subnets", "--topo", "net,two-subnets", *REMOTE, *switch, commands=commands + ended)
    assert "netdev\n" in output
    assert "bits/sec" in output


@pytest.mark.full
def test_command_line() -> None:
    """Mininet's command line, with ours in it."""
    ask = 'py net.get("a").cmd("arping -c 1 -w 2 -I eth0 169.254.0.2")\n'
    commands = f"pingall 1\npingmodel\n{ask}link h1 underlay down\npingmodel\n"
    output = mn("one-vpc", "--topo", "net,one-vpc", *REMOTE, commands=commands)
    assert "Received 0 response(s)" in output, "the kernel of h1 answers instances"
    assert "*** Results: 0% dropped (6/6 received)" in output
    assert "*** Results: 6 pairs: 6 as the model says, 0 wrong" in output
    assert "a -> b X!\n" in output
    assert "a -> c should be answered: both are in VPC home" in output
    assert "*** Results: 6 pairs: 2 as the model says, 4 wrong" in output


@pytest.mark.full
def test_apply() -> None:
    """Another network is applied while Mininet runs."""
    apply = f"sh {sys.executable} -m controller apply --yes {SHIPPED / 'peered-vpcs.yaml'}\n"
    commands = f"pingmodel\n{apply}pingmodel peered-vpcs\n"
    output = mn("unpeered-vpcs", "--topo", "net,unpeered-vpcs", *REMOTE, commands=commands)
    assert "generation 2 is confirmed by every host" in output
    assert "blue1 -> blue2 X X\n" in output
    assert "blue1 -> blue2 green1 green2\n" in output
    assert output.count("*** Results: 12 pairs: 12 as the model says, 0 wrong") == 2


@pytest.mark.full
def test_another_network_was_applied() -> None:
    """Then it is not as the model of the topology says, which the exit code tells."""
    output = mn("unpeered-vpcs", "--topo", "net,peered-vpcs", *REMOTE, "--test", "pingmodel", code=1)
    assert "was this network applied to it?" in output
    assert "blue1 -> green1 should be answered: their subnets are peered by blue-green, with routes both ways" in output
    assert "*** Results: 12 pairs: 4 as the model says, 8 wrong" in output


@pytest.mark.full
def test_killed() -> None:
    """When mn is killed nothing of it runs on.."""
    mn("one-vpc", "--topo", "net,one-vpc", *REMOTE, commands="sh kill -9 $PPID\n", code=KILLED)
