"""The lab itself: what it builds and what it can do."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from mininet_topos.client.lab import Lab
from mininet_topos.client.pinging import pinging
from mininet_topos.errors import LabError
from mininet_topos.inside.nodes.switch import has_kernel_datapath
from mininet_topos.waiting import patience
from tests.integration import lab_process
from tests.integration.lab_process import up
from tests.integration.waiting import eventually, pings

pytestmark = pytest.mark.lab


@pytest.fixture(scope="module")
def shared() -> Iterator[Lab]:
    """A lab for tests that leave it as it was."""
    path = Path(tempfile.mkdtemp(prefix="lab", dir="/tmp"))
    lab = up(path, "shared")
    yield lab
    complaints = (lab.path / "lab.log").read_text()
    lab.down()
    path.rmdir()
    assert complaints == ""


def test_two_labs_side_by_side(base: Path) -> None:
    one, two = up(base, "one"), up(base, "two")
    assert [lab.name for lab in Lab.running(base)] == ["one", "two"]
    with pytest.raises(LabError, match="several labs run; name one by --lab: one, two"):
        Lab.find(base=base)
    one.down()
    assert pings(two, "a", "10.1.0.12")
    assert Lab.find(base=base).name == "two"


def test_second_lab_of_the_same_name_is_refused(shared: Lab) -> None:
    with pytest.raises(LabError, match="a lab named 'shared' already runs"):
        up(shared.path.parent, "shared")
    assert pings(shared, "a", "10.1.0.12")


def test_controller_is_restarted(shared: Lab) -> None:
    first = shared.controller_pid()
    assert first is not None
    assert "fake_controller.py" in Path(f"/proc/{first}/cmdline").read_text()
    os.kill(first, signal.SIGKILL)
    assert eventually(lambda: shared.controller_pid() not in (first, None))


def test_controller_that_makes_no_bridge_is_reported(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lab_process, "CONTROLLER", ["sh", "-c", "echo no such thing as {lab} >&2; exit 3"])
    with pytest.raises(LabError, match=rf"no bridge br-int on h1, h2: .*\n(?s:.*)no such thing as {base}/one"):
        up(base, "one")
    assert list(base.iterdir()) == []


def test_missing_programs_name_their_package(base: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(LabError, match="apt-get install openvswitch-common"):
        up(base, "one")


def test_names_that_are_not_there(shared: Lab) -> None:
    with pytest.raises(LabError, match="no port or host 'h11' in lab 'shared'; did you mean 'h1'"):
        shared.command("h11", ["true"])
    with pytest.raises(LabError, match="no port or host 'physical'"):
        shared.command("physical", ["true"])
    with pytest.raises(LabError, match="no port 'z' in this lab"):
        shared.plug("z", "h1")


@pytest.mark.parametrize(
    ("node", "argv", "output"),
    [
        ("a", ["ip", "-br", "addr", "show", "eth0"], "10.1.0.11/24"),
        ("a", ["ip", "route"], "default via 10.1.0.1 dev eth0"),
        ("port:a", ["cat", "/proc/sys/net/ipv6/conf/eth0/disable_ipv6"], "1"),
        ("h1", ["ovs-vsctl", "get", "Open_vSwitch", ".", "external_ids:system-id"], "h1"),
        ("h1", ["ovs-vsctl", "get", "Interface", "a", "external_ids:iface-id"], "a"),
        ("h1", ["ovs-appctl", "ovs/route/lookup", "192.168.50.2"], "dev br-phy"),
        ("h2", ["ovs-ofctl", "show", "br-int"], "(c)"),
        ("controller", ["ping", "-c1", "169.254.0.3"], "1 received"),
        ("underlay", ["ip", "-br", "link", "show", "lan"], "UP"),
    ],
)
def test_run_in_a_node(shared: Lab, node: str, argv: list[str], output: str) -> None:
    assert output in shared.run(node, argv, check=True, capture_output=True, text=True).stdout


def test_pings_are_counted_for_as_long_as_they_run(shared: Lab) -> None:
    """Also when there are more answers than a pipe holds lines of: about a thousand."""
    with pinging(shared, "a", "10.1.0.12") as result:
        time.sleep(patience(4))
        end = time.time()
    print(f"{result.sent} pings")
    assert max(result.answers.values()) > end - patience(1)
    assert result.lost == 0


def test_killing_a_command_ends_it(shared: Lab) -> None:
    process = subprocess.Popen(shared.command("a", ["sleep", "4711"]))
    running = ["pgrep", "-f", "^sleep 4711$"]
    assert eventually(lambda: subprocess.call(running, stdout=subprocess.DEVNULL) == 0)
    process.kill()
    process.wait()
    assert eventually(lambda: subprocess.call(running, stdout=subprocess.DEVNULL) != 0)


SERVER = """
import socket
with socket.create_server(("", 7)) as server:
    print("ready", flush=True)
    connection, _ = server.accept()
while data := connection.recv(100):
    connection.sendall(data)
"""

CLIENT = """
import socket
connection = socket.create_connection(("10.1.0.12", 7), timeout=30)
while line := input():
    connection.sendall(line.encode())
    print(connection.recv(100).decode(), flush=True)
"""


def test_moving_a_port_keeps_its_connections(base: Path) -> None:
    lab = up(base, "one")
    with _python(lab, "b", SERVER) as server:
        assert _said(server) == "ready"
        with _python(lab, "a", CLIENT) as client:
            assert _says(client, "before") == "before"
            for port in ("a", "b"):
                lab.plug(port, "h2")
            assert lab.run("h1", ["ovs-vsctl", "list-ports", "br-int"], capture_output=True, check=True).stdout == b""
            assert _says(client, "after") == "after"
            assert _says(client, "") == ""
    lab.unplug("a")
    assert not pings(lab, "a", "10.1.0.12")
    with pytest.raises(LabError, match="port 'a' is not plugged in anywhere"):
        lab.unplug("a")
    lab.plug("a", "h2")
    # The kernel gives up the address that it asked for in vain before it asks anew.
    assert eventually(lambda: pings(lab, "a", "10.1.0.12"))


def _python(lab: Lab, node: str, program: str) -> "subprocess.Popen[str]":
    command = lab.command(node, [sys.executable, "-c", program])
    return subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    )


def _says(process: "subprocess.Popen[str]", line: str) -> str:
    assert process.stdin is not None
    process.stdin.write(line + "\n")
    process.stdin.flush()
    return _said(process)


def _said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout is not None
    return process.stdout.readline().strip()


@pytest.mark.parametrize("encapsulation", ["gre", "vxlan", "geneve"])
def test_tunnel_between_hosts_loses_no_first_packet(base: Path, encapsulation: str) -> None:
    lab = _with_tunnel(base, encapsulation)
    assert pings(lab, "a", "10.1.0.13")


@pytest.mark.skipif(has_kernel_datapath(), reason="the kernel's own neighbours serve its tunnels")
def test_restarted_switch_knows_its_tunnel_neighbours(base: Path) -> None:
    lab = _with_tunnel(base, "gre")
    lab.restart_switch("h1")
    neighbours = lab.run("h1", ["ovs-appctl", "tnl/neigh/show"], check=True, capture_output=True, text=True).stdout
    assert "192.168.50.2" in neighbours


def _with_tunnel(base: Path, encapsulation: str) -> Lab:
    """A lab with a tunnel between the instances a and c, made by hand."""
    lab = up(base, "one")
    for host, port, far in (("h1", "a", "192.168.50.2"), ("h2", "c", "192.168.50.1")):
        tunnel = ["type=" + encapsulation, "options:remote_ip=flow", "options:key=flow"]
        lab.run(host, ["ovs-vsctl", "add-port", "br-int", "tun", "--", "set", "Interface", "tun", *tunnel], check=True)
        out = f"in_port={port},actions=set_field:7->tun_id,set_field:{far}->tun_dst,output:tun"
        for flow in (out, f"in_port=tun,actions=output:{port}"):
            lab.run(host, ["ovs-ofctl", "add-flow", "br-int", flow], check=True)
    lab.announce_hosts()
    return lab


def test_switch_stops_and_starts(shared: Lab) -> None:
    shared.stop_switch("h1")
    with pytest.raises(LabError, match="Open vSwitch of host 'h1' does not run"):
        shared.stop_switch("h1")
    assert not pings(shared, "a", "10.1.0.12")
    shared.start_switch("h1")
    with pytest.raises(LabError, match="Open vSwitch of host 'h1' already runs"):
        shared.start_switch("h1")
    assert pings(shared, "h1", "192.168.50.2")
    assert eventually(lambda: pings(shared, "a", "10.1.0.12"))


def test_crashed_switch_comes_back(shared: Lab) -> None:
    pid = shared.run("h2", ["cat", f"{shared.path}/hosts/h2/ovs-vswitchd.pid"], capture_output=True, text=True).stdout
    shared.run("h2", ["kill", "-9", pid.strip()], check=True)
    assert eventually(lambda: pings(shared, "h1", "192.168.50.2"))
