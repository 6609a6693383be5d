"""Connections through a real switch with the userspace connection tracking, and through the simulation, end alike.

Sequences of packets, not single ones: what a packet is depends on those before it. The switch writes into each packet
what connection tracking said of it, so that it can be read where the packet leaves.
"""

import struct
from ipaddress import IPv4Address
from pathlib import Path
from random import Random

import pytest

from flows.openflow.actions import Action, Ct, Goto, Move, Output, SetBits, SetField, Term
from flows.openflow.fields import (
    CT_LABEL,
    CT_MARK,
    CT_STATE,
    ETH_DST,
    ETH_SRC,
    ETH_TYPE,
    ETH_TYPE_IPV4,
    IN_PORT,
    IP_DST,
    IP_SRC,
    NEW,
    TRACKED,
    Bits,
)
from flows.openflow.flow import Flow, Shape
from flows.openflow.nat import Nat
from flows.pipeline.registers import VPC
from flows.simulate import Packet, Switch, Unsupported, extract
from tests.control import Control
from tests.switch import Switch as RealSwitch
from tests.switch import wait_until

HOSTS = [IPv4Address("10.0.0.1"), IPv4Address("10.0.0.2"), IPv4Address("192.0.2.9")]
PUBLIC = IPv4Address("192.0.2.1")
ZONE = 7
SYN, ACK = 0x2, 0x10
IP = Term(ETH_TYPE, ETH_TYPE_IPV4)


def ct(*, commit: bool = False, table: int, nat: Nat | None, mark: int = 0) -> Ct:
    remember = (SetField(CT_MARK, mark), SetBits(Bits(CT_LABEL, 64, 16), mark)) if mark else ()
    return Ct(Bits(VPC, 0, 16), commit, table, nat, remember)


def program(nat: Nat | None) -> list[Flow]:
    """Track; commit what is new, translated; show what was found out in the Ethernet addresses; out by port 3."""
    look_up = None if nat is None else Nat()
    shown: tuple[Action, ...] = (
        Move(Bits(CT_STATE, 0, 8), Bits(ETH_SRC, 0, 8)),
        Move(Bits(CT_MARK, 0, 16), Bits(ETH_SRC, 8, 16)),
        Move(Bits(CT_LABEL, 64, 16), Bits(ETH_DST, 0, 16)),
        Output(3),
    )
    inside: tuple[Term, ...] = ()
    if nat is not None:
        inside = (Term(IP_SRC, 10 << 24, 0xFF << 24) if nat.side == "src" else Term(IP_DST, int(PUBLIC)),)
    entering = (SetField(VPC, ZONE), ct(table=1, nat=look_up))
    new = Term(CT_STATE, NEW | TRACKED, NEW | TRACKED)
    shapes = [
        Shape(0, 10, (IP, Term(IN_PORT, 1)), entering),
        Shape(0, 10, (IP, Term(IN_PORT, 2)), entering),
        Shape(1, 10, (IP, new, Term(IN_PORT, 1), *inside), (ct(commit=True, table=2, nat=nat, mark=5),)),
        Shape(1, 5, (IP,), (Goto(2),)),
        Shape(2, 5, (IP,), shown),
    ]
    return [Flow(shape) for shape in shapes]


NATS = {
    "none": None,
    "source": Nat("src", (PUBLIC, PUBLIC)),
    "destination": Nat("dst", (HOSTS[1], HOSTS[1])),
}


class Real:
    """A switch of which packets that leave by port 3 are read. It is a new one for each program: Open vSwitch 3.1.0 can
    abort when translated connections are flushed, and keeps cached flows of a program before for a moment.
    """

    def __init__(self, flows: list[Flow]) -> None:
        self.switch = RealSwitch()
        self.pcap = self.switch.directory / "p3.pcap"
        try:
            self._load(flows)
            self.control = Control(self.switch.directory / "ovs-vswitchd.ctl")
        except BaseException:
            self.switch.stop()
            raise

    def _load(self, flows: list[Flow]) -> None:
        add = ["add-br", "br-int", "--", "set", "bridge", "br-int", "datapath_type=dummy", "fail_mode=secure"]
        for number in (1, 2, 3):
            add += ["--", "add-port", "br-int", f"p{number}", "--", "set", "interface", f"p{number}", "type=dummy"]
            add += [f"ofport_request={number}"]
        self.switch.vsctl(*add, f"options:tx_pcap={self.pcap}")
        path = Path(self.switch.directory, "flows")
        path.write_text("\n".join(f"cookie={flow.cookie:#x},{flow.text()}" for flow in flows))
        self.switch.ofctl("--protocols=OpenFlow14", "--bundle", "replace-flows", "br-int", str(path))

    def __enter__(self) -> "Real":
        return self

    def __exit__(self, *_: object) -> None:
        self.control.close()
        self.switch.stop()

    def send(self, port: int, frame: bytes) -> bytes | None:
        """The frame that leaves by port 3 when this one comes in."""
        before = self.pcap.stat().st_size
        self.control.call("netdev-dummy/receive", f"p{port}", frame.hex())
        wait_until(lambda: self.pcap.stat().st_size > before, f"{frame.hex()} to leave")
        data = self.pcap.read_bytes()[before:]
        (size,) = struct.unpack_from("<I" if self.pcap.read_bytes()[0] == 0xD4 else ">I", data, 8)
        return data[16 : 16 + size]


def ip(proto: int, src: IPv4Address, dst: IPv4Address, body: bytes) -> bytes:
    head = struct.pack("!BBHHHBBH", 0x45, 0, 20 + len(body), 7, 0, 64, proto, 0) + src.packed + dst.packed
    return head[:10] + checksum(head).to_bytes(2) + head[12:] + body


def checksum(data: bytes) -> int:
    total: int = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def udp(src: IPv4Address, dst: IPv4Address, sport: int, dport: int) -> bytes:
    return ip(17, src, dst, struct.pack("!HHHH", sport, dport, 12, 0) + b"data")


def tcp(src: IPv4Address, dst: IPv4Address, ports: tuple[int, int], numbers: tuple[int, int], flags: int) -> bytes:
    """``numbers``: the sequence number, and the one that is acknowledged."""
    body = struct.pack("!HHIIHHHH", *ports, *numbers, 0x5000 | flags, 1000, 0, 0)
    pseudo = src.packed + dst.packed + struct.pack("!HH", 6, len(body))
    return ip(6, src, dst, body[:16] + checksum(pseudo + body).to_bytes(2) + body[18:])


def tcp_answer(about: bytes, src: IPv4Address, dst: IPv4Address) -> bytes:
    """What comes next in a connection, sent by the one who was sent this."""
    sport, dport, number, acknowledged, flags = struct.unpack("!HHIIH", about[20:34])
    if flags & SYN:
        number += 1
    after = {SYN: (SYN | ACK, 500), SYN | ACK: (ACK, acknowledged)}.get(flags & 0x3F, (ACK, acknowledged))
    return tcp(src, dst, (dport, sport), (after[1], number), after[0])


def echo(src: IPv4Address, dst: IPv4Address, kind: int, identifier: int) -> bytes:
    body = struct.pack("!BBHHH", kind, 0, 0, identifier, 1) + b"data"
    return ip(1, src, dst, body[:2] + checksum(body).to_bytes(2) + body[4:])


def error(src: IPv4Address, dst: IPv4Address, about: bytes) -> bytes:
    body = struct.pack("!BBHI", 3, 1, 0, 0) + about[:40]
    return ip(1, src, dst, body[:2] + checksum(body).to_bytes(2) + body[4:])


def frame(packet: bytes) -> bytes:
    return bytes.fromhex("020000000001020000000002") + struct.pack("!H", ETH_TYPE_IPV4) + packet


def a_packet(random: Random, sent: list[bytes]) -> bytes:
    """One that opens, answers or goes on, or an error about one of the last ones."""
    src, dst = random.choice(HOSTS[:2]), HOSTS[2]
    if random.random() < 0.3:
        src, dst = dst, random.choice([HOSTS[1], PUBLIC])
    if sent and random.random() < 0.5:  # the way back of what was seen to leave
        about = random.choice(sent[-4:])
        src, dst = IPv4Address(about[16:20]), IPv4Address(about[12:16])
        if random.random() < 0.3:
            return error(random.choice([src, HOSTS[2]]), dst, about)
        if about[9] == 17:
            return udp(src, dst, int.from_bytes(about[22:24]), int.from_bytes(about[20:22]))
        if about[9] == 6:
            return tcp_answer(about, src, dst)
        if about[9] == 1 and about[20] == 8:
            return echo(src, dst, 0, int.from_bytes(about[24:26]))
    if random.random() < 0.3:
        return tcp(src, dst, (random.choice([1000, 1001]), 80), (100, 0), random.choice([SYN, SYN, SYN, SYN | ACK]))
    if random.random() < 0.5:
        return udp(src, dst, random.choice([1000, 1001]), 53)
    return echo(src, dst, random.choice([8, 8, 0]), random.choice([5, 6]))


def seen(values: Packet) -> dict[str, int]:
    names = (
        "tcp_flags",
        "dl_src",
        "dl_dst",
        "nw_src",
        "nw_dst",
        "nw_proto",
        "tp_src",
        "tp_dst",
        "icmp_type",
        "icmp_id",
    )
    return {name: values.values.get(name, 0) for name in (*names, "quoted_src", "quoted_dst", "quoted_tp_src")}


@pytest.mark.parametrize("nat", NATS)
@pytest.mark.parametrize("seed", range(3))
def test_sequences(nat: str, seed: int) -> None:
    flows = program(NATS[nat])
    with Real(flows) as real:
        compare(real, flows, Random(seed))


@pytest.mark.full
@pytest.mark.parametrize("nat", NATS)
@pytest.mark.parametrize("seed", range(3, 100))
def test_many_sequences(nat: str, seed: int) -> None:
    flows = program(NATS[nat])
    with Real(flows) as real:
        compare(real, flows, Random(seed))


def compare(real: Real, flows: list[Flow], random: Random) -> None:
    """Send packets into both, each made of what has left before."""
    simulated = Switch(flows)
    sent: list[bytes] = []
    story: list[str] = []
    for number in range(60):
        packet = a_packet(random, sent)
        port = random.choice([1, 1, 2])
        came = extract(frame(packet))
        entering = Packet({**came.values, "in_port": port})
        try:
            walk = simulated.receive(entering)
        except Unsupported as unsupported:
            story.append(f"{number}: {entering}: {unsupported}")
            continue
        left = real.send(port, frame(packet))
        assert left is not None
        (copy,) = walk.copies
        story.append(f"{number}: {entering} -> ct_state {copy.packet[CT_STATE]:#x}")
        assert seen(copy.packet) == seen(extract(left)), "\n".join(story)
        sent.append(left[14:])
    assert len(sent) > 30
