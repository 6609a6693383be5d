"""What rules are written with: parameters, matches, steps. Values take the parameters' places later."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network
from typing import Any

from flows import learning, openflow
from flows.copies import Copies
from flows.fields import (
    ETH_DST,
    ETH_MULTICAST,
    ETH_SRC,
    IN_PORT,
    VLAN,
    VLAN_PRESENT,
    VLAN_PRESENT_AND_ID,
    VLAN_TCI,
    Bit,
    Field,
)
from flows.priorities import LEARNED
from flows.registers import ADMITTED, NO_PACKET, ROOM


class Named(int):
    """A number that a sentence prints by name: a VPC's tag, a port's OpenFlow number.

    Equal to a plain number, but not to the same number with another name: units that read otherwise are others.
    """

    name: str

    def __new__(cls, value: int, name: str) -> "Named":
        made = super().__new__(cls, value)
        made.name = name
        return made

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Named):
            return int(self) == int(other) and self.name == other.name
        return int.__eq__(self, other)

    __hash__ = int.__hash__

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return format(self.name, spec)


Value = int | str | IPv4Address | IPv4Network | Copies
"""A parameter's value: a number, a MAC address (or a word) as text, an address, a prefix, or copies of a frame."""


@dataclass(frozen=True, slots=True)
class Param:
    """A place in a rule that each application fills with a value."""

    name: str


class _Params:
    """``P.ip`` is the parameter ``ip``."""

    def __getattr__(self, name: str) -> Param:
        return Param(name)


P = _Params()

NO_LIMIT = 1 << 20
"""More flows than are ever learned: every address counts towards a limit of at most 65535 before."""


@dataclass(frozen=True, slots=True)
class TermTemplate:
    """One field of a rule's match."""

    field: Field
    value: Value | Param
    prefix: bool = False
    """Whether the value is a prefix of which only the leading bits count."""
    mask: int | None = None
    """The bits that count; None: all of them."""

    def fill(self, values: Mapping[str, Value]) -> openflow.Term:
        value = _filled(self.value, values)
        mask = _mask(value) if isinstance(value, IPv4Network) else self.mask
        return openflow.Term(self.field, self.number(value), mask)

    def number(self, value: Value) -> int:
        """A value as the number that it is in a match."""
        if not self.prefix:
            return _number(self.field, value)
        if not isinstance(value, IPv4Network):
            raise TypeError(f"{self.field} wants a prefix, not {value!r}")
        return int(value.network_address)


@dataclass(frozen=True, slots=True)
class SetTemplate:
    """A field that a rule gives a value."""

    field: Field
    value: Value | Param

    def fill(self, values: Mapping[str, Value]) -> openflow.SetField:
        return openflow.SetField(self.field, self.number(_filled(self.value, values)))

    def number(self, value: Value) -> int:
        """A value as the number that the field gets."""
        return _number(self.field, value)


@dataclass(frozen=True, slots=True)
class LoadTemplate:
    """A fixed value that a learned flow gives a field."""

    value: Value | Param
    field: Field


@dataclass(frozen=True, slots=True)
class LearnTemplate:
    """Learn a flow of another table from the packet, for a segment and from an origin."""

    table: str
    specs: tuple[learning.Spec | LoadTemplate, ...]
    segment: Value | Param
    origin: Value | Param
    ageing: Value | Param
    limit: Value | Param
    result: Bit | None = None

    def fill(self, values: Mapping[str, Value], numbers: Mapping[str, int]) -> learning.Learn:
        segment, origin, ageing, limit = (
            _filled(value, values) for value in (self.segment, self.origin, self.ageing, self.limit)
        )
        specs = tuple(
            learning.Load(_number(spec.field, _filled(spec.value, values)), spec.field)
            if isinstance(spec, LoadTemplate)
            else spec
            for spec in self.specs
        )
        assert isinstance(segment, int)
        assert isinstance(ageing, int)
        assert isinstance(limit, int)
        number = numbers[self.table]
        return learning.Learn(number, LEARNED, ageing, limit, specs, self.result, int(segment), str(origin))


@dataclass(frozen=True, slots=True)
class CopiesTemplate:
    """Send copies of the frame, which has its VLAN's header."""

    copies: Param

    def fill(self, values: Mapping[str, Value]) -> tuple[openflow.Action, ...]:
        copies = values[self.copies.name]
        if not isinstance(copies, Copies):
            raise TypeError(f"{self.copies.name} must be copies, not {copies!r}")
        return tuple(copies.actions())


@dataclass(frozen=True, slots=True)
class OutputTemplate:
    """Send the packet out of a port."""

    value: Value | Param

    def fill(self, values: Mapping[str, Value]) -> openflow.Output:
        return openflow.Output(self.number(_filled(self.value, values)))

    @property
    def field(self) -> Field:
        """The field that has the same numbers."""
        return IN_PORT

    def number(self, value: Value) -> int:
        """A value as the number of a port."""
        return _number(self.field, value)


@dataclass(frozen=True, slots=True)
class Jump:
    """Go on in a later table (goto) or look up in any table (resubmit), by name."""

    table: str
    resubmit: bool = False


Step = (
    SetTemplate
    | LearnTemplate
    | CopiesTemplate
    | OutputTemplate
    | Jump
    | learning.Learn
    | openflow.Move
    | openflow.DecTtl
    | openflow.PushVlan
    | openflow.PopVlan
    | openflow.OutputRegister
    | openflow.OutputInPort
    | openflow.OutputController
)
NumberTemplate = TermTemplate | SetTemplate | OutputTemplate
"""What takes one number."""
Priority = int | Callable[[IPv4Network], int]


def _mask(prefix: IPv4Network) -> int | None:
    return None if prefix.prefixlen == 32 else int(prefix.netmask)


def _filled(value: Value | Param, values: Mapping[str, Value]) -> Value:
    return values[value.name] if isinstance(value, Param) else value


def number_of(template: NumberTemplate) -> Callable[[Any], int]:
    """From values of a template's parameter to the numbers that they are in a flow, whether or not they fit in."""
    if isinstance(template, TermTemplate) and template.prefix:
        return template.number
    return _mac_number if template.field.kind == "mac" else int


@lru_cache(1 << 14)
def _mac_number(mac: str) -> int:
    return int(mac.replace(":", ""), 16)


def _number(field: Field, value: Value) -> int:
    if isinstance(value, str):
        number = _mac_number(value)
    elif isinstance(value, (IPv4Network, Copies)):
        raise TypeError(f"{field} wants one address, not {value!r}")
    else:
        number = int(value)
    if number >> field.bits:
        raise ValueError(f"{value!r} does not fit into {field}")
    return number


def parameters_of(step: Step) -> tuple[Value | Param, ...]:
    """What a step is filled with."""
    match step:
        case SetTemplate(_, value):
            return (value,)
        case OutputTemplate(value):
            return (value,)
        case CopiesTemplate(copies):
            return (copies,)
        case LearnTemplate():
            loads = [spec.value for spec in step.specs if isinstance(spec, LoadTemplate)]
            return (step.segment, step.origin, step.ageing, step.limit, *loads)
        case _:
            return ()


def learned_from(step: LearnTemplate) -> Iterator[Field]:
    """The fields of the packet that go into what is learned."""
    for spec in step.specs:
        match spec:
            case learning.Match(_, source) | learning.OutputTo(source) | learning.Load(Field() as source, _):
                yield source


def eq(field: Field, value: Value | Param) -> TermTemplate:
    """The field has this value."""
    return TermTemplate(field, value)


def within(field: Field, prefix: IPv4Network | Param) -> TermTemplate:
    """The field's leading bits are those of this prefix."""
    return TermTemplate(field, prefix, prefix=True)


def untagged() -> TermTemplate:
    """The frame has no 802.1Q header."""
    return TermTemplate(VLAN_TCI, 0, mask=VLAN_PRESENT_AND_ID)


def tagged() -> TermTemplate:
    """The frame has an 802.1Q header, of whatever VLAN."""
    return TermTemplate(VLAN_TCI, VLAN_PRESENT, mask=VLAN_PRESENT)


def multicast(field: Field) -> TermTemplate:
    """The MAC address in this field is a group's; broadcast is one of them."""
    return TermTemplate(field, ETH_MULTICAST, mask=ETH_MULTICAST)


def unicast(field: Field) -> TermTemplate:
    """The MAC address in this field is one station's."""
    return TermTemplate(field, 0, mask=ETH_MULTICAST)


def put(field: Field, value: Value | Param) -> SetTemplate:
    """Give the field this value."""
    return SetTemplate(field, value)


def goto(table: str) -> Jump:
    """Go on in a later table."""
    return Jump(table)


def resubmit(table: str) -> Jump:
    """Look the packet up in a table that may be an earlier one."""
    return Jump(table, resubmit=True)


def admit() -> tuple[Step, ...]:
    """Count the sender's address among those that its segment has learned here, and set ``ADMITTED``.

    One that counts already always has room: the limit does not keep it from being learned anew where it moves to.
    Parameters: segment, scope, ageing, limit.
    """
    specs = (learning.Match(VLAN, VLAN), learning.Match(ETH_SRC, ETH_SRC), learning.Load(1, ADMITTED))
    return LearnTemplate("known", specs, P.segment, P.scope, P.ageing, P.limit, ROOM), resubmit("known")


def probe(table: int, full: int) -> learning.Learn:
    """Set ``NO_PACKET``: 0 for a packet, 1 when the switch only looks what it would do.

    It never learns, for the one flow that its limit allows is there: the one of the table with this cookie. But without
    a packet Open vSwitch looks at no limit and calls it a success, as any other (ADR 10).
    """
    return learning.Learn(table, LEARNED, 1, 1, (learning.Match(ETH_SRC, ETH_SRC),), NO_PACKET, 0, "", full)


def learn_unicast(*specs: learning.Spec | LoadTemplate) -> LearnTemplate:
    """Learn how frames to the sender are sent. Parameters: segment, origin, ageing.

    The limit is one that is never reached. Without any, Open vSwitch would keep the datapath's flow of a sender that
    has moved, and learn nothing from the first frames when it moves back (ADR 10).
    """
    matches = (learning.Match(VLAN, VLAN), learning.Match(ETH_DST, ETH_SRC))
    return LearnTemplate("unicast", (*matches, *specs), P.segment, P.origin, P.ageing, NO_LIMIT)


def copies(param: Param) -> CopiesTemplate:
    """Send the copies that this parameter holds."""
    return CopiesTemplate(param)


def output(port: Value | Param) -> OutputTemplate:
    """Send the packet out of this port, unless it came in by it."""
    return OutputTemplate(port)


def drop() -> tuple[Step, ...]:
    """No steps: the packet is dropped, and the flow counts it."""
    return ()
