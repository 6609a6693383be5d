"""The values of a security group's rules: ports, ICMP types, protocols, and who is at the other end.

Each is kept as the text that a file has, in one spelling, and read into numbers where these are wanted.
"""

import re
from ipaddress import IPv4Network
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from flows.model.intervals import Intervals
from flows.model.objects.types import NAME_PATTERN, BareFlag, Name, ipv4_network, is_no_flag, what
from flows.model.problem import did_you_mean, shown
from flows.model.services import ICMP_NAMES, LARGEST_PORT, PROTOCOLS, of_icmp, of_ports

_NUMBER = re.compile(r"0|[1-9][0-9]{0,9}", re.ASCII)
_PORTS_EXAMPLE = "write them like 443, 8000-8080 or [80, 443]"
_ICMP_EXAMPLE = "write it like ping, 3/4 or [ping, unreachable]"

LABEL_PATTERN = r"^[A-Za-z0-9]([-A-Za-z0-9_.]*[A-Za-z0-9])?$"
LABEL_LENGTH = 63


def _word(value: Any, example: str) -> str:
    """A value that must be text. Raises ValueError for anything else that a file can hold."""
    if isinstance(value, BareFlag):
        raise ValueError(is_no_flag(value))
    if not isinstance(value, str):
        raise ValueError(f"this cannot be {what(value)}; {example}")
    return value


def _listed(value: Any) -> Any:
    """One value, or a list of them, as a list."""
    return value if isinstance(value, list | tuple) or not isinstance(value, str | dict) else [value]


def _port(text: str, whole: str) -> int:
    if not _NUMBER.fullmatch(text):
        raise ValueError(f"{shown(whole)} is no port and no range of ports; {_PORTS_EXAMPLE}")
    number = int(text)
    if not 1 <= number <= LARGEST_PORT:
        raise ValueError(f"there is no port {shown(text)[1:-1]}; ports go from 1 to {LARGEST_PORT}")
    return number


def _ports(value: Any) -> str:
    text = _word(value, _PORTS_EXAMPLE)
    first, dash, last = text.partition("-")
    low = _port(first.strip(), text)
    if not dash:
        return str(low)
    high = _port(last.strip(), text)
    if high < low:
        raise ValueError(f"the range {shown(text)[1:-1]} is the wrong way round; write {high}-{low}")
    return f"{low}-{high}"


def ports_of(protocol: int, text: str) -> Intervals:
    """The services of a port, or of a range of ports, as a rule has it."""
    first, _, last = text.partition("-")
    return of_ports(protocol, int(first), int(last or first))


def _icmp(value: Any) -> str:
    text = _word(value, _ICMP_EXAMPLE)
    kind, slash, code = text.partition("/")
    if not kind[:1].isdigit():
        if text in ICMP_NAMES:
            return text
        raise ValueError(f"there is no ICMP message {shown(text)}{_meant(text)}")
    for part, meaning in ((kind, "type"), (code, "code")):
        if meaning == "code" and not slash:
            break
        if not _NUMBER.fullmatch(part):
            raise ValueError(f"{shown(text)} is no ICMP type and code; {_ICMP_EXAMPLE}")
        if int(part) > 255:
            raise ValueError(f"there is no ICMP {meaning} {part}; they go from 0 to 255")
    return text


def _meant(text: str) -> str:
    known = f"; known: {', '.join(ICMP_NAMES)}; others by type and code, like 3/4"
    return did_you_mean(text, ICMP_NAMES) or known


def icmp_of(text: str) -> Intervals:
    """The services of an ICMP message, as a rule has it."""
    if text in ICMP_NAMES:
        return of_icmp(*ICMP_NAMES[text])
    kind, _, code = text.partition("/")
    return of_icmp(int(kind), int(code) if code else None)


def _protocol(value: Any) -> str:
    text = _word(value, "write the name or the number of an IP protocol, like sctp or 47")
    if _NUMBER.fullmatch(text):
        if int(text) > 255:
            raise ValueError(f"there is no IP protocol {text}; they go from 0 to 255")
        return text
    if text not in PROTOCOLS:
        known = f"; known: {', '.join(PROTOCOLS)}; others by their number"
        raise ValueError(f"there is no IP protocol {shown(text)}{did_you_mean(text, PROTOCOLS) or known}")
    return text


def protocol_of(text: str) -> int:
    """The number of an IP protocol, as a rule has it."""
    return PROTOCOLS[text] if text in PROTOCOLS else int(text)


def _remote(value: Any) -> str:
    text = _word(value, "write a group's name or a range, like web or 10.0.9.0/24")
    if re.fullmatch(r"[0-9]+(\.[0-9]+){3}", text, re.ASCII):
        raise ValueError(f"{shown(text)} is not a range; the range of this one address is {text}/32")
    return text if is_group(text) else str(ipv4_network(text))


def is_group(remote: str) -> bool:
    """Whether what a rule names at the other end is a group; otherwise it is a range of addresses."""
    return not any(sign in remote for sign in "./:")


def _label(value: Any) -> str:
    text = _word(value, "a label's value is a word, like web")
    if len(text) > LABEL_LENGTH or not re.fullmatch(LABEL_PATTERN[1:-1], text):
        wanted = f"letters, digits, and '-', '_' or '.' between them, at most {LABEL_LENGTH}"
        raise ValueError(f"{shown(text)} is not a label: use {wanted}")
    return text


_NAME = NAME_PATTERN[1:-1]


def _one_or_many(pattern: str) -> WithJsonSchema:
    """Numbers without quotes are numbers to an editor."""
    one = {"type": ["string", "integer"], "pattern": f"^({pattern})$"}
    return WithJsonSchema({**one, "type": ["string", "integer", "array"], "items": one, "minItems": 1})


Ports = Annotated[
    tuple[Annotated[str, BeforeValidator(_ports)], ...],
    BeforeValidator(_listed),
    Field(min_length=1),
    _one_or_many("[1-9][0-9]{0,4}(-[1-9][0-9]{0,4})?"),
]
"""Ports and ranges of ports, from 1 to 65535."""

IcmpMessages = Annotated[
    tuple[Annotated[str, BeforeValidator(_icmp)], ...],
    BeforeValidator(_listed),
    Field(min_length=1),
    _one_or_many(f"[0-9]{{1,3}}(/[0-9]{{1,3}})?|{'|'.join(ICMP_NAMES)}"),
]
"""ICMP messages by name, or by type and code."""

Protocol = Annotated[
    str,
    BeforeValidator(_protocol),
    WithJsonSchema({"type": ["string", "integer"], "pattern": f"^([0-9]{{1,3}}|{'|'.join(PROTOCOLS)})$"}),
]
"""An IP protocol by name or number."""

_RANGE = r"[0-9.]+/[0-9]{1,2}"
Remotes = Annotated[
    tuple[Annotated[str, BeforeValidator(_remote)], ...],
    BeforeValidator(_listed),
    Field(min_length=1),
    _one_or_many(f"{_NAME}|{_RANGE}"),
]
"""Who may be at the other end: names of groups and ranges of addresses."""

Labels = Annotated[
    dict[Name, Annotated[str, BeforeValidator(_label)]],
    WithJsonSchema(
        {
            "type": "object",
            "additionalProperties": {"type": ["string", "integer"], "pattern": LABEL_PATTERN},
        }
    ),
]
"""Words by which ports are told apart, each under a word that says in what respect."""


def range_of(remote: str) -> IPv4Network:
    """The range of addresses that a rule names at the other end."""
    return IPv4Network(remote)
