"""Ports that are announced to move: what is sent to them reaches both of their hosts, and nobody else."""

from flows.model import GATEWAY_MAC
from tests.scenario import SCENARIOS, load
from tests.trace.case import TUNNEL, Case

_NETWORK = load(SCENARIOS / "announced.yaml")
M1, M2, M3 = ((_NETWORK, host) for host in ("h1", "h2", "h3"))

_ROVER, _TRUNK = "0a:00:00:00:00:01", "0a:00:00:00:00:02"


def _ping(ofport: int, port: str, to: str) -> str:
    sender = _NETWORK.ports[port]
    return (
        f"in_port={ofport},icmp,dl_src={sender.mac_address},dl_dst={GATEWAY_MAC},nw_src={sender.address},nw_dst={to},"
        "nw_ttl=64,icmp_type=8"
    )


def _tunnelled(source: str, to: str) -> str:
    outside = f"in_port={TUNNEL},tun_id=1,tun_src=192.168.50.3,dl_src={GATEWAY_MAC},dl_dst={GATEWAY_MAC}"
    return f"{outside},icmp,nw_src={source},nw_dst={to},nw_ttl=64,icmp_type=8"


def _frame(port: int | str, to: str, more: str = "") -> str:
    return f"in_port={port},{more}dl_src=02:00:00:00:00:66,dl_dst={to},dl_type=0x800"


def _from(port: int | str, sender: str, more: str = "") -> str:
    return f"in_port={port},{more}dl_src={sender},dl_dst=ff:ff:ff:ff:ff:ff,dl_type=0x800"


def _told(port: str, host: str) -> str:
    """What happens to a packet of a port that moves, after it has gone its way."""
    return f"the controller is told that {port} has shown up on {host}"


CASES = [
    Case(
        "announced, from its old host",
        M1,
        _ping(2, "old", "10.0.0.2"),
        "out by roamer",
        [TUNNEL, "1"],
        through="a copy to h2 (192.168.50.2) with key 1, and to this host",
    ),
    Case(
        "announced, from its new host",
        M2,
        _ping(2, "new", "10.0.0.2"),
        "out by roamer",
        [TUNNEL, "1"],
        through="a copy to h1 (192.168.50.1) with key 1, and to this host",
    ),
    Case(
        "announced, from a peer elsewhere",
        M3,
        _ping(1, "peer", "10.0.0.2"),
        "out by the tunnel port",
        [TUNNEL, TUNNEL],
        through="with key 1 to h1 (192.168.50.1) and to h2 (192.168.50.2)",
    ),
    Case("announced, to its old host", M1, _tunnelled("10.1.0.2", "10.0.0.2"), "out by roamer", ["1"]),
    Case("announced, to its new host", M2, _tunnelled("10.1.0.2", "10.0.0.2"), "out by roamer", ["1"]),
    Case(
        "announced, it speaks from its old host", M1, _ping(1, "roamer", "10.0.0.4"), "out by the tunnel port", [TUNNEL]
    ),
    Case(
        "announced, to its own address",
        M1,
        _ping(1, "roamer", "10.0.0.2"),
        "from roamer to its own 10.0.0.2 of VPC blue, which is announced to move",
    ),
    Case(
        "announced, it speaks from its new host",
        M2,
        _ping(1, "roamer", "10.0.0.4"),
        _told("roamer", "h2"),
        ["2"],
        datapath=",meter(",
        through="out by new",
    ),
    Case(
        "announced, it says so by RARP",
        M2,
        f"in_port=1,dl_src={_NETWORK.ports['roamer'].mac_address},dl_dst=ff:ff:ff:ff:ff:ff,dl_type=0x8035",
        _told("roamer", "h2"),
        datapath="meter(",
        through="from an instance, neither IPv4 nor ARP",
    ),
    Case(
        "announced MAC, on its old host",
        M1,
        _frame(4, _ROVER, "dl_vlan=101,"),
        _told("trunk", "h1"),
        ["3", TUNNEL],
        through=f"{_ROVER} of segment red is announced",
    ),
    Case("announced MAC, elsewhere", M3, _frame(3, _ROVER), f"{_ROVER} of segment red is announced", [TUNNEL, TUNNEL]),
    Case(
        "announced MAC, from a tunnel",
        M2,
        f"tun_id=20001,tun_src=192.168.50.3,tun_dst=192.168.50.2,{_frame(TUNNEL, _ROVER)}",
        f"{_ROVER} of segment red is announced",
        ["3"],
    ),
    Case(
        "announced MAC, on a physical network",
        M2,
        _frame(4, _TRUNK),
        f"{_TRUNK} of segment office is announced",
        ["60001"],
    ),
    Case(
        "announced, a group, from a tunnel",
        M2,
        f"tun_id=20001,tun_src=192.168.50.1,tun_dst=192.168.50.2,{_from(TUNNEL, _ROVER)}",
        "of segment red, from a tunnel, sent by the half of rover that is on another host: copies to nobody",
    ),
    Case(
        "announced, a group, from a physical network",
        M1,
        _from(60001, _TRUNK, "dl_vlan=1002,"),
        "of segment office, from physical network floor, sent by the half of trunk that is on another host",
    ),
    Case(
        "announced, to itself",
        M1,
        _frame(4, _TRUNK, "dl_vlan=101,"),
        _told("trunk", "h1"),
        through=f"from trunk to its own {_TRUNK} of segment red",
    ),
]
