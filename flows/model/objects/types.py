"""The small values that the model's objects are made of."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Interface, IPv4Network
from typing import Annotated, Any, ClassVar
from unicodedata import normalize

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, GetJsonSchemaHandler, WithJsonSchema
from pydantic_core import CoreSchema

from flows.model.problem import shown

NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"
NAME_LENGTH = 63

INTERFACE_PATTERN = r"^(?!\.{1,2}$)[!-$&-.0-9;-~]+$"
"""What Linux takes for the name of a network interface: no blanks, '/' or ':'; '%' makes it number the name."""
INTERFACE_LENGTH = 15

_MAC = re.compile(r"([0-9a-f]{2}:){5}[0-9a-f]{2}")
_CIDR = re.compile(r"([0-9.]+)/([0-9]+)", re.ASCII)
_IPV6 = re.compile(r"[0-9A-Fa-f.]*:[0-9A-Fa-f.]*:[0-9A-Fa-f:.]*(/[0-9]+)?", re.ASCII)
_NUMBER = re.compile(r"0|[1-9][0-9]*", re.ASCII)


def is_name(text: str) -> bool:
    """Whether a text can be the name of an object."""
    return len(text) <= NAME_LENGTH and re.fullmatch(NAME_PATTERN[1:-1], text) is not None


def _without_accents(text: str) -> str:
    return normalize("NFKD", text).encode("ascii", "ignore").decode()


def _name(text: str) -> str:
    if is_name(text):
        return text
    if len(text) > NAME_LENGTH and re.fullmatch(NAME_PATTERN[1:-1], text):
        raise ValueError(f"the name {shown(text)} has {len(text)} characters; {NAME_LENGTH} are the most")
    better = re.sub("[^a-z0-9]+", "-", _without_accents(text).lower())[:NAME_LENGTH].strip("-")
    hint = f"; '{better}' would be one" if better else ""
    raise ValueError(f"{shown(text)} is not a name: use small letters, digits and dashes between them{hint}")


def what(value: Any) -> str:
    """What kind of thing stands in a file, in words."""
    match value:
        case None:
            return "nothing"
        case list():
            return "a list"
        case dict():
            return "keys and values"
        case _:
            return shown(str(value))


class BareFlag(str):
    """A word without quotes that YAML reads as true or false, which no text can be."""

    __slots__ = ()


def is_no_flag(word: str) -> str:
    """What is wrong with a word that YAML reads as true or false, where neither is wanted."""
    return f"YAML reads the bare word {word} as true or false; write '{word}' in quotes"


def _text(value: Any, wanted: str) -> bool:
    """Whether a value is text from a file. Raises ValueError for anything else that a file can hold."""
    if value is None or isinstance(value, list | dict):
        raise ValueError(f"this must be {wanted.removesuffix(',')}, not {what(value)}")
    if isinstance(value, BareFlag):
        raise ValueError(is_no_flag(value))
    return isinstance(value, str)


def _refuse_ipv6(text: str) -> None:
    if _IPV6.fullmatch(text):
        raise ValueError(
            "IPv6 is not supported yet (docs/adr/0003-ipv6.md says how it will fit in); use an IPv4 address"
        )


def _ipv4_address(value: Any) -> Any:
    if not _text(value, "an IPv4 address, like 10.0.1.141,"):
        return value
    _refuse_ipv6(value)
    try:
        return IPv4Address(value)
    except AddressValueError as error:
        reason = str(error).replace(repr(value), "it") if len(value) > NAME_LENGTH else str(error)
        hint = "without the prefix length" if "/" in value else "like 10.0.1.141"
        raise ValueError(f"{shown(value)} is not an IPv4 address ({reason}); write it {hint}") from None


def ipv4_network(value: Any) -> Any:
    if not _text(value, "an IPv4 range, like 10.0.1.0/24,"):
        return value
    _refuse_ipv6(value)
    parts = _CIDR.fullmatch(value)
    if parts is None:
        hint = f"{value}/24" if re.fullmatch(r"[0-9]+(\.[0-9]+){3}", value, re.ASCII) else "10.0.1.0/24"
        raise ValueError(f"{shown(value)} is not a range: write its first address and prefix length, like {hint}")
    address, length = parts.groups()
    try:
        first = IPv4Address(address)
    except AddressValueError as error:
        raise ValueError(f"{shown(value)} is not a range ({error}); write it like 10.0.1.0/24") from None
    if not _NUMBER.fullmatch(length) or len(length) > 2 or int(length) > 32:
        raise ValueError(f"{shown(value)} is not a range: the prefix length goes from 0 to 32, like {address}/24")
    cidr = IPv4Network((first, int(length)), strict=False)
    if cidr.network_address != first:
        raise ValueError(f"{value} is an address inside a range, not the range itself; the range is {cidr}")
    return cidr


def _ipv4_interface(value: Any) -> Any:
    if not _text(value, "an IPv4 address with its prefix length, like 10.0.1.141/24,"):
        return value
    _refuse_ipv6(value)
    parts = _CIDR.fullmatch(value)
    if parts is None or len(parts.group(2)) > 2 or int(parts.group(2)) > 32:
        raise ValueError(f"{shown(value)} is not an address with its prefix length; write it like 10.0.1.141/24")
    try:
        return IPv4Interface(value)
    except ValueError as error:
        raise ValueError(f"{shown(value)} is not an address ({error}); write it like 10.0.1.141/24") from None


def _flag(value: Any) -> Any:
    if isinstance(value, BareFlag) and value in ("true", "false"):
        return value == "true"
    if isinstance(value, BareFlag):
        meant = "true" if value.lower() in ("yes", "on", "true") else "false"
        raise ValueError(f"'{value}' is not a boolean in network files; write {meant}")
    if _text(value, "true or false"):
        raise ValueError(f"{shown(value)} is neither true nor false; write one of these, without quotes")
    return value


def _mac(value: Any) -> Any:
    if not _text(value, "a MAC address, like 0a:00:00:00:00:01,"):
        return value
    mac = value.lower().replace("-", ":")
    if not _MAC.fullmatch(mac):
        raise ValueError(f"{shown(value)} is not a MAC address; write it like 0a:00:00:00:00:01")
    if int(mac[:2], 16) & 1:
        kind = "the broadcast" if mac == "ff:ff:ff:ff:ff:ff" else "a multicast"
        unicast = f"{int(mac[:2], 16) & 0xFE:02x}{mac[2:]}"
        raise ValueError(f"'{value}' is {kind} MAC address; the first byte of an instance's is even, as in {unicast}")
    if mac == "00:00:00:00:00:00":
        raise ValueError("the all-zero MAC address belongs to nobody; write one like 0a:00:00:00:00:01")
    return mac


def _number(value: Any) -> Any:
    if not _text(value, "a whole number, like 6289,"):
        return value
    if _NUMBER.fullmatch(value) and len(value) < 20:
        return int(value)
    digits = value.lstrip("0") or "0"
    if not value or not _NUMBER.fullmatch(digits):
        raise ValueError(f"{shown(value)} is not a plain whole number; write it in digits, like 6289")
    if len(digits) >= 20:
        raise ValueError(f"{shown(value)} is far too large")
    raise ValueError(f"{shown(value)} is not a plain whole number; write {digits}")


def _word(value: Any) -> Any:
    _text(value, "a name")
    return value


def _interface(value: Any) -> Any:
    if not _text(value, "the name of a network interface, like eth1,"):
        return value
    if len(value) > INTERFACE_LENGTH:
        raise ValueError(f"{shown(value)} has {len(value)} characters; the name of an interface has at most 15")
    if not re.fullmatch(INTERFACE_PATTERN[1:-1], value):
        raise ValueError(f"{shown(value)} is not the name of a network interface; write it like eth1")
    return value


_OCTET = r"(25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])"
_ADDRESS = rf"{_OCTET}(\.{_OCTET}){{3}}"

Name = Annotated[
    str,
    AfterValidator(_name),
    WithJsonSchema({"type": "string", "pattern": NAME_PATTERN, "maxLength": NAME_LENGTH}),
]
"""A host, VPC, subnet, segment, port or peering: small letters, digits and dashes, as in a DNS label (RFC 1123)."""

Number = Annotated[int, BeforeValidator(_number)]
"""A whole number in plain decimal digits: no 01, 1:30 or 1_000, which YAML readers take for different numbers."""

Word = Annotated[str, BeforeValidator(_word)]
"""The name of another object."""

Ipv4 = Annotated[
    IPv4Address,
    BeforeValidator(_ipv4_address),
    WithJsonSchema({"type": "string", "pattern": f"^{_ADDRESS}$"}),
]
Ipv4Range = Annotated[
    IPv4Network,
    BeforeValidator(ipv4_network),
    WithJsonSchema({"type": "string", "pattern": f"^{_ADDRESS}/(3[0-2]|[12]?[0-9])$"}),
]
Ipv4Interface = Annotated[
    IPv4Interface,
    BeforeValidator(_ipv4_interface),
    WithJsonSchema({"type": "string", "pattern": f"^{_ADDRESS}/(3[0-2]|[12]?[0-9])$"}),
]
"""An address and the length of its network's prefix."""

InterfaceName = Annotated[
    str,
    BeforeValidator(_interface),
    WithJsonSchema({"type": "string", "pattern": INTERFACE_PATTERN, "maxLength": INTERFACE_LENGTH}),
]
"""A network interface of a machine that runs Linux."""

Flag = Annotated[bool, BeforeValidator(_flag)]
"""``true`` or ``false``: no yes, on or 1."""

Mac = Annotated[
    str,
    BeforeValidator(_mac),
    WithJsonSchema({"type": "string", "pattern": "^[0-9A-Fa-f][02468ACEace]([:-][0-9A-Fa-f]{2}){5}$"}),
]


@dataclass(frozen=True, slots=True)
class Reference:
    """Says of a field that it names another object. The store sees to it that the object exists."""

    kind: str
    """What users call such an object. One that is a part of another is named with it, as ``vpc/subnet``."""
    nobody: str | None = None
    """The word that stands for no object."""


@dataclass(frozen=True, slots=True)
class NeedsValue:
    """Says of an optional key that it may be left out, but not stand without a value: that would not mean the same.

    A rule whose ``from:`` was left empty would admit everybody.
    """

    advice: str
    """What to write."""

    def __get_pydantic_json_schema__(self, schema: CoreSchema, handler: GetJsonSchemaHandler) -> dict[str, Any]:
        return {**handler(schema), NEVER_EMPTY: True}


NEVER_EMPTY = "neverEmpty"
"""The mark of such a key in pydantic's schema."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The file and line that an object was declared in, and the column that tells it from others of the line."""

    file: str
    line: int
    column: int = 0

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


NOWHERE = Origin("(not from a file)", 0)


def first_address(data: dict[str, Any]) -> IPv4Address:
    """The first address that a machine can have in the range of an object that is being read.

    RFC 3021: in a /31 that is the very first.
    """
    cidr: IPv4Network = data["cidr"]
    return cidr.network_address + (1 if cidr.prefixlen < 31 else 0)


class Declared(BaseModel):
    """What every object of the model has: a name, the key it is written under, and where it was written.

    Both are put in by the reader of the file, never written by a user, so their aliases are no YAML keys
    that a user could write by chance.
    """

    model_config = ConfigDict(
        frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True, defer_build=True
    )

    kind: ClassVar[str]
    """What users call such an object."""
    refused: ClassVar[Mapping[str, str]] = {}
    """Keys that somebody may try here, and why they cannot be here."""

    name: Annotated[Name, Field(alias="(name)")]
    origin: Annotated[Origin, Field(alias="(origin)", repr=False)] = NOWHERE

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"

    def __hash__(self) -> int:
        """What is equal has the same name. (Labels have no hash.)"""
        return hash((type(self), self.name))

    @classmethod
    def spelled(cls) -> Mapping[str, str]:
        """What a user may write in such an object: each key, and the name of its field."""
        fields = ((name, field) for name, field in cls.model_fields.items() if name not in Declared.model_fields)
        return {field.alias or name: name for name, field in fields}
