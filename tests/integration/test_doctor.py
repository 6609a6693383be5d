"""``ovs-vpc doctor`` on hosts that are broken in many ways, and what it says mends them."""

import json
import os
import re
import shlex
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from controller.cli.common.learned import learned
from controller.cli.common.state import Target
from controller.cli.diagnose.doctor import examine
from controller.inspect.checkup import check, read_host
from controller.inspect.checkup.run import Run
from flows.model import Network
from flows.model.host_rules import host_rules
from mininet_topos.inside.nodes.switch import has_kernel_datapath
from tests.integration.faults import LOST_CONTROLLER, stopped, vswitchd
from tests.integration.vpclab import VpcLab
from tests.scenario import SHIPPED, load
from tests.switch import SCHEMA, Switch, wait_until

pytestmark = pytest.mark.lab


@pytest.fixture
def switch() -> Iterator[Switch]:
    """A switch whose database answers on TCP, so far as the database says: nobody listens."""
    with Switch() as switch:
        switch.vsctl("set-manager", "ptcp:6640:127.0.0.1")
        yield switch


HEARD = "its kernel takes"
KEPT_OFF = 'echo "$RULES" | nft -f -'
if has_kernel_datapath():
    # Not needed there, and a kernel may have no such rules (NF_TABLES_INET): that it listens is then left out.
    KEPT_OFF = f"{{ {KEPT_OFF} || true; }}"
LISTENING = "sysctl -qw net.ipv4.conf.all.rp_filter=1; ip address add 192.0.2.1/24 dev lo"


def run(*arguments: str, kernel: str | None = None) -> "subprocess.CompletedProcess[str]":
    """Run it, if commands are given on a host of its own whose kernel was given these."""
    command = [sys.executable, "-m", "controller", "doctor", *arguments]
    if kernel is not None:
        own_user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
        script = f'ip link set lo up && {kernel} && exec "$@"'
        command = ["env", f"RULES={host_rules([])}", "unshare", *own_user, "--net", "sh", "-c", script, "sh", *command]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert "Traceback" not in done.stderr
    return done


def found(switch: Switch) -> dict[str, str]:
    """What is wrong with a host that no controller knows yet, and what mends it."""
    done = run("--db", switch.db_target, "--json", kernel=KEPT_OFF)
    (findings,) = json.loads(done.stdout).values()
    assert done.returncode == any(one["severity"] == "error" for one in findings)
    return {one["what"]: one["mend"] for one in findings if one["severity"] != "unchecked" and counts(one["what"])}


def counts(what: str) -> bool:
    """Whether a finding is about what a test has made. A kernel that switches itself may have no rules, and listens."""
    return not has_kernel_datapath() or not what.startswith(HEARD)


def mend(switch: Switch, command: str) -> None:
    """Do what a finding says."""
    tool, *arguments = command.split()
    {"ovs-vsctl": switch.vsctl, "ovs-ofctl": switch.ofctl}[tool](*arguments)


def test_before_it_joins(switch: Switch) -> None:
    """A host without br-phy; then one that is as the host contract says."""
    (what,) = found(switch)
    assert what == "there is no bridge br-phy, which holds the NIC and the tunnel address"
    switch.vsctl("add-br", "br-phy", "--", "set", "bridge", "br-phy", 'other_config:hwaddr="02:00:00:00:00:01"')
    assert [*found(switch)] == ["br-phy has no NIC: nothing gets to other hosts"]
    switch.vsctl("add-port", "br-phy", "eth1", "--", "set", "interface", "eth1", "type=dummy")
    assert found(switch) == {}
    switch.vsctl("del-manager")
    (repair,) = found(switch).values()
    mend(switch, repair.replace("ADDRESS", "127.0.0.1"))
    assert found(switch) == {}


BROKEN: dict[str, tuple[list[str], str]] = {
    "flow-restore-wait": (
        ["set", "Open_vSwitch", ".", "other_config:flow-restore-wait=true"],
        "flow-restore-wait is set",
    ),
    "another bridge's controller": (["set-controller", "br-phy", "tcp:192.0.2.9:6653"], "has a controller of its own"),
    "another tunnel": (
        ["add-port", "br-phy", "gre0", "--", "set", "interface", "gre0", "type=gre", "options:remote_ip=192.0.2.9"],
        "bridge br-phy has a gre tunnel too, gre0",
    ),
    "a name of ours": (
        ["add-port", "br-phy", "tun-gre", "--", "set", "interface", "tun-gre", "type=dummy"],
        "that br-int needs",
    ),
    "another manager": (["set-manager", "ptcp:6640:127.0.0.1", "tcp:192.0.2.9:6640"], "connects to another manager"),
    "small packets": (["set", "interface", "br-phy", "mtu_request=1400"], "br-phy carries packets of 1400 bytes"),
    "no contract": (["add-br", "br-int"], "br-int has fail_mode=(not set)"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_is_wrong_and_what_mends_it(switch: Switch, name: str) -> None:
    switch.vsctl("add-br", "br-phy", "--", "set", "bridge", "br-phy", 'other_config:hwaddr="02:00:00:00:00:01"')
    switch.vsctl("add-port", "br-phy", "eth1", "--", "set", "interface", "eth1", "type=dummy")
    command, words = BROKEN[name]
    switch.vsctl(*command)
    wrong = found(switch)
    assert any(words in what for what in wrong), wrong
    for repair in dict.fromkeys(wrong.values()):
        mend(switch, repair.replace("ADDRESS", "127.0.0.1"))
    assert found(switch) == {}


def test_somebody_elses_flows(switch: Switch) -> None:
    switch.vsctl("add-br", "br-phy", "--", "set", "bridge", "br-phy", 'other_config:hwaddr="02:00:00:00:00:01"')
    switch.vsctl("add-port", "br-phy", "eth1", "--", "set", "interface", "eth1", "type=dummy")
    switch.vsctl("add-br", "br-int", "--", "set", "bridge", "br-int", "other_config:disable-in-band=true")
    switch.vsctl("set-fail-mode", "br-int", "secure")
    switch.ofctl("add-flow", "br-int", "cookie=0x17,priority=5,actions=drop")
    ((what, repair),) = found(switch).items()
    assert what == "br-int has 1 flow that is not ours; it can take packets away from ours"
    mend(switch, repair)
    assert found(switch) == {}


def test_a_switch_that_hangs(switch: Switch) -> None:
    """What asks a process that stands still would wait for ever: that it hangs is found, in seconds."""
    switch.vsctl("add-br", "br-phy", "--", "add-br", "br-int")
    switch.freeze("ovs-vswitchd")
    start = time.monotonic()
    try:
        findings = found(switch)
    finally:
        switch.thaw("ovs-vswitchd")
    assert time.monotonic() - start < 30
    assert findings["ovs-vswitchd hangs: it does not answer"] == "systemctl restart openvswitch-switch"
    assert "ovs-vswitchd hangs: it does not answer" not in found(switch)


def test_the_kernel_listens(switch: Switch) -> None:
    """A host without the rules that keep its kernel off instances; with them in place nothing is found.

    The kind of fault: something is as the contract wants it by its name only. So it is tried with packets, and what the
    host has else against spoofing (rp_filter) hides nothing.
    """
    switch.vsctl("add-br", "br-phy", "--", "set", "bridge", "br-phy", 'other_config:hwaddr="02:00:00:00:00:01"')
    switch.vsctl("add-port", "br-phy", "eth1", "--", "set", "interface", "eth1", "type=dummy")
    switch.vsctl("set", "bridge", "br-phy", "datapath_type=netdev")
    bare = run("--db", switch.db_target, kernel=LISTENING)
    assert bare.returncode == 1
    assert "its kernel takes in ARP, IPv4 and IPv6 from interfaces that are not its own" in " ".join(
        bare.stdout.split()
    )
    assert "ovs-vpc host-rules INTERFACE... >/etc/ovs-vpc-host.nft" in " ".join(bare.stdout.split())
    assert found(switch) == {}


ZONES = re.compile("conntrack zones|tracked in zones")


def zones(switch: Switch, run: Run | None = None, network: Network | None = None) -> list[tuple[str, str, str]]:
    """What is found about zones, by somebody who can ask the database only, or can run commands there."""
    seen = read_host(switch.db_target, run)
    assert seen is not None
    found = check(seen, network or Network(), None, is_reached=True)
    return [(one.severity, one.what, one.mend) for one in found if ZONES.search(one.what)]


NOT_CHECKED = (
    "unchecked",
    "not checked, because the database does not say it: whether connections can be tracked in zones",
    "ovs-appctl dpif/show-dp-features br-int | grep 'CT zone'",
)
NO_ZONES = (
    "warning",
    "the datapath 'system' has no conntrack zones: rules that follow connections, such as security groups and NAT, "
    "cannot work on this host",
    "install a kernel that has CONFIG_NF_CONNTRACK_ZONES, as those of the distributions do",
)


def test_conntrack_zones(switch: Switch) -> None:
    """A host whose kernel cannot keep connections apart: nothing would tell before the first rule is refused.

    It is asked, and said not to be known where nobody can be asked.
    """
    assert zones(switch) == []
    switch.vsctl("add-br", "br-phy", "--", "add-br", "br-int")
    assert zones(switch) == [NOT_CHECKED]

    def ask(argv: Sequence[str], seconds: float = 0) -> str | None:
        return switch.appctl(*argv[1:]) if argv[0] == "ovs-appctl" else None

    def ask_one_without(argv: Sequence[str], seconds: float = 0) -> str | None:
        said = ask(argv)
        return said and said.replace("CT zone: Yes", "CT zone: No")

    assert zones(switch, ask) == []
    assert zones(switch, ask_one_without) == [NO_ZONES]
    assert zones(switch, ask_one_without, load(SHIPPED / "shop.yaml")) == [("error", *NO_ZONES[1:])]

    row = ["--id=@datapath", "create", "Datapath", "datapath_version=0"]
    switch.vsctl("--", *row, "--", "set", "Open_vSwitch", ".", "datapaths:system=@datapath")
    wait_until(lambda: "ct_zone" in switch.vsctl("list", "Datapath"), "ovs-vswitchd to write what it can")
    assert zones(switch) == []
    uuid = switch.vsctl("--bare", "--columns=_uuid", "list", "Datapath").strip()
    switch.kill("ovs-vswitchd")
    switch.vsctl("--no-wait", "set", "Datapath", uuid, "capabilities:ct_zone=false")
    assert zones(switch) == [NO_ZONES]


def test_an_old_database(switch: Switch, tmp_path: Path) -> None:
    """One from before Open vSwitch wrote what a datapath can do: it is still a database, and the rest is looked at."""
    schema = json.loads(SCHEMA.read_text())
    del schema["tables"]["Datapath"], schema["tables"]["Open_vSwitch"]["columns"]["datapaths"], schema["cksum"]
    (tmp_path / "schema").write_text(json.dumps(schema))
    switch.kill("ovs-vswitchd")
    switch.kill("ovsdb-server")
    (switch.directory / "conf.db").unlink()
    subprocess.run(["ovsdb-tool", "create", switch.directory / "conf.db", tmp_path / "schema"], check=True)
    switch.start_database()
    switch.vsctl(
        "--no-wait", "init", "--", "add-br", "br-int", "--", "set", "Open_vSwitch", ".", "datapath_types=system"
    )
    assert zones(switch) == [NOT_CHECKED]


WITHOUT_IPV6 = """
import errno, json, socket

class Socket(socket.socket):
    def __init__(self, family=socket.AF_INET, *arguments, **options):
        if family == socket.AF_INET6:
            raise OSError(errno.EAFNOSUPPORT, "Address family not supported by protocol")
        super().__init__(family, *arguments, **options)

from controller.inspect import kernel_probe
socket.socket = Socket
print(json.dumps(kernel_probe.probe()))
"""


def test_a_kernel_without_ipv6() -> None:
    """Some are started with ``ipv6.disable=1``: what can be tried is tried all the same."""
    own_user = [] if os.geteuid() == 0 else ["--user", "--map-root-user"]
    script = f'ip link set lo up && {LISTENING} && exec "$@"'
    knock = ["unshare", *own_user, "--net", "sh", "-c", script, "sh", sys.executable, "-c", WITHOUT_IPV6]
    done = subprocess.run(knock, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {"takes": ["ARP", "IPv4"], "forwards": []}


@pytest.mark.skipif(os.geteuid() != 0, reason="somebody without rights is made by root")
def test_without_rights(switch: Switch) -> None:
    """What cannot be tried is said to be so, and is no error."""
    ours = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", sys.executable, "-m", "controller"]
    done = subprocess.run(
        [*ours, "doctor", "--db", switch.db_target, "--json"], capture_output=True, text=True, timeout=60, check=False
    )
    assert "Traceback" not in done.stderr
    (findings,) = json.loads(done.stdout).values()
    assert [one["severity"] for one in findings if "its kernel takes in" in one["what"]] == ["unchecked"]


def test_nobody_answers() -> None:
    done = run("--db", "unix:/nowhere/db.sock")
    assert done.returncode == 1
    assert "its database cannot be reached: unix:/nowhere/db.sock" in done.stdout


@pytest.mark.parametrize("address", ["", "host86", "tcp:1.2.3", "tcp:[::1]:x", "unix:", "ssl:192.0.2.1:6640"])
def test_what_is_no_address(address: str) -> None:
    done = run("--db", address)
    assert done.returncode == 1
    assert done.stderr == f"error: '{address}' is not the address of a database; write unix:PATH or tcp:ADDRESS:PORT\n"


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "this is not a database server"),
        (b'\xff\xfe{"id":1}', "this is not a database server"),
        (b'{"id":[],"error":null}', "this is not a database server"),
        (b'{"method":7}', "this is not a database server"),
        (b"[1]", "this is not a database server"),
        (b'{"id":1,"result":{},"error":null}', "this is not an Open_vSwitch database"),
        (b'{"id":1,"result":[{"error":"unknown column"},null],"error":null}', "this is not an Open_vSwitch"),
    ],
)
def test_something_else_answers(answer: bytes, problem: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            end, _ = server.accept()
            with end:
                end.recv(1000)
                end.sendall(answer)
                while end.recv(1000):
                    pass

        thread = threading.Thread(target=serve)
        thread.start()
        target = f"tcp:127.0.0.1:{server.getsockname()[1]}"
        done = run("--db", target)
        thread.join()
    assert done.returncode == 1
    assert f"its database cannot be reached: {target}: {problem}" in done.stdout


def test_in_a_lab(capfd: pytest.CaptureFixture[str]) -> None:
    """Hosts that have joined are well; a NIC through which full-size packets do not fit is found by sending some."""
    lab = VpcLab((SHIPPED / "one-vpc.yaml").read_text())
    try:
        assert findings(lab, "h1") == findings(lab, "h2") == []
        lab.run("h1", "nft", "flush", "ruleset")
        (heard,) = findings(lab, "h1", listens=True)
        assert heard.startswith("its kernel takes in ARP and IPv4 from interfaces that are not its own")
        lab.run("h2", "ovs-vsctl", "set", "interface", "br-phy", "mtu_request=1300")
        wait_until(lambda: "mtu 1300" in lab.run("h2", "ip", "link", "show", "br-phy"), "the MTU")
        wrong = findings(lab, "h2")
        assert wrong[0].startswith("br-phy carries packets of 1300 bytes; instances may send 1450, which are 1500")
        assert wrong[-1] == "packets of 1500 bytes do not get to h1 (192.168.50.1)"
        _hangs(lab, capfd)
    finally:
        lab.down()


def _hangs(lab: VpcLab, capfd: pytest.CaptureFixture[str]) -> None:
    """Everything that asks a switch ends within seconds and says that it does not answer."""
    enter = shlex.join(lab.lab.command("h1", []))
    trace = [sys.executable, "-m", "controller", "trace", "a", "b", "--running", "--on-host", enter]
    with stopped(vswitchd(lab, "h1")):
        start = time.monotonic()
        wait_until(lambda: not lab.store.read_status()["hosts"]["h1"]["switch"], "the controller to notice")
        wrong = findings(lab, "h1")
        assert "ovs-vswitchd hangs: it does not answer" in wrong
        assert not any("do not get to" in one for one in wrong), "nothing can get anywhere"
        traced = subprocess.run(
            [*trace, "--state", str(lab.store.directory)], capture_output=True, text=True, timeout=60, check=False
        )
        assert "the switch of host h1 gives no answer within" in traced.stderr
        assert "Traceback" not in traced.stderr
        with pytest.raises(SystemExit):
            list(learned(lab.lab, "h1", lab.desired("h1")))
        assert "the switch of h1 gives no answer within" in capfd.readouterr().err
        assert time.monotonic() - start < 120
    lab.allow(LOST_CONTROLLER)


def findings(lab: VpcLab, host: str, *, listens: bool = False) -> list[str]:
    """What is found on a host. ``listens``: also what :func:`counts` leaves out."""
    found = [one.what for one in examine(Target(lab.store, lab.lab), lab.network, host, None)]
    return [what for what in found if listens or counts(what)]
