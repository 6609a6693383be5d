"""What a packet is for: its IP protocol, and its port or its ICMP type and code, as one number.

Whatever a rule admits is a set of such numbers, so that rules can be joined, cut and compared like sets. The number of
a service is its IP protocol times 65536, plus the destination port of TCP and UDP, or the type of ICMP times 256
plus its code. Of other protocols every number stands for the same.
"""

from collections.abc import Iterator, Mapping

from flows.model.intervals import Interval, Intervals

ICMP, TCP, UDP = 1, 6, 17

PROTOCOLS: Mapping[str, int] = {
    "icmp": ICMP,
    "igmp": 2,
    "ipip": 4,
    "tcp": TCP,
    "egp": 8,
    "udp": UDP,
    "dccp": 33,
    "ipv6": 41,
    "rsvp": 46,
    "gre": 47,
    "esp": 50,
    "ah": 51,
    "eigrp": 88,
    "ospf": 89,
    "pim": 103,
    "ipcomp": 108,
    "vrrp": 112,
    "l2tp": 115,
    "sctp": 132,
    "udplite": 136,
}
"""IP protocols by name (IANA, Protocol Numbers)."""

ICMP_NAMES: Mapping[str, tuple[int, int | None]] = {
    "ping": (8, 0),
    "echo-reply": (0, 0),
    "unreachable": (3, None),
    "fragmentation-needed": (3, 4),
    "redirect": (5, None),
    "router-advertisement": (9, None),
    "router-solicitation": (10, None),
    "time-exceeded": (11, None),
    "parameter-problem": (12, None),
    "timestamp": (13, 0),
    "timestamp-reply": (14, 0),
}
"""ICMP by name: type and code (RFC 792, 1191, 1256); None: every code."""

LARGEST_PORT = 65535
_LARGEST_PROTOCOL = 255
_SPACE = 1 << 16

EVERYTHING = Intervals(((0, (_LARGEST_PROTOCOL + 1) * _SPACE - 1),))
"""Every service of every protocol."""

NO_SERVICE = Intervals()


def of_protocol(protocol: int) -> Intervals:
    """Everything of an IP protocol."""
    return Intervals(((protocol * _SPACE, protocol * _SPACE + _SPACE - 1),))


def of_ports(protocol: int, first: int, last: int) -> Intervals:
    """The destination ports from the first to the last one."""
    return Intervals(((protocol * _SPACE + first, protocol * _SPACE + last),))


def of_icmp(kind: int, code: int | None = None) -> Intervals:
    """An ICMP type with a code, or with every code."""
    low, high = (0, 255) if code is None else (code, code)
    return of_ports(ICMP, kind * 256 + low, kind * 256 + high)


PING = of_icmp(8, 0)
"""An echo request (RFC 792)."""


def by_protocol(services: Intervals) -> Iterator[tuple[int, Intervals]]:
    """Some services by their IP protocol, each with its ports, or its ICMP types and codes, from 0 to 65535."""
    parts: dict[int, list[Interval]] = {}
    for first, last in services.parts:
        for protocol in range(first // _SPACE, last // _SPACE + 1):
            begin = protocol * _SPACE
            parts.setdefault(protocol, []).append((max(first - begin, 0), min(last - begin, _SPACE - 1)))
    for protocol, found in parts.items():
        yield protocol, Intervals(tuple(found))


WHOLE = Intervals(((0, _SPACE - 1),))
"""Every port of a protocol, or every ICMP message."""
_MANY = 128
"""A set that holds more protocols than this as a whole is told by what it lacks."""


def words(services: Intervals) -> str:
    """Some services in words: ``tcp 80, 443 and ping``."""
    if services == EVERYTHING:
        return "everything"
    if not services:
        return "nothing"
    whole = [protocol for protocol, part in by_protocol(services) if part == WHOLE]
    if len(whole) > _MANY:
        return f"everything but {words(EVERYTHING - services)}"
    said: list[str] = []
    for protocol, part in by_protocol(services):
        said += _words_of(protocol, part)
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])} and {said[-1]}"


def protocol_name(protocol: int) -> str:
    """An IP protocol's name, or its number in words."""
    return next((name for name, number in PROTOCOLS.items() if number == protocol), f"IP protocol {protocol}")


def _words_of(protocol: int, part: Intervals) -> Iterator[str]:
    name = protocol_name(protocol)
    if part == WHOLE or (protocol not in (ICMP, TCP, UDP)):
        yield name
    elif protocol == ICMP:
        yield from _icmp_words(part)
    else:
        yield f"{name} {', '.join(str(first) if first == last else f'{first}-{last}' for first, last in part.parts)}"


def _icmp_words(part: Intervals) -> Iterator[str]:
    names = {of_icmp(kind, code).parts: name for name, (kind, code) in ICMP_NAMES.items()}
    for first, last in part.parts:
        for kind in range(first // 256, last // 256 + 1):
            low, high = max(first - kind * 256, 0), min(last - kind * 256, 255)
            if (name := names.get(of_ports(ICMP, kind * 256 + low, kind * 256 + high).parts)) is not None:
                yield name if name == "ping" else f"icmp {name}"
            elif (low, high) == (0, 255):
                yield f"icmp {kind}"
            else:
                yield from (f"icmp {kind}/{code}" for code in range(low, high + 1))
