"""What rules are written with: parameters, matches, steps. Values take the parameters' places later."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from flows import openflow
from flows.fields import Field


class Named(int):
    """A number that a sentence prints by name: a VPC's tag, a port's OpenFlow number."""

    name: str

    def __new__(cls, value: int, name: str) -> "Named":
        made = super().__new__(cls, value)
        made.name = name
        return made

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return format(self.name, spec)


Value = int | str | IPv4Address | IPv4Network
"""A parameter's value: a number, a MAC address as text, an address or a prefix."""


@dataclass(frozen=True, slots=True)
class Param:
    """A place in a rule that each application fills with a value."""

    name: str


class _Params:
    """``P.ip`` is the parameter ``ip``."""

    def __getattr__(self, name: str) -> Param:
        return Param(name)


P = _Params()


@dataclass(frozen=True, slots=True)
class TermTemplate:
    """One field of a rule's match."""

    field: Field
    value: Value | Param
    prefix: bool = False
    """Whether the value is a prefix of which only the leading bits count."""

    def fill(self, values: Mapping[str, Value]) -> openflow.Term:
        value = _filled(self.value, values)
        if self.prefix:
            if not isinstance(value, IPv4Network):
                raise TypeError(f"{self.field} wants a prefix, not {value!r}")
            return openflow.Term(self.field, int(value.network_address), _mask(value))
        return openflow.Term(self.field, _number(self.field, value))


@dataclass(frozen=True, slots=True)
class SetTemplate:
    """A field that a rule gives a value."""

    field: Field
    value: Value | Param

    def fill(self, values: Mapping[str, Value]) -> openflow.SetField:
        return openflow.SetField(self.field, _number(self.field, _filled(self.value, values)))


@dataclass(frozen=True, slots=True)
class Jump:
    """Go on in a later table (goto) or look up in any table (resubmit), by name."""

    table: str
    resubmit: bool = False


Step = (
    SetTemplate
    | Jump
    | openflow.Move
    | openflow.DecTtl
    | openflow.OutputRegister
    | openflow.OutputInPort
    | openflow.OutputController
)
Priority = int | Callable[[IPv4Network], int]


def _mask(prefix: IPv4Network) -> int | None:
    return None if prefix.prefixlen == 32 else int(prefix.netmask)


def _filled(value: Value | Param, values: Mapping[str, Value]) -> Value:
    return values[value.name] if isinstance(value, Param) else value


def _number(field: Field, value: Value) -> int:
    number = int(value.replace(":", ""), 16) if isinstance(value, str) else value
    if isinstance(number, IPv4Network):
        raise TypeError(f"{field} wants one address, not {value!r}")
    number = int(number)
    if not 0 <= number < 1 << field.bits:
        raise ValueError(f"{value!r} does not fit into {field}")
    return number


def eq(field: Field, value: Value | Param) -> TermTemplate:
    """The field has this value."""
    return TermTemplate(field, value)


def within(field: Field, prefix: IPv4Network | Param) -> TermTemplate:
    """The field's leading bits are those of this prefix."""
    return TermTemplate(field, prefix, prefix=True)


def put(field: Field, value: Value | Param) -> SetTemplate:
    """Give the field this value."""
    return SetTemplate(field, value)


def goto(table: str) -> Jump:
    """Go on in a later table."""
    return Jump(table)


def resubmit(table: str) -> Jump:
    """Look the packet up in a table that may be an earlier one."""
    return Jump(table, resubmit=True)


def drop() -> tuple[Step, ...]:
    """No steps: the packet is dropped, and the flow counts it."""
    return ()
