"""The small values that the model's objects are made of."""

import re
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv4Address, IPv4Network
from typing import Annotated, Any, ClassVar

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

NAME_PATTERN = r"^[a-z0-9]([-a-z0-9]*[a-z0-9])?$"

Name = Annotated[str, StringConstraints(pattern=NAME_PATTERN, max_length=63)]
"""A host, VPC, subnet, port or peering: small letters, digits and dashes, as in a DNS label (RFC 1123)."""

_MAC = re.compile(r"^([0-9a-f]{2}:){5}[0-9a-f]{2}$")


def _refuse_ipv6(text: str) -> None:
    if ":" in text:
        raise ValueError(
            "IPv6 is not supported yet (docs/adr/0003-ipv6.md says how it will fit in); use an IPv4 address"
        )


def _ipv4_address(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    _refuse_ipv6(value)
    try:
        return IPv4Address(value)
    except AddressValueError as error:
        raise ValueError(f"'{value}' is not an IPv4 address ({error}); write it like 10.0.1.141") from None


def _ipv4_network(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    _refuse_ipv6(value)
    if "/" not in value:
        raise ValueError(f"'{value}' has no prefix length; write it like {value}/24")
    try:
        return IPv4Network(value)
    except ValueError as error:
        try:
            hint = f"; the range that holds this address is {IPv4Network(value, strict=False)}"
        except ValueError:
            hint = "; write it like 10.0.1.0/24"
        raise ValueError(f"'{value}' is not an IPv4 range ({error}){hint}") from None


def _mac(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    mac = value.lower().replace("-", ":")
    if not _MAC.match(mac):
        raise ValueError(f"'{value}' is not a MAC address; write it like 0a:00:00:00:00:01")
    if int(mac[:2], 16) & 1:
        raise ValueError(f"'{value}' is a multicast MAC address: the first byte of an instance's MAC is even")
    if mac == "00:00:00:00:00:00":
        raise ValueError("the all-zero MAC address belongs to nobody")
    return mac


_NUMBER = re.compile(r"^(0|[1-9][0-9]*)$")


def _number(value: Any) -> Any:
    if not isinstance(value, str):
        return value
    if _NUMBER.match(value) and len(value) < 20:
        return int(value)
    digits = value.lstrip("0")
    hint = f"; write {digits}" if _NUMBER.match(digits) else "; write it in digits, like 6289"
    raise ValueError(f"'{value}' is not a plain whole number{hint}")


Number = Annotated[int, BeforeValidator(_number)]
"""A whole number in plain decimal digits: no 01, 1:30 or 1_000, which YAML readers take for different numbers."""

Ipv4 = Annotated[IPv4Address, BeforeValidator(_ipv4_address)]
Ipv4Range = Annotated[IPv4Network, BeforeValidator(_ipv4_network)]
Mac = Annotated[str, BeforeValidator(_mac)]


@dataclass(frozen=True, slots=True)
class Origin:
    """The file and line that an object was declared in."""

    file: str
    line: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}"


NOWHERE = Origin("(not from a file)", 0)


class Declared(BaseModel):
    """What every object of the model has: a name, the key it is written under, and where it was written.

    Both are put in by the reader of the file, never written by a user, so their aliases are no YAML keys
    that a user could write by chance.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)

    kind: ClassVar[str]
    """What users call such an object."""

    name: Annotated[Name, Field(alias="(name)")]
    origin: Annotated[Origin, Field(alias="(origin)", repr=False)] = NOWHERE

    def __str__(self) -> str:
        return f"{self.kind} {self.name}"
