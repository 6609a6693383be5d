"""Connection tracking as Open vSwitch's userspace datapath does it (lib/conntrack.c of 3.1), but for time and windows.

Time stands still: no connection times out. Of TCP the flags count and not the sequence numbers; a packet for which
these would decide raises :class:`~flows.simulate.packet.Unsupported`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from itertools import chain

from flows.openflow.fields import (
    CT_IP_DST,
    CT_IP_PROTO,
    CT_IP_SRC,
    CT_LABEL,
    CT_MARK,
    CT_STATE,
    CT_TP_DST,
    CT_TP_SRC,
    CT_ZONE,
    DNAT,
    ESTABLISHED,
    ETH_TYPE,
    ETH_TYPE_IPV4,
    ICMP_CODE,
    ICMP_TYPE,
    INVALID,
    IP_DST,
    IP_FRAG,
    IP_PROTO,
    IP_SRC,
    NEW,
    PROTO_ICMP,
    PROTO_TCP,
    PROTO_UDP,
    RELATED,
    REPLY,
    SNAT,
    TCP_DST,
    TCP_FLAGS,
    TCP_SRC,
    TRACKED,
    Field,
)
from flows.openflow.nat import Nat
from flows.simulate.packet import ICMP_ID, QUOTED, Packet, Unsupported

_FIN, _SYN, _RST, _ACK = 0x1, 0x2, 0x4, 0x10
_ASKS = {8: 0, 13: 14, 15: 16, 17: 18}
"""ICMP types that open a connection, each with the one that answers (RFC 792)."""
_EPHEMERAL = 1024
"""The first of the ports that a translation may choose when none are named."""
_ERRORS = (3, 4, 5, 11, 12)
"""ICMP errors: types that carry the beginning of another packet."""


@dataclass(frozen=True, slots=True)
class Tuple:
    """The addresses and ports of a connection in one direction. For ICMP both ports are the identifier, and ``kind`` is
    the type; otherwise ``kind`` is 0.
    """

    proto: int
    src: int
    dst: int
    tp_src: int
    tp_dst: int
    kind: int = 0
    code: int = 0

    @property
    def back(self) -> "Tuple":
        """The answer's."""
        kind = _answering(self.kind) if self.proto == PROTO_ICMP else 0
        return Tuple(self.proto, self.dst, self.src, self.tp_dst, self.tp_src, kind, self.code)


def _answering(kind: int) -> int:
    return {**_ASKS, **{answer: asks for asks, answer in _ASKS.items()}}.get(kind, kind)


@dataclass(slots=True)
class _Connection:
    """One connection of one zone."""

    original: Tuple
    answer: Tuple
    """What answers look like on the wire. With address translation this is not just the original turned round."""
    mark: int = 0
    label: int = 0
    is_answered: bool = False
    is_closing: bool = False
    nat: int = 0
    """The side that is translated, if any: ``SNAT`` or ``DNAT``."""


class Connections:
    """The connections that one host tracks, by zone."""

    def __init__(self) -> None:
        self._known: dict[tuple[int, Tuple], _Connection] = {}

    def track(self, packet: Packet, zone: int, *, commit: bool, nat: Nat | None) -> Packet:
        """The packet with the state of its connection. A new connection is remembered if ``commit`` says so."""
        if packet[ETH_TYPE] != ETH_TYPE_IPV4 or packet[IP_FRAG]:
            raise Unsupported("connection tracking of fragments and of other than IPv4 is not simulated")
        if nat is not None and nat.side is not None and packet[CT_STATE] & (SNAT | DNAT):
            raise Unsupported("a second translation of one packet is not simulated")
        quoted = _quoted(packet)
        tuple_ = quoted.back if quoted else _tuple(packet)
        found = self._known.get((zone, tuple_))
        if found is None:
            state = INVALID if quoted or not _may_open(packet) else NEW
            if state == NEW and commit:
                found = self._open(packet, tuple_, zone, nat)
        else:
            is_reply = tuple_ == found.answer
            state = RELATED if quoted else self._update(found, packet, is_reply)
            state |= REPLY if is_reply and state not in (INVALID, NEW) else 0
        tracked = _tracked(packet, zone, state, found, tuple_)
        return tracked if found is None or nat is None or state == INVALID else _translated(tracked, found, tuple_)

    def remember(self, packet: Packet, marked: Packet) -> Packet:
        """Give a packet's connection, if it has one, and the packet itself another mark and label."""
        found = self._known.get((packet[CT_ZONE], _original(packet)))
        if found is None:
            return packet
        found.mark, found.label = marked[CT_MARK], marked[CT_LABEL]
        return marked

    def _open(self, packet: Packet, original: Tuple, zone: int, nat: Nat | None) -> _Connection | None:
        """A new connection. None: no address and port are left to translate it to."""
        answer = original.back
        side = 0
        if nat is not None and nat.side is not None:
            side = SNAT if nat.side == "src" else DNAT
            free = (answer for answer in _translations(original, nat) if (zone, answer) not in self._known)
            chosen = next(free, None)
            if chosen is None:
                return None
            if chosen == answer:
                raise Unsupported("a translation that changes nothing can abort Open vSwitch 3.1.0")
            answer = chosen
        opened = _Connection(original, answer, nat=side)
        self._known[zone, original] = self._known[zone, answer] = opened
        return opened

    def _update(self, connection: _Connection, packet: Packet, is_reply: bool) -> int:
        """A packet of a known connection: the state that it has by that."""
        if connection.original.proto == PROTO_TCP:
            return _update_tcp(connection, packet[TCP_FLAGS], is_reply)
        if is_reply:
            connection.is_answered = True
            return ESTABLISHED
        return ESTABLISHED if connection.is_answered else NEW


def _update_tcp(connection: _Connection, flags: int, is_reply: bool) -> int:
    """For a handshake in its right order, and what is sent after it (RFC 9293)."""
    if connection.is_closing:
        raise Unsupported("what comes after the end of a TCP connection is not simulated")
    opens = flags & (_SYN | _ACK | _RST | _FIN)
    if opens == _SYN:
        if connection.is_answered or is_reply:
            raise Unsupported("a second connection of the same ports is not simulated")
        return NEW
    if not connection.is_answered:
        if not is_reply or opens != _SYN | _ACK:
            raise Unsupported("a TCP handshake out of order is not simulated")
        connection.is_answered = True
    connection.is_closing = bool(flags & (_RST | _FIN))
    return ESTABLISHED


def _tuple(packet: Packet) -> Tuple:
    proto, src, dst = packet[IP_PROTO], packet[IP_SRC], packet[IP_DST]
    if proto == PROTO_ICMP:
        return Tuple(proto, src, dst, packet[ICMP_ID], packet[ICMP_ID], packet[ICMP_TYPE], packet[ICMP_CODE])
    if proto not in (PROTO_TCP, PROTO_UDP):
        return Tuple(proto, src, dst, 0, 0)
    return Tuple(proto, src, dst, packet[TCP_SRC], packet[TCP_DST])


def _quoted(packet: Packet) -> Tuple | None:
    """The packet that an ICMP error is about."""
    if packet[IP_PROTO] != PROTO_ICMP or packet[ICMP_TYPE] not in _ERRORS:
        return None
    return Tuple(*(packet[each] for each in QUOTED))


def _original(packet: Packet) -> Tuple:
    """The connection's first packet, as it stands in a packet that was tracked."""
    proto, src, dst = packet[CT_IP_PROTO], packet[CT_IP_SRC], packet[CT_IP_DST]
    if proto == PROTO_ICMP:
        return Tuple(proto, src, dst, packet[ICMP_ID], packet[ICMP_ID], packet[CT_TP_SRC], packet[CT_TP_DST])
    return Tuple(proto, src, dst, packet[CT_TP_SRC], packet[CT_TP_DST])


def _may_open(packet: Packet) -> bool:
    """Whether a connection can begin with a packet like this."""
    if packet[IP_PROTO] == PROTO_ICMP:
        return packet[ICMP_TYPE] in _ASKS
    flags = packet[TCP_FLAGS] & (_SYN | _ACK | _RST | _FIN)
    return packet[IP_PROTO] != PROTO_TCP or (flags & (_SYN | _ACK) != _SYN | _ACK and not flags & (_RST | _FIN))


def _tracked(packet: Packet, zone: int, state: int, found: _Connection | None, tuple_: Tuple) -> Packet:
    """The packet with everything that a match can ask of connection tracking."""
    original = tuple_ if found is None else found.original
    ports = (original.kind, original.code) if original.proto == PROTO_ICMP else (original.tp_src, original.tp_dst)
    return packet.having(
        (CT_STATE, packet[CT_STATE] & (SNAT | DNAT) | state | TRACKED),
        (CT_ZONE, zone),
        (CT_MARK, found.mark if found else 0),
        (CT_LABEL, found.label if found else 0),
        (CT_IP_PROTO, original.proto),
        (CT_IP_SRC, original.src),
        (CT_IP_DST, original.dst),
        (CT_TP_SRC, ports[0]),
        (CT_TP_DST, ports[1]),
    )


def _translations(original: Tuple, nat: Nat) -> Iterator[Tuple]:
    """What answers may look like, in the order in which they are tried. (Open vSwitch tries them in another.)"""
    assert nat.addresses is not None
    answer = original.back
    for address in range(int(nat.addresses[0]), int(nat.addresses[1]) + 1):
        if nat.side == "src":
            for port in _ports(original, original.tp_src, nat):
                yield replace(answer, dst=address, tp_dst=port)
        elif nat.ports is not None and original.proto in (PROTO_TCP, PROTO_UDP):
            yield from (replace(answer, src=address, tp_src=port) for port in range(nat.ports[0], nat.ports[1] + 1))
        else:  # of two that would be alike it is the source's port that is changed
            yield from (replace(answer, src=address, tp_dst=port) for port in _ports(original, original.tp_src, nat))


def _ports(original: Tuple, own: int, nat: Nat) -> Iterable[int]:
    """The ports that are tried for one address: its own first, unless some are named."""
    if original.proto not in (PROTO_TCP, PROTO_UDP):
        return (own,)
    if nat.ports is not None:
        return range(nat.ports[0], nat.ports[1] + 1)
    return chain(range(own, 1 << 16), range(_EPHEMERAL, own))


def _translated(packet: Packet, connection: _Connection, tuple_: Tuple) -> Packet:
    """The packet with the addresses that its connection has on the other side of the translation."""
    if not connection.nat:
        return packet
    is_original = tuple_ == connection.original
    wanted = connection.answer.back if is_original else connection.original.back
    # Of an answer the other side changes.
    side = connection.nat if is_original else connection.nat ^ (SNAT | DNAT)
    changes: list[tuple[Field, int]] = [(CT_STATE, packet[CT_STATE] | side)]
    quoted = _quoted(packet)
    if quoted is not None:
        inner = wanted.back
        changes += [*zip(QUOTED, (inner.proto, inner.src, inner.dst, inner.tp_src, inner.tp_dst), strict=False)]
        changes.append((IP_SRC, wanted.src) if side == SNAT else (IP_DST, wanted.dst))
        return packet.having(*changes)
    changes += [(IP_SRC, wanted.src), (IP_DST, wanted.dst)]
    if wanted.proto in (PROTO_TCP, PROTO_UDP):
        changes += [(TCP_SRC, wanted.tp_src), (TCP_DST, wanted.tp_dst)]
    return packet.having(*changes)
