"""All that can stop traffic on a host, done by hand: each is repaired, or reported with what mends it, or harmless.

The kind of fault: something outside the flows stops packets, and ``status`` says that all is well. The list is the
table of docs/what-stops-traffic.md; a line there without a case here fails, and a case without a line.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest

from tests.integration.test_underlay_faults import EXPECTED, SECONDS, run, status
from tests.integration.vpclab import VpcLab
from tests.scenario import ROOT
from tests.switch import wait_until

pytestmark = pytest.mark.lab

TEXT = """
encapsulation: vxlan
hosts:
  h1: {tunnel_ip: 192.168.50.1}
  h2: {tunnel_ip: 192.168.50.2}
vpcs:
  blue: {id: 100, subnets: {lan: {cidr: 10.0.0.0/24}}}
ports:
  a: {vpc: blue, ips: [10.0.0.11], host: h1}
  aa: {vpc: blue, ips: [10.0.0.12], host: h1}
  b: {vpc: blue, ips: [10.0.0.13], host: h2}
"""
ADDRESS = "ip address flush dev br-phy; ip address add 192.168.50.1/24 dev br-phy"
UNREACHED = "h1 cannot reach h2 over the underlay|h2 cannot reach h1"


@dataclass(frozen=True)
class Case:
    """Commands for h1."""

    do: str
    says: str = ""
    """What ``status`` says of it: drift where it is repaired, what is wrong where it is reported."""
    undo: str = "true"


def _mod_port(what: str, port: str = "a") -> Case:
    return Case(f"ovs-ofctl mod-port br-int {port} {what}", f"port {port} {what} -> open")


def _spanning_tree(column: str) -> Case:
    off = f"ovs-vsctl set Bridge br-int {column}=false"
    # It is switched off once the switch works with it: Open vSwitch 3.1 may miss that when it follows at once.
    return Case(f"ovs-vsctl set bridge br-int {column}=true; sleep 2", f"{column} is set on br-int.*'{off}'", off)


def _set(what: str, says: str) -> Case:
    return Case(f"ovs-vsctl {what}", says)


INSTANCE, TUNNEL, BRIDGE, PHYSICAL = "port of an instance", "tunnel port", "br-int", "br-phy"
MIRROR = (
    "ovs-vsctl -- --id=@p get port {} -- --id=@m create mirror name=m select_all=true output_port=@p "
    "-- set bridge {} mirrors=@m"
)
CASES: dict[tuple[str, str], Case] = {
    (BRIDGE, "`ovs-ofctl mod-port br-int PORT no-receive`"): _mod_port("no-receive"),
    (BRIDGE, "`ovs-ofctl mod-port br-int PORT no-forward`"): _mod_port("no-forward"),
    (BRIDGE, "`ovs-ofctl mod-port br-int PORT no-packet-in`"): _mod_port("no-packet-in"),
    (BRIDGE, "`ovs-ofctl mod-port br-int PORT no-flood`"): Case("ovs-ofctl mod-port br-int a no-flood"),
    (BRIDGE, "`ovs-ofctl mod-port br-int PORT down`"): Case(
        "ovs-ofctl mod-port br-int a down", "port a: its interface a is down", "ip link set dev a up"
    ),
    (BRIDGE, "`ovs-ofctl set-frags br-int drop`"): Case("ovs-ofctl set-frags br-int drop", "fragments"),
    (BRIDGE, "`ovs-ofctl set-frags br-int nx-match`"): Case("ovs-ofctl set-frags br-int nx-match", "fragments"),
    (BRIDGE, "a flow that is not ours, in a table of ours"): Case(
        "ovs-ofctl add-flow br-int cookie=0x17,priority=65535,actions=drop",
        r"in table classify 1 flow that is not ours .*cookie 0x17.*'ovs-ofctl del-flows br-int cookie=0x17/-1'",
        "ovs-ofctl del-flows br-int cookie=0x17/-1",
    ),
    (BRIDGE, "all flows of ours deleted"): Case("ovs-ofctl del-flows br-int", "by somebody else"),
    (BRIDGE, "a group and a meter that are not ours"): Case(
        "ovs-ofctl -OOpenFlow14 add-group br-int group_id=7,type=all,bucket=drop; "
        "ovs-ofctl -OOpenFlow14 add-meter br-int meter=7,kbps,band=type=drop,rate=1",
        undo="ovs-ofctl -OOpenFlow14 del-groups br-int; ovs-ofctl -OOpenFlow14 del-meters br-int",
    ),
    (BRIDGE, "`stp_enable=true`"): _spanning_tree("stp_enable"),
    (BRIDGE, "`rstp_enable=true`"): _spanning_tree("rstp_enable"),
    (BRIDGE, "`mcast_snooping_enable=true`"): Case(
        "ovs-vsctl set bridge br-int mcast_snooping_enable=true",
        undo="ovs-vsctl set bridge br-int mcast_snooping_enable=false",
    ),
    (BRIDGE, "`flood_vlans`"): Case(
        "ovs-vsctl set bridge br-int flood_vlans=0", undo="ovs-vsctl clear bridge br-int flood_vlans"
    ),
    (BRIDGE, "`fail_mode=standalone`"): _set("set-fail-mode br-int standalone", "fail_mode standalone -> secure"),
    (BRIDGE, "the controller removed"): _set("del-controller br-int", "controller of br-int added"),
    (BRIDGE, "the bridge removed from OpenFlow 1.4 by `protocols`"): _set(
        "set bridge br-int protocols=OpenFlow10", "protocols OpenFlow10 ->"
    ),
    (BRIDGE, "a mirror of all packets to a port"): Case(
        MIRROR.format("aa", "br-int"), undo="ovs-vsctl clear bridge br-int mirrors"
    ),
    (INSTANCE, "`tag`, `trunks`, `vlan_mode`"): Case(
        "ovs-vsctl set port a tag=5 trunks=6,7 vlan_mode=native-tagged",
        undo="ovs-vsctl clear port a tag trunks vlan_mode",
    ),
    (INSTANCE, "`protected` on two of them"): Case(
        "ovs-vsctl set port a protected=true -- set port aa protected=true",
        "the ports a, aa of br-int are protected",
        "ovs-vsctl set Port a protected=false -- set Port aa protected=false",
    ),
    (INSTANCE, "its device taken down"): Case(
        "ip link set dev a down", "port a: its interface a is down: 'ip link set dev a up'", "ip link set dev a up"
    ),
    (INSTANCE, "a smaller MTU than instances have"): Case(
        "ip link set dev a mtu 1300",
        "port a: its interface a takes packets of 1300 bytes",
        "ip link set dev a mtu 1450",
    ),
    (INSTANCE, "its device deleted and made again under the same name"): Case(
        "ip link set dev a down; ip link set dev a name gone; ip link add name a type veth peer name a-end; "
        "ip link set dev a-end up; ip link set dev a up",
        r"a \(its device was made again\) ofport_request",
        "ip link del dev a; ip link set dev gone name a; ip link set dev a up",
    ),
    (TUNNEL, "removed"): _set("del-port br-int tun-vxlan", "port tun-vxlan added"),
    (TUNNEL, "`mod-port no-receive`"): _mod_port("no-receive", "tun-vxlan"),
    (TUNNEL, "`mod-port no-forward`"): _mod_port("no-forward", "tun-vxlan"),
    (TUNNEL, "`options:dst_port`, `options:key`, `options:remote_ip`"): _set(
        "set interface tun-vxlan options:dst_port=4790 options:key=9 options:remote_ip=192.0.2.9", "tun-vxlan options"
    ),
    (TUNNEL, "another `type`"): _set("set interface tun-vxlan type=gre", "tun-vxlan type gre -> vxlan"),
    (TUNNEL, "`protected`, with that of an instance"): Case(
        "ovs-vsctl set port a protected=true -- set port tun-vxlan protected=true",
        "tun-vxlan protected True -> False",
        "ovs-vsctl set port a protected=false",
    ),
    (PHYSICAL, "its NIC taken down"): Case(
        "ip link set dev eth0 down", "eth0 on br-phy is down.*'ip link set dev eth0 up'", "ip link set dev eth0 up"
    ),
    (PHYSICAL, "its NIC has no link"): Case("", "eth0 on br-phy has no link"),
    (PHYSICAL, "its NIC has a smaller MTU"): Case(
        "ip link set dev eth0 mtu 1400", "eth0 on br-phy carries packets of 1400 bytes", "ip link set dev eth0 mtu 1500"
    ),
    (PHYSICAL, "its NIC removed from the bridge"): Case(
        "ovs-vsctl del-port br-phy eth0", UNREACHED, "ovs-vsctl add-port br-phy eth0"
    ),
    (PHYSICAL, "the bridge's own interface taken down"): Case(
        "ip link set dev br-phy down", "br-phy on br-phy is down", f"ip link set dev br-phy up; {ADDRESS}"
    ),
    (PHYSICAL, "its tunnel address removed"): Case("ip address flush dev br-phy", UNREACHED, ADDRESS),
    (PHYSICAL, "a flow that drops all"): Case(
        "ovs-ofctl add-flow br-phy priority=9,actions=drop",
        UNREACHED,
        "ovs-ofctl --strict del-flows br-phy priority=9",
    ),
    (PHYSICAL, "`fail_mode=secure` without flows"): Case(
        "ovs-vsctl set-fail-mode br-phy secure; ovs-ofctl del-flows br-phy",
        UNREACHED,
        "ovs-vsctl del-fail-mode br-phy; ovs-ofctl add-flow br-phy priority=0,actions=normal",
    ),
    (PHYSICAL, "a mirror whose output is the NIC"): Case(
        MIRROR.format("eth0", "br-phy"), UNREACHED, "ovs-vsctl clear bridge br-phy mirrors"
    ),
    ("Open_vSwitch", "`other_config:flow-limit=0`"): Case(
        "ovs-vsctl set Open_vSwitch . other_config:flow-limit=0",
        undo="ovs-vsctl remove Open_vSwitch . other_config flow-limit",
    ),
}


def documented() -> dict[tuple[str, str], str]:
    """The lines of the table."""
    lines = (ROOT / "docs" / "what-stops-traffic.md").read_text().splitlines()
    rows = [[cell.strip() for cell in line.strip("|").split(" | ")] for line in lines if line.startswith("| ")]
    return {(where, what): outcome for where, what, outcome in rows if where not in ("where", "---")}


def test_the_table_and_the_cases_are_the_same() -> None:
    assert documented().keys() == CASES.keys()
    assert set(documented().values()) == {"repaired", "reported", "harmless"}


def drift(lab: VpcLab) -> str:
    return (lab.lab.path / "controller" / "controller.log").read_text()


@pytest.mark.parametrize("where", CASES, ids=" ".join)
def test_it_is_told(labs: Callable[[str], VpcLab], where: tuple[str, str]) -> None:
    lab, case, outcome = labs(TEXT), CASES[where], documented()[where]
    lab.allow(EXPECTED + "|.")  # each of these is a fault that the switch rightly complains of
    wait_until(lambda: status(lab) == [], "all to be well", SECONDS)
    before = len(drift(lab))
    do, undo, node = case.do, case.undo, "h1"
    if where[1] == "its NIC has no link":
        do, undo, node = "ip link set dev host.1 down", "ip link set dev host.1 up", "underlay"
    lab.run(node, "sh", "-c", do)
    try:
        match outcome:
            case "repaired":
                wait_until(lambda: re.search(f"drift: .*{case.says}", drift(lab)[before:]), "the repair", SECONDS)
                # What is wrong in tables that switches do not report of is found a moment later.
                wait_until(lambda: lab.differences() == [], "the flows of the model", SECONDS)
            case "reported":
                wait_until(lambda: any(re.search(case.says, one) for one in status(lab)), "the report", SECONDS)
                assert run(lab, "why-not", "a", "b").returncode == 1
            case _:
                assert status(lab) == []
                assert lab.ping("a", "b").lost == 0
    finally:
        lab.run(node, "sh", "-c", undo)
    wait_until(lambda: status(lab) == [], "all to be well again", SECONDS)
    wait_until(lambda: lab.ping("a", "b", 1).lost == 0, "packets again", SECONDS)
    assert lab.ping("a", "b").lost == lab.ping("aa", "b").lost == 0
