"""Networks of plain switches and routers: two subnets (S2), two LANs (S3), a data centre of racks (S4)."""

import re
from collections.abc import Callable, Sequence

import pytest
from scapy.all import Ether, Packet

from controller.cli.change.migrate import is_on
from controller.cli.common.state import Target
from controller.cli.lab.ping import ping_all, plugged
from mininet_topos.probes.comparing import Pair
from tests.integration.vpclab import VpcLab
from tests.scenario import SHIPPED
from tests.switch import wait_until

pytestmark = pytest.mark.lab
Labs = Callable[[str], VpcLab]

TWO_SUBNETS, TWO_LANS, DATA_CENTRE = (
    (SHIPPED / f"{name}.yaml").read_text() for name in ("two-subnets", "two-lans", "data-centre")
)
LEFT = "No such device|Network is down|No such device or address|cannot get R?STP status on nonexistent port"
"""What Open vSwitch says when an interface leaves it: in a lab the machine goes first, its port after it."""


def all_pairs(lab: VpcLab) -> list[Pair]:
    ports = plugged(lab.store, lab.network)
    return ping_all(lab.lab, lab.network, ports, ports)


def answered(pairs: Sequence[Pair], source: str, target: str) -> bool:
    return next(pair.answered for pair in pairs if (pair.source, pair.target) == (source, target))


def requests(packets: Sequence[Packet]) -> set[tuple[str, str, str, str, int]]:
    """Of ping requests: source and destination MAC, source and destination IP, time to live."""
    found = [packet for packet in packets if "ICMP" in packet and packet["ICMP"].type == 8]
    return {(p[Ether].src, p[Ether].dst, p["IP"].src, p["IP"].dst, p["IP"].ttl) for p in found}


@pytest.mark.system("S2")
def test_macs_change_at_the_router_and_ips_do_not(labs: Labs) -> None:
    lab = labs(TWO_SUBNETS)
    a, b = lab.mac("server-a", "eth0"), lab.mac("server-b", "eth0")
    lan1, lan2 = lab.mac("r1", "lan1"), lab.mac("r1", "lan2")
    with lab.capture("server-a") as near, lab.capture("server-b") as far:
        assert lab.ping("server-a", "server-b").lost == 0
    assert requests(near) == {(a, lan1, "192.168.1.101", "192.168.4.101", 64)}
    assert requests(far) == {(lan2, b, "192.168.1.101", "192.168.4.101", 63)}
    assert len({a, b, lan1, lan2}) == 4


@pytest.mark.system("S2")
def test_inside_a_subnet_nothing_passes_the_router(labs: Labs) -> None:
    lab = labs(TWO_SUBNETS)
    with lab.capture("r1", "lan1") as at_router, lab.capture("neighbour") as packets:
        assert lab.ping("server-a", "neighbour").lost == 0
    assert requests(at_router) == set()
    macs = lab.mac("server-a", "eth0"), lab.mac("neighbour", "eth0")
    assert requests(packets) == {(*macs, "192.168.1.101", "192.168.1.102", 64)}


@pytest.mark.system("S2")
def test_every_pair_of_two_subnets(labs: Labs) -> None:
    pairs = all_pairs(labs(TWO_SUBNETS))
    assert [pair for pair in pairs if not pair.answered] == []
    assert [pair for pair in pairs if not pair.is_right] == []


@pytest.mark.system("S3")
def test_two_lans_with_static_routes(labs: Labs) -> None:
    lab = labs(TWO_LANS)
    pairs = all_pairs(lab)
    assert [pair for pair in pairs if not pair.is_right or not pair.answered] == []
    with lab.capture("r2", "wan") as packets:
        assert lab.ping("h1", "h5").lost == 0
    # The next hop of each router is the other one.
    macs = lab.mac("r1", "wan"), lab.mac("r2", "wan")
    assert requests(packets) == {(*macs, "10.10.70.1", "192.168.12.2", 63)}


@pytest.mark.system("S3")
@pytest.mark.parametrize("router", ["r1", "r2"])
def test_two_lans_without_the_routes_of_one_router(labs: Labs, router: str) -> None:
    lab = labs(TWO_LANS)
    routes = [line.split(" dev ")[0] for line in lab.run(router, "ip", "route").splitlines() if " via " in line]
    for route in routes:
        lab.run(router, "ip", "route", "del", *route.split())
    lines = TWO_LANS.splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if line.startswith(f"  {router}:"))
    gone = {at + i for i, line in enumerate(lines[at : at + 10]) if re.match("    routes:|      - ", line)}
    # r1 is declared before r2, whose routes stay.
    last = next((number for number, line in enumerate(lines) if number > at and line.startswith("  r2:")), len(lines))
    lab.apply("".join(line for number, line in enumerate(lines) if number not in gone or number >= last))
    try:
        pairs = all_pairs(lab)
    finally:
        for route in routes:
            lab.run(router, "ip", "route", "add", *route.split())
    assert [pair for pair in pairs if not pair.is_right] == []
    for pair in pairs:
        assert pair.answered == ("h5" not in (pair.source, pair.target)), pair


@pytest.mark.system("S4")
def test_racks_of_the_data_centre(labs: Labs) -> None:
    lab = labs(DATA_CENTRE)
    pairs = all_pairs(lab)
    assert [pair for pair in pairs if not pair.is_right or not pair.answered] == []
    with lab.capture("vm31") as packets:
        assert lab.ping("vm11", "vm31").lost == 0
    macs = lab.mac("core", "rack3"), lab.mac("vm31", "eth0")
    assert requests(packets) == {(*macs, "10.10.1.11", "10.10.3.31", 63)}


@pytest.mark.system("S4")
def test_instance_in_another_rack_is_out_of_reach(labs: Labs) -> None:
    lab = labs(DATA_CENTRE)
    lab.allow(LEFT)
    move(lab, "vm11", "access2")
    try:
        pairs = all_pairs(lab)
    finally:
        move(lab, "vm11", "access1")
    assert [pair for pair in pairs if not pair.is_right] == []
    for pair in pairs:
        assert pair.answered == ("vm11" not in (pair.source, pair.target)), pair
    assert lab.ping("vm12", "vm11").lost == 0
    assert lab.ping("vm21", "vm11").lost == 0


def move(lab: VpcLab, port: str, switch: str) -> None:
    """What ``ovs-vpc migrate`` does."""
    generation = lab.store.move(port, switch)
    lab.lab.plug(port, switch)
    wait_until(lambda: is_on(Target(lab.store, lab.lab), port, switch, generation), f"{port} to be on {switch}")
