"""Refused connections in the log: what is said, of which ports, how often. Any bytes may come."""

import struct
from functools import cache
from ipaddress import IPv4Address
from itertools import count
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import ARP, Ether
from scapy.packet import Packet as Frame
from scapy.packet import Raw
from typer.testing import CliRunner

from controller.cli.main import command_line
from controller.reconcile.packetin import refusal_log
from controller.reconcile.packetin.handling import LeftOut, Packet, RefusedPacket
from controller.reconcile.packetin.refusal_log import QUIET, RefusalLog
from controller.reconcile.packetin.refused import handle
from flows.compile.program import compile
from flows.model import Network, parse
from flows.model.objects.types import NOWHERE
from flows.openflow.flow import COOKIE_DROPS
from flows.pipeline.limits import REFUSALS
from flows.pipeline.tables.refused import FROM_PORT, HEADERS, LOGGED, TO_PORT
from flows.pipeline.templates import Value
from flows.units.groups import GroupedPort
from flows.units.said import Named, Several, Why

NETWORK = """
hosts: {h1: {tunnel_ip: 192.0.2.1}}
vpcs:
  blue: {id: 1, subnets: {a: {cidr: 10.0.0.0/24, routes: [{to: 10.1.0.0/24, via: both}]}}}
  green: {id: 2, subnets: {b: {cidr: 10.1.0.0/24, routes: [{to: 10.0.0.0/24, via: both}]}}}
  other: {id: 3, subnets: {c: {cidr: 10.0.0.0/16}}}
peerings: {both: {between: [blue/a, green/b]}}
security_groups:
  web: {vpc: blue, in: [{tcp: 80}]}
  db: {vpc: blue, in: [], log: true}
  jobs: {vpc: blue, out: []}
ports:
  w: {vpc: blue, ips: [10.0.0.11], host: h1, groups: [web, db, jobs]}
  n: {vpc: blue, ips: [10.0.0.13], host: h1}
  far: {vpc: green, ips: [10.1.0.11], host: h1}
  same: {vpc: other, ips: [10.0.0.99], host: h1}
""".lstrip()
WHY = Why("a test", NOWHERE)
W, N, FAR, NOBODY = "10.0.0.11", "10.0.0.13", "10.1.0.11", "10.0.0.99"


@cache
def model() -> Network:
    return parse(NETWORK, "network.yaml")[0]


@pytest.fixture
def network() -> Network:
    return model()


def values(direction: str = "in", groups: str = "web, db") -> dict[str, Value]:
    return {
        "port": Named(5, "w"),
        "direction": Named(direction == "in", direction),
        "groups": Several(Named(1, name) for name in groups.split(", ")),
    }


def sent_up(frame: bytes, direction: str = "in", groups: str = "web, db") -> Packet:
    """As the switch passes a refused frame up."""
    return Packet(frame[:HEADERS], len(frame), values(direction, groups))


def told(network: Network, inner: Frame, direction: str = "in", groups: str = "web, db") -> str | None:
    """The line about a packet that a log writes that knows no other."""
    decision = handle(sent_up(bytes(Ether() / inner), direction, groups))
    assert isinstance(decision, RefusedPacket), decision
    return RefusalLog().line("h1", decision, network, 0.0)


IN = "no rule 'in' of security groups web, db of w allows it"


@pytest.mark.parametrize(
    ("inner", "line"),
    [
        (IP(src=N, dst=W) / TCP(sport=4000, dport=22), f"n ({N}) to w ({W}) for tcp 22 from port 4000: refused: {IN}"),
        (IP(src=FAR, dst=W) / UDP(sport=4, dport=53), f"far ({FAR}) to w ({W}) for udp 53 from port 4: refused: {IN}"),
        (IP(src=NOBODY, dst=W) / ICMP(), f"{NOBODY} to w ({W}) for ping: refused: {IN}"),
        (IP(src=N, dst=W) / ICMP(type=13, code=7), f"n ({N}) to w ({W}) for icmp 13/7: refused: {IN}"),
        (IP(src=N, dst=W, proto=47), f"n ({N}) to w ({W}) for gre: refused: {IN}"),
        (IP(src=N, dst=W, proto=6, frag=9) / Raw(b"1234"), f"n ({N}) to w ({W}) for tcp: refused: {IN}"),
        (IP(src=N, dst=W, proto=6) / Raw(b"123"), f"n ({N}) to w ({W}) for tcp: refused: {IN}"),
        (IP(src=N, dst=W, proto=1) / Raw(b"1"), f"n ({N}) to w ({W}) for icmp: refused: {IN}"),
        (
            IP(src=N, dst=W, options=bytes(40)) / TCP(sport=1, dport=2),
            f"n ({N}) to w ({W}) for tcp 2 from port 1: refused: {IN}",
        ),
        (
            IP(src=W, dst=N) / TCP(sport=22, dport=4000),
            f"n ({N}) to w ({W}) for tcp 22 from port 4000: its answers are refused: {IN}",
        ),
        (IP(src=W, dst=N) / ICMP(type=0), f"n ({N}) to w ({W}) for ping: its answers are refused: {IN}"),
        (IP(src=NOBODY, dst=N) / TCP(), None),
        (IP(src=W, dst=W) / TCP(), None),
    ],
)
def test_a_line_says_who_whom_for_what_and_which_group(network: Network, inner: Frame, line: str | None) -> None:
    assert told(network, inner) == line


def test_the_other_direction(network: Network) -> None:
    why = "no rule 'out' of security group jobs of w allows it"
    there, back = IP(src=W, dst=FAR) / UDP(sport=7, dport=9), IP(src=FAR, dst=W) / UDP(sport=9, dport=7)
    assert told(network, there, "out", "jobs") == f"w ({W}) to far ({FAR}) for udp 9 from port 7: refused: {why}"
    line = f"w ({W}) to far ({FAR}) for udp 9 from port 7: its answers are refused: {why}"
    assert told(network, back, "out", "jobs") == line


@given(
    st.binary(max_size=90),
    st.integers(0, 255),
    st.integers(5, 15),
    st.integers(0, 0xFFFF),
    st.integers(0, 0xFFFF),
    st.booleans(),
    st.sampled_from(["in", "out"]),
)
def test_any_datagram(
    rest: bytes, protocol: int, words: int, total: int, fragment: int, comes: bool, direction: str
) -> None:
    """An instance makes these bytes: none of them makes the log fail, and none gets into the line as it is."""
    ends = [IPv4Address(N).packed, IPv4Address(W).packed]
    header = struct.pack("!BBHHHBBH", 0x40 | words, 0, total, 0, fragment, 64, protocol, 0)
    frame = b"".join((ETHERNET, header, *(ends if comes else reversed(ends)), rest))
    decision = handle(sent_up(frame, direction))
    if isinstance(decision, RefusedPacket):
        line = RefusalLog().line("h1", decision, model(), 0.0)
        assert line is not None
        assert line.isprintable()


ETHERNET = struct.pack("!6s6sH", b"", b"", 0x800)


@given(st.binary(max_size=160))
@example(b"")
@example(bytes(Ether() / ARP()))
@example(bytes(Ether() / IP(src=N, dst=W, ihl=4) / TCP()))
@example(bytes(Ether() / IP(src=N, dst=W, ihl=15) / TCP()))
@example(bytes(Ether() / IP(src=N, dst=W, version=6) / TCP()))
@example(bytes(Ether() / IP(src=N, dst=W, len=10) / TCP()))
def test_what_is_no_datagram(frame: bytes) -> None:
    decision = handle(sent_up(frame))
    assert isinstance(decision, (RefusedPacket, LeftOut))
    if frame[12:14] != b"\x08\x00":
        assert isinstance(decision, LeftOut)


@pytest.mark.parametrize("change", [{"ihl": 4}, {"ihl": 15}, {"version": 6}, {"len": 10}])
def test_a_broken_header_is_not_logged(change: dict[str, int]) -> None:
    assert isinstance(handle(sent_up(bytes(Ether() / IP(src=N, dst=W, **change) / TCP()))), LeftOut)


def test_a_datagram_ends_where_it_says() -> None:
    """What follows as padding is no port."""
    decision = handle(sent_up(bytes(Ether() / IP(src=N, dst=W, proto=6, len=22) / Raw(bytes(40)))))
    assert isinstance(decision, RefusedPacket)
    assert decision.numbers is None


def test_trace_says_that_it_is_dropped_and_logged(tmp_path: Path) -> None:
    """A packet of which the controller only takes note is dropped, and must not read as if it were answered."""
    file = tmp_path / "network.yaml"
    file.write_text(NETWORK)
    said = CliRunner().invoke(command_line(), ["trace", "n", "w", "--tcp", "22", str(file)]).output
    assert (
        "\ndropped on host h1 in table refused: no rule 'in' of the security groups of w (db, web) allows this; "
        "logged by the controller; limited by meter "
    ) in said


def refused(source_port: int, port: str = "w") -> RefusedPacket:
    return RefusedPacket(port, "in", "web", IPv4Address(N), IPv4Address(W), 6, (source_port, 22))


def test_a_connection_is_logged_once_a_minute(network: Network) -> None:
    """A sender that goes on trying would write a line for each of its packets."""
    log = RefusalLog()
    times = [0.0, 0.1, 1.0, QUIET - 1, QUIET, QUIET + 1, 2 * QUIET]
    assert [now for now in times if log.line("h1", refused(1), network, now)] == [0.0, QUIET, 2 * QUIET]
    assert log.line("h1", refused(2), network, 2 * QUIET) is not None
    assert log.line("h2", refused(2), network, 2 * QUIET) is not None


def test_what_is_remembered_is_bounded(network: Network, monkeypatch: pytest.MonkeyPatch) -> None:
    """A scan names as many connections as it likes: what is remembered of them must not grow without end."""
    monkeypatch.setattr(refusal_log, "_MOST", 50)
    log, ports = RefusalLog(), count()
    assert all(log.line("h1", refused(next(ports)), network, 1.0) for _ in range(1000))
    assert len(log._last) == 50
    assert log.line("h1", refused(999), network, 2.0) is None
    assert log.line("h1", refused(1000), network, 1000.0) is not None
    assert len(log._last) == 1, "what is old is forgotten"


def test_a_port_that_is_gone_is_not_named(network: Network) -> None:
    assert RefusalLog().line("h1", refused(1, "gone"), network, 0.0) is None


def test_only_what_a_logged_group_can_refuse_goes_to_the_controller() -> None:
    """The port is in a logged group that says who may come in. Nothing of what it sends is logged."""
    unit = GroupedPort(
        Named(5, "w"), Several([Named(1, "web")]), False, False, WHY, logged_inbound=Several([Named(1, "web")])
    )
    plain = GroupedPort(Named(6, "n"), Several([Named(1, "web")]), False, False, WHY)
    desired = compile([unit, plain])
    found = {
        (str(one.values["port"]), one.rule): cookie
        for cookie, (one, *_) in desired.applications.items()
        if one.rule in (TO_PORT, FROM_PORT, LOGGED)
    }
    assert found.keys() == {("w", LOGGED), ("w", FROM_PORT), ("n", TO_PORT), ("n", FROM_PORT)}
    assert all(cookie & COOKIE_DROPS for cookie in found.values()), "each is counted as a drop"
    assert ("meter", REFUSALS.of(5).number) in desired.groups_and_meters
    assert ("meter", REFUSALS.of(6).number) not in desired.groups_and_meters
