"""Interfaces and ports that do not fit together: ``status`` says so and what mends it, and after that no more."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator

import pytest

from controller.cli.diagnose.status import describe
from controller.status.status import read_status
from tests.properties.controller_process import Network
from tests.switch import wait_until

TEXT = """
encapsulation: vxlan
hosts: {h1: {tunnel_ip: 192.0.2.1}, h2: {tunnel_ip: 192.0.2.2}}
vpcs: {blue: {id: 7, subnets: {web: {cidr: 10.0.0.0/24}}}}
ports:
  c1: {vpc: blue, ips: [10.0.0.11], host: h1}
  c2: {vpc: blue, ips: [10.0.0.12]}
  c3: {vpc: blue, ips: [10.0.0.13], host: h2}
"""
TUNNEL = "over the underlay since"
"""Dummy datapaths carry nothing from host to host: that is no news here."""


@pytest.fixture(scope="module")
def network() -> Iterator[Network]:
    network = Network(["h1", "h2"])
    try:
        network.apply(TEXT)
        network.settle()
        network.plug("h1", "c1")
        network.plug("h2", "c3")
        yield network
    finally:
        network.stop()


def said(network: Network) -> tuple[list[str], list[str]]:
    """What is wrong, and what is to be noted."""
    stored = network.store.load()
    assert stored is not None
    report = describe(stored, read_status(network.store), is_running=True)
    return [sentence for sentence in report["wrong"] if TUNNEL not in sentence], report["notes"]


def command(network: Network) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "controller", "status", "--state", str(network.directory / "state")]
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)


def wait_said(network: Network, wrong: list[str], notes: list[str]) -> None:
    """Wait until exactly this is said: sentences that begin so."""

    def is_said() -> bool:
        return all(
            len(found) == len(wanted) and all(map(str.startswith, found, wanted))
            for found, wanted in zip(said(network), (wrong, notes), strict=True)
        )

    wait_until(is_said, f"{wrong} and {notes}", 20)


NOT_YET = "not plugged in yet: c2; plug it in: ovs-vsctl add-port br-int INTERFACE"


def test_each_kind_of_interface_that_fits_no_port(network: Network) -> None:
    """A name that is misspelt, a name of a port elsewhere, and the same name twice on a host; and what is no fault."""
    h1, h2 = network.switches["h1"], network.switches["h2"]
    wait_said(network, [], [NOT_YET])
    # A mirror or another tool's port says nothing of a port.
    h1.vsctl("add-port", "br-int", "mirror", "--", "set", "interface", "mirror", "external_ids:owner=tcpdump")
    network.plug("h1", "c22")
    meant = "h1: interface c22 says that it is port 'c22', which the model does not have; did you mean 'c2'?"
    wait_said(network, [], [meant, NOT_YET])
    assert "to be noted\n  h1: interface c22 says" in command(network).stdout
    h1.vsctl("set", "interface", "c22", "external_ids:iface-id=c2")
    wait_said(network, [], [])
    h2.vsctl("add-port", "br-int", "t0", "--", "set", "interface", "t0", "type=dummy", "external_ids:iface-id=c2")
    wait_said(network, ["h2: interface t0 says that it is port c2, which is on h1: it gets nothing; take it off"], [])
    shown = command(network)
    assert shown.returncode == 1
    assert "h2: interface t0 says that it is port c2" in shown.stdout
    h2.vsctl("set", "interface", "t0", "external_ids:iface-id=c3")
    wait_said(network, ["h2: several interfaces say that they are port c3: c3 is taken, t0 not; ovs-vsctl"], [])
    h2.vsctl("del-port", "t0")
    h1.vsctl("del-port", "mirror")
    wait_said(network, [], [])


LOST = "h1: plugged in here before, but not plugged in anywhere now: c1, c2; plug it in: ovs-vsctl add-port br-int"


def replace_database(network: Network) -> None:
    """The host gets a new, empty database, as of a machine that was installed anew."""
    switch = network.switches["h1"]
    for daemon in ("ovs-vswitchd", "ovsdb-server"):
        switch.kill(daemon)
    shutil.copy(switch.directory / "conf.db", switch.directory / "conf.before")
    (switch.directory / "conf.db").unlink()
    subprocess.run(
        ["ovsdb-tool", "create", switch.directory / "conf.db", "/usr/share/openvswitch/vswitch.ovsschema"], check=True
    )
    switch.start_database()
    switch.vsctl("--no-wait", "init")
    switch.start_vswitchd()
    switch.vsctl("add-br", "br-phy")


def take_off(network: Network) -> None:
    network.switches["h1"].vsctl("del-port", "c1", "--", "del-port", "c22")


def delete_bridge(network: Network) -> None:
    network.switches["h1"].vsctl("--no-wait", "del-br", "br-int")


def delete_while_no_controller_runs(network: Network) -> None:
    network.stop_controller()
    network.switches["h1"].vsctl("del-br", "br-int")
    network.start_controller()


def unname(network: Network) -> None:
    for name in ("c1", "c22"):
        network.switches["h1"].vsctl("remove", "interface", name, "external_ids", "iface-id")


@pytest.mark.parametrize(
    "harm",
    [take_off, unname, delete_bridge, delete_while_no_controller_runs, replace_database],
    ids=lambda f: f.__name__,
)
def test_ports_that_were_plugged_in_are_missed(network: Network, harm: Callable[[Network], None]) -> None:
    """Whatever took them away, and whatever controller saw it; until they are plugged in again."""
    h1 = network.switches["h1"]
    if "c22" not in h1.vsctl("list-ports", "br-int"):
        h1.vsctl("add-port", "br-int", "c22", "--", "set", "interface", "c22", "external_ids:iface-id=c2")
    wait_said(network, [], [])
    harm(network)
    wait_said(network, [LOST], [])
    network.restart_controller()
    wait_said(network, [LOST], [])
    for name, port in (("c1", "c1"), ("c22", "c2")):
        h1.vsctl(
            "--may-exist", "add-port", "br-int", name, "--", "set", "interface", name, f"external_ids:iface-id={port}"
        )
    wait_said(network, [], [])
    network.settle()
    network.compare()


def test_what_is_put_right_misses_nobody(network: Network) -> None:
    """The tunnel port is deleted, br-int gets another datapath type: both are repaired, and no port is missed."""
    h1 = network.switches["h1"]
    h1.vsctl("del-port", "tun-vxlan")
    wait_until(lambda: "tun-vxlan" in h1.vsctl("list-ports", "br-int"), "the tunnel port")
    wanted = h1.vsctl("get", "bridge", "br-int", "datapath_type")
    h1.vsctl("set", "bridge", "br-int", "datapath_type=netdev")
    wait_until(lambda: h1.vsctl("get", "bridge", "br-int", "datapath_type") == wanted, "the datapath type")
    network.settle()
    wait_said(network, [], [])


def test_a_port_that_leaves_the_model_is_not_missed(network: Network) -> None:
    network.switches["h2"].vsctl("del-port", "c3")
    wait_said(network, ["h2: plugged in here before, but not plugged in anywhere now: c3"], [])
    network.apply("\n".join(line for line in TEXT.splitlines() if "c3" not in line))
    wait_said(network, [], [])
