"""ICMP "time exceeded": what is answered, with what, and what is never answered. Any bytes may come."""

import random
import struct
from ipaddress import IPv4Address

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scapy.layers.inet import ICMP, IP, TCP, UDP
from scapy.layers.l2 import Ether
from scapy.packet import Packet as Frame
from scapy.packet import Raw

from controller.reconcile.packetin.expired import handle
from controller.reconcile.packetin.handling import Answer, LeftOut, Packet
from flows.model import GATEWAY_MAC
from flows.pipeline.tables.gateway import ICMP_QUOTED
from flows.pipeline.templates import Value

MAC, SENDER, GATEWAY, FAR = "0a:00:00:00:00:05", "10.0.0.5", "10.0.0.1", "10.1.0.9"
VALUES: dict[str, Value] = {"gateway": IPv4Address(GATEWAY), "mac": MAC}
ETHERNET = Ether(src=MAC, dst=GATEWAY_MAC)


def sent_up(frame: bytes, most: int = ICMP_QUOTED) -> Packet:
    """As the switch passes a frame up."""
    return Packet(frame[:most], len(frame), VALUES)


def answer(frame: Frame) -> Frame:
    """What is answered, as another implementation reads it."""
    decision = handle(sent_up(bytes(frame)))
    assert isinstance(decision, Answer), decision
    return Ether(decision.frame)


@pytest.mark.parametrize(
    "inner",
    [
        IP(src=SENDER, dst=FAR, ttl=1) / ICMP(id=7, seq=3) / Raw(b"x" * 32),
        IP(src=SENDER, dst=FAR, ttl=0) / UDP(sport=33434, dport=33435) / Raw(b"y" * 1400),
        IP(src=SENDER, dst=FAR, ttl=1, options=b"\x07\x0f\x04" + bytes(13)) / TCP(dport=80),
        IP(src=SENDER, dst=FAR, ttl=1, flags="MF") / UDP() / Raw(b"z" * 100),
        IP(src=SENDER, dst=FAR, ttl=1, proto=99),
        IP(src=SENDER, dst=FAR, ttl=1) / ICMP(type=8) / Raw(b"odd"),
    ],
    ids=["ping", "long UDP", "TCP with options", "first fragment", "nothing inside", "odd length"],
)
def test_the_sender_is_told_by_its_gateway(inner: Frame) -> None:
    got = answer(ETHERNET / inner)
    assert (got.src, got.dst) == (GATEWAY_MAC, MAC)
    assert (got[IP].src, got[IP].dst, got[IP].ttl, got[IP].tos, got[IP].flags) == (GATEWAY, SENDER, 64, 0xC0, "DF")
    assert (got[ICMP].type, got[ICMP].code) == (11, 0)
    assert got[IP].len == len(bytes(got[IP])) <= 576
    quoted = bytes(got[ICMP])[8:]
    assert bytes(inner).startswith(quoted)
    assert len(quoted) == min(len(bytes(inner)), 548)
    again = got.copy()
    del again[IP].chksum, again[ICMP].chksum
    assert bytes(again) == bytes(got), "the checksums are wrong"


def test_padding_is_not_quoted() -> None:
    inner = IP(src=SENDER, dst=FAR, ttl=1) / UDP()
    decision = handle(sent_up(bytes(ETHERNET / inner) + bytes(18)))
    assert isinstance(decision, Answer)
    assert decision.frame[42:] == bytes(inner)


def with_total(total: int) -> Frame:
    """A datagram that says that it is so long, and has 32 bytes."""
    return ETHERNET / IP(src=SENDER, dst=FAR, ttl=1, len=total) / UDP() / Raw(b"four")


@pytest.mark.parametrize(
    ("frame", "why"),
    [
        (ETHERNET / IP(src=SENDER, dst=FAR, ttl=1) / ICMP(type=11) / IP() / UDP(), "it is an ICMP error"),
        (ETHERNET / IP(src=SENDER, dst=FAR, ttl=1) / ICMP(type=3, code=4) / IP() / UDP(), "it is an ICMP error"),
        (ETHERNET / IP(src=SENDER, dst=FAR, ttl=1) / ICMP(type=5), "it is an ICMP error"),
        (ETHERNET / IP(src=SENDER, dst=FAR, ttl=1) / ICMP(type=200), "it is an ICMP error itself, or may be one"),
        (ETHERNET / IP(src=SENDER, dst=FAR, ttl=1, proto=1), "it is an ICMP error itself, or may be one"),
        (ETHERNET / IP(src=SENDER, dst=FAR, ttl=1, frag=5) / Raw(b"x" * 64), "later fragment"),
        (ETHERNET / IP(src=SENDER, dst=FAR, ttl=1, frag=8191, flags="MF") / Raw(b"x" * 64), "later fragment"),
        (ETHERNET / IP(src=SENDER, dst="224.0.0.9", ttl=1) / UDP(), "for a group"),
        (ETHERNET / IP(src=SENDER, dst="255.255.255.255", ttl=1) / UDP(), "for everybody"),
        (ETHERNET / IP(src=SENDER, dst="240.0.0.1", ttl=1) / UDP(), "for a group"),
        (ETHERNET / IP(src=SENDER, dst="127.0.0.1", ttl=1) / UDP(), "for a group or"),
        (Ether(src=MAC, dst="ff:ff:ff:ff:ff:ff") / IP(src=SENDER, dst=FAR, ttl=1) / UDP(), "for a group"),
        (Ether(src=MAC, dst="01:00:5e:00:00:09") / IP(src=SENDER, dst=FAR, ttl=1) / UDP(), "for a group"),
        (Ether(src="0a:00:00:00:00:06", dst=GATEWAY_MAC) / IP(src=SENDER, dst=FAR, ttl=1) / UDP(), "another's by now"),
        (ETHERNET / IP(src="0.0.0.0", dst=FAR, ttl=1) / UDP(), "no single machine"),
        (ETHERNET / IP(src="224.0.0.1", dst=FAR, ttl=1) / UDP(), "no single machine"),
        (ETHERNET / IP(src="255.255.255.255", dst=FAR, ttl=1) / UDP(), "no single machine"),
        (ETHERNET / IP(src="127.0.0.1", dst=FAR, ttl=1) / UDP(), "no single machine"),
        (with_total(65535), "header is broken"),
        (with_total(33), "header is broken"),
        (with_total(19), "header is broken"),
        (with_total(0), "header is broken"),
        (ETHERNET / IP(src=SENDER, dst=FAR, ttl=1, chksum=1) / UDP(), "header is broken"),
        (ETHERNET / IP(src=SENDER, dst=FAR, ttl=1, ihl=4) / UDP(), "header is broken"),
        (ETHERNET / IP(src=SENDER, dst=FAR, ttl=1, ihl=15) / UDP(), "header is broken"),
        (ETHERNET / IP(src=SENDER, dst=FAR, ttl=1, version=6) / UDP(), "header is broken"),
        (Ether(src=MAC, dst=GATEWAY_MAC, type=0x86DD) / Raw(bytes(60)), "header is broken"),
        (Raw(b""), "header is broken"),
        (Raw(bytes(33)), "header is broken"),
    ],
)
def test_what_is_never_answered(frame: Frame, why: str) -> None:
    decision = handle(sent_up(bytes(frame)))
    assert isinstance(decision, LeftOut)
    assert why in decision.why


def test_a_frame_that_the_switch_has_cut_short_is_answered() -> None:
    whole = bytes(ETHERNET / IP(src=SENDER, dst=FAR, ttl=1) / UDP() / Raw(bytes(1000)))
    assert isinstance(handle(sent_up(whole, 64)), Answer)
    assert isinstance(handle(sent_up(whole, 33)), LeftOut)


SOUND = [
    bytes(ETHERNET / IP(src=SENDER, dst=FAR, ttl=1) / ICMP() / Raw(b"x" * 56)),
    bytes(ETHERNET / IP(src=SENDER, dst=FAR, ttl=1) / UDP() / Raw(b"x" * 700)),
    bytes(ETHERNET / IP(src=SENDER, dst=FAR, ttl=1, options=b"\x01" * 8) / TCP()),
]


def sum_right(frame: bytes) -> bytes:
    """The frame with a right checksum of its IPv4 header, where there is room for one: so mutations get further."""
    size = (frame[14] & 0xF) * 4 if len(frame) >= 34 else 0
    if size < 20 or len(frame) < 14 + size:
        return frame
    header = frame[14:24] + bytes(2) + frame[26 : 14 + size]
    total = sum(struct.unpack(f"!{size // 2}H", header))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return frame[:24] + struct.pack("!H", 0xFFFF - total) + frame[26:]


def check_sound(packet: Packet) -> None:
    """Whatever comes: no exception; an answer is well formed, of at most 576 bytes, and to the port's own instance."""
    decision = handle(packet)
    if isinstance(decision, LeftOut):
        return
    assert isinstance(decision, Answer)
    got = Ether(decision.frame)
    assert got.dst == MAC
    assert got[IP].src == GATEWAY
    assert got[IP].len == len(decision.frame) - 14 <= 576
    assert packet.frame[14:].startswith(decision.frame[42:])


@given(st.binary(max_size=700), st.integers(0, 65535))
@example(b"", 0)
def test_any_bytes(frame: bytes, length: int) -> None:
    check_sound(Packet(frame, length, VALUES))


@given(st.sampled_from(SOUND), st.randoms(use_true_random=False), st.integers(0, 12), st.booleans())
def test_sound_frames_with_some_other_bytes(frame: bytes, rng: random.Random, changes: int, right: bool) -> None:
    check_sound(mutated(frame, rng, changes, right=right))


def mutated(frame: bytes, rng: random.Random, changes: int, *, right: bool) -> Packet:
    """A frame with some bytes changed, cut or added, and passed up by the switch."""
    data = bytearray(frame)
    for _ in range(changes):
        data[rng.randrange(12, min(len(data), 60))] = rng.choice([0, 1, 0x45, 0x7F, 0x80, 0xFF, rng.randrange(256)])
    whole = bytes(data[: rng.choice([len(data), len(data), rng.randrange(len(data) + 1)])])
    whole = sum_right(whole) if right else whole
    return Packet(whole[: rng.choice([ICMP_QUOTED, 64, rng.randrange(1, 700)])], len(whole), VALUES)


def test_many_mutations_of_sound_frames() -> None:
    rng = random.Random(1)
    answered = 0
    for _ in range(20_000):
        packet = mutated(rng.choice(SOUND), rng, rng.randrange(4), right=True)
        decision = handle(packet)
        answered += isinstance(decision, Answer)
        assert len(decision.frame) <= 590 if isinstance(decision, Answer) else decision.why
    assert 1_000 < answered < 19_000
