"""What rules are written with: parameters, matches, steps. Values take the parameters' places later."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Any, ClassVar

from flows.openflow import actions as openflow
from flows.openflow import learn as learning
from flows.openflow.fields import (
    ETH_DST,
    ETH_MULTICAST,
    ETH_SRC,
    TUN_DST,
    TUN_ID,
    VLAN,
    VLAN_PRESENT,
    VLAN_PRESENT_AND_ID,
    VLAN_TCI,
    Bits,
    Field,
    Prerequisite,
    bits_of,
)
from flows.openflow.groups_and_meters import GroupEntry, GroupOrMeter, MeterEntry
from flows.pipeline.priorities import LEARNED
from flows.pipeline.registers import ADMITTED, NO_PACKET, ROOM
from flows.units.blocks import Block
from flows.units.copies import Copies
from flows.units.said import Several

Prefix = IPv4Network | IPv6Network | Block
Value = int | str | IPv4Address | IPv6Address | Prefix | Copies | Several | GroupOrMeter
"""A parameter's value: a number, a MAC address (or a word) as text, an address, a prefix, copies of a frame, several
numbers, a group, a meter."""


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
    shift: int = 0
    """How many of the field's bits lie below those that have the value."""

    @property
    def room(self) -> int:
        """Bits that the number may have."""
        return self.field.bits

    def fill(self, values: Mapping[str, Value]) -> openflow.Term:
        value = _filled(self.value, values)
        mask = _mask(value) if isinstance(value, Prefix) else self.mask
        return openflow.Term(self.field, self.number(value), mask)

    def implies(self, needed: Prerequisite) -> bool:
        """Whether whatever matches has the value that another field needs."""
        counted = needed.field.everything if needed.mask is None else needed.mask
        if not counted:
            return True
        matched = self.field.everything if self.mask is None else self.mask
        return isinstance(self.value, int) and counted & ~matched == 0 and self.value & counted == needed.value

    def number(self, value: Value) -> int:
        """A value as the number that it is in a match."""
        if not self.prefix:
            number = _number(self.field, value) << self.shift
            if self.mask is not None and number & ~self.mask:
                raise ValueError(f"{value!r} does not fit into its bits of {self.field}")
            return number
        if not isinstance(value, Prefix):
            raise TypeError(f"{self.field} wants a prefix, not {value!r}")
        if value.max_prefixlen != self.field.bits:
            raise ValueError(f"{self.field} has {self.field.bits} bits, and {value!r} is of {value.max_prefixlen}")
        return int(value.network_address)


@dataclass(frozen=True, slots=True)
class SetTemplate:
    """A field, or some bits of one, that a rule gives a value."""

    field: Field | Bits
    value: Value | Param

    reads: ClassVar[Sequence[Field]] = ()

    @property
    def writes(self) -> Sequence[Field]:
        """The fields that it changes."""
        return (bits_of(self.field).field,)

    @property
    def room(self) -> int:
        """Bits that the number may have."""
        return bits_of(self.field).width

    def fill(self, values: Mapping[str, Value]) -> openflow.SetField | openflow.SetBits:
        number = self.number(_filled(self.value, values))
        if isinstance(self.field, Bits):
            return openflow.SetBits(self.field, number)
        return openflow.SetField(self.field, number)

    def number(self, value: Value) -> int:
        """A value as the number that the field gets."""
        number = _number(bits_of(self.field).field, value)
        if number >> self.room:
            raise ValueError(f"{value!r} does not fit into {self.field}")
        return number


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
    result: Bits | None = None

    @property
    def reads(self) -> Sequence[Field]:
        """The fields of the packet that go into what is learned."""
        known = (spec for spec in self.specs if not isinstance(spec, LoadTemplate))
        return tuple(source for spec in known for source in learning.sources(spec))

    @property
    def writes(self) -> Sequence[Field]:
        """The field that tells whether there was room."""
        return () if self.result is None else (self.result.field,)

    def fill(self, values: Mapping[str, Value], numbers: Mapping[str, int]) -> learning.Learn:
        segment, origin, ageing, limit = (
            _filled(value, values) for value in (self.segment, self.origin, self.ageing, self.limit)
        )
        specs = tuple(
            learning.LearnLoad(_number(spec.field, _filled(spec.value, values)), spec.field)
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
    reads: ClassVar[Sequence[Field]] = ()
    writes: ClassVar[Sequence[Field]] = (VLAN, TUN_ID, TUN_DST)

    def fill(self, values: Mapping[str, Value]) -> tuple[openflow.Action, ...]:
        copies = values[self.copies.name]
        if not isinstance(copies, Copies):
            raise TypeError(f"{self.copies.name} must be copies, not {copies!r}")
        return tuple(copies.actions())


Numbered = openflow.Output | openflow.Group | openflow.Meter | openflow.SetQueue
"""Actions of one number."""
_REFERRED: Mapping[type[Numbered], type[GroupOrMeter]] = {openflow.Group: GroupEntry, openflow.Meter: MeterEntry}
"""Actions whose number is that of something that the switch holds beside its flows."""


@dataclass(frozen=True, slots=True)
class NumberedTemplate:
    """An action of one number: a port, a group, a meter, a queue."""

    kind: type[Numbered]
    value: Value | Param
    reads: ClassVar[Sequence[Field]] = ()
    writes: ClassVar[Sequence[Field]] = ()

    @property
    def room(self) -> int:
        """Bits that the number may have."""
        return self.kind.room

    def fill(self, values: Mapping[str, Value]) -> Numbered:
        return self.kind(self.number(_filled(self.value, values)))

    @property
    def refers(self) -> bool:
        """Whether the number is that of a group or a meter."""
        return self.kind in _REFERRED

    def number(self, value: Value) -> int:
        """A value as that number."""
        wanted = _REFERRED.get(self.kind, int)
        if not isinstance(value, wanted):
            raise TypeError(f"{self.kind.__name__} wants a {wanted.__name__}, not {value!r}")
        number = int(value)
        if not 0 <= number < 1 << self.room:
            raise ValueError(f"{value!r} is no number of {self.room} bits, as {self.kind.__name__} wants one")
        return number


@dataclass(frozen=True, slots=True)
class CommitTemplate:
    """Commit a connection and translate its addresses to those that the parameters give."""

    ct: openflow.Ct
    """With a translation to whatever: its side and its ports count."""
    first: Value | Param
    last: Value | Param

    @property
    def reads(self) -> Sequence[Field]:
        """The fields whose values it takes."""
        return self.ct.reads

    @property
    def writes(self) -> Sequence[Field]:
        """The fields that it changes."""
        return self.ct.writes

    def fill(self, values: Mapping[str, Value]) -> openflow.Ct:
        first, last = (_filled(value, values) for value in (self.first, self.last))
        assert isinstance(first, IPv4Address)
        assert isinstance(last, IPv4Address)
        assert self.ct.nat is not None
        return replace(self.ct, nat=replace(self.ct.nat, addresses=(first, last)))


@dataclass(frozen=True, slots=True)
class EachTemplate:
    """Look the packet up in a table once for each of several numbers, which a register holds meanwhile."""

    register: Field
    table: str
    numbers: Param
    reads: ClassVar[Sequence[Field]] = ()

    @property
    def writes(self) -> Sequence[Field]:
        """The register."""
        return (self.register,)

    def fill(self, values: Mapping[str, Value], numbers: Mapping[str, int]) -> Iterator[openflow.Action]:
        several = values[self.numbers.name]
        if not isinstance(several, Several):
            raise TypeError(f"{self.numbers.name} must be several numbers, not {several!r}")
        for one in several:
            yield openflow.SetField(self.register, _number(self.register, one))
            yield openflow.Resubmit(numbers[self.table])


@dataclass(frozen=True, slots=True)
class ControllerTemplate:
    """Send the beginning of the packet to the controller, to one of its handlers."""

    handler: str
    """Its name among the handlers (``controller/reconcile/packetin``)."""
    max_len: int
    """Bytes of the packet that are sent."""
    no_meter: str
    """Why the rule needs no meter."""
    drops: bool
    """Whether the packet is dropped, and the controller only takes note of it."""
    reads: ClassVar[Sequence[Field]] = ()
    writes: ClassVar[Sequence[Field]] = ()

    def fill(self) -> openflow.OutputController:
        return openflow.OutputController(self.max_len, self.drops)


@dataclass(frozen=True, slots=True)
class Jump:
    """Go on in a later table (goto) or look up in any table (resubmit), by name."""

    table: str
    resubmit: bool = False
    reads: ClassVar[Sequence[Field]] = ()
    writes: ClassVar[Sequence[Field]] = ()


ActionTemplate = (
    SetTemplate
    | LearnTemplate
    | CopiesTemplate
    | NumberedTemplate
    | CommitTemplate
    | EachTemplate
    | ControllerTemplate
    | Jump
    | learning.Learn
    | openflow.Move
    | openflow.DecTtl
    | openflow.PushVlan
    | openflow.PopVlan
    | openflow.OutputRegister
    | openflow.OutputInPort
    | openflow.Ct
    | openflow.CtClear
    | openflow.CheckPktLarger
)
NumberTemplate = TermTemplate | SetTemplate | NumberedTemplate
"""What takes one number."""
Priority = int | Callable[[Any], int]
"""A number, or what makes one of a prefix."""


def _mask(prefix: Prefix) -> int | None:
    return None if prefix.prefixlen == prefix.max_prefixlen else int(prefix.netmask)


def _filled(value: Value | Param, values: Mapping[str, Value]) -> Value:
    return values[value.name] if isinstance(value, Param) else value


def number_of(template: NumberTemplate) -> Callable[[Any], int]:
    """From values of a template's parameter to the numbers that they are in a flow, whether or not they fit in."""
    if isinstance(template, NumberedTemplate):
        return template.number if template.refers else int
    if isinstance(template, TermTemplate) and (template.prefix or template.shift):
        return template.number
    return _mac_number if bits_of(template.field).field.kind == "mac" else int


@lru_cache(1 << 14)
def _mac_number(mac: str) -> int:
    return int(mac.replace(":", ""), 16)


def _number(field: Field, value: Value) -> int:
    if isinstance(value, str):
        number = _mac_number(value)
    elif isinstance(value, (IPv4Network, IPv6Network, Block, Copies, Several)):
        raise TypeError(f"{field} wants one address, not {value!r}")
    else:
        number = int(value)
    if number >> field.bits:
        raise ValueError(f"{value!r} does not fit into {field}")
    return number


def parameters_of(step: ActionTemplate) -> tuple[Value | Param, ...]:
    """What a step is filled with."""
    match step:
        case SetTemplate(_, value):
            return (value,)
        case NumberedTemplate(_, value):
            return (value,)
        case CommitTemplate():
            return (step.first, step.last)
        case CopiesTemplate(copies):
            return (copies,)
        case EachTemplate():
            return (step.numbers,)
        case LearnTemplate():
            loads = [spec.value for spec in step.specs if isinstance(spec, LoadTemplate)]
            return (step.segment, step.origin, step.ageing, step.limit, *loads)
        case _:
            return ()


def eq(field: Field | Bits, value: Value | Param) -> TermTemplate:
    """The field, or these bits of it, have this value."""
    if isinstance(field, Bits):
        return TermTemplate(field.field, value, mask=field.mask, shift=field.first)
    return TermTemplate(field, value)


def flags(field: Field, *, on: int = 0, off: int = 0) -> TermTemplate:
    """These flags are set, and those are not."""
    return TermTemplate(field, on, mask=on | off)


def within(field: Field, prefix: Prefix | Param) -> TermTemplate:
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


def put(field: Field | Bits, value: Value | Param) -> SetTemplate:
    """Give the field, or these bits of it, this value."""
    return SetTemplate(field, value)


def goto(table: str) -> Jump:
    """Go on in a later table."""
    return Jump(table)


def resubmit(table: str) -> Jump:
    """Look the packet up in a table that may be an earlier one."""
    return Jump(table, resubmit=True)


def admit() -> tuple[ActionTemplate, ...]:
    """Count the sender's address among those that its segment has learned here, and set ``ADMITTED``.

    One that counts already always has room: the limit does not keep it from being learned anew where it moves to.
    Parameters: segment, scope, ageing, limit.
    """
    specs = (learning.LearnMatch(VLAN, VLAN), learning.LearnMatch(ETH_SRC, ETH_SRC), learning.LearnLoad(1, ADMITTED))
    return LearnTemplate("known", specs, P.segment, P.scope, P.ageing, P.limit, ROOM), resubmit("known")


def probe(table: int, full: int) -> learning.Learn:
    """Set ``NO_PACKET``: 0 for a packet, 1 when the switch only looks what it would do.

    It never learns, for the one flow that its limit allows is there: the one of the table with this cookie. But without
    a packet Open vSwitch looks at no limit and calls it a success, as any other (ADR 10).
    """
    return learning.Learn(table, LEARNED, 1, 1, (learning.LearnMatch(ETH_SRC, ETH_SRC),), NO_PACKET, 0, "", full)


def learn_unicast(*specs: learning.Spec | LoadTemplate) -> LearnTemplate:
    """Learn how frames to the sender are sent. Parameters: segment, origin, ageing.

    The limit is one that is never reached. Without any, Open vSwitch would keep the datapath's flow of a sender that
    has moved, and learn nothing from the first frames when it moves back (ADR 10).
    """
    matches = (learning.LearnMatch(VLAN, VLAN), learning.LearnMatch(ETH_DST, ETH_SRC))
    return LearnTemplate("unicast", (*matches, *specs), P.segment, P.origin, P.ageing, NO_LIMIT)


def copies(param: Param) -> CopiesTemplate:
    """Send the copies that this parameter holds."""
    return CopiesTemplate(param)


def output(port: Value | Param) -> NumberedTemplate:
    """Send the packet out of this port, unless it came in by it."""
    return NumberedTemplate(openflow.Output, port)


def group(entry: GroupEntry | Param) -> NumberedTemplate:
    """Give the packet to this group, which the switch gets together with the flow."""
    return NumberedTemplate(openflow.Group, entry)


def meter(entry: MeterEntry | Param) -> NumberedTemplate:
    """Let this meter, which the switch gets before the flow, decide whether the packet goes on. A rule's first step."""
    return NumberedTemplate(openflow.Meter, entry)


def queue(number: Value | Param) -> NumberedTemplate:
    """Choose this queue of the port that the packet leaves by."""
    return NumberedTemplate(openflow.SetQueue, number)


def each(register: Field, table: str, numbers: Param) -> EachTemplate:
    """Look the packet up in a table once for each of several numbers, which a register holds meanwhile."""
    return EachTemplate(register, table, numbers)


def controller(
    handler: str, *, max_len: int = openflow.CONTROLLER_BYTES, no_meter: str = "", drops: bool = False
) -> ControllerTemplate:
    """Send the first ``max_len`` bytes of the packet to the controller, to this handler.

    A meter comes first, so that no port can send it more than it should. A rule that needs none, because no instance
    can make such packets, says so in ``no_meter``. ``drops``: the packet is dropped, and counted so; the
    controller only takes note of it.
    """
    return ControllerTemplate(handler, max_len, no_meter, drops)


def commit(ct: openflow.Ct, first: Value | Param, last: Value | Param) -> CommitTemplate:
    """Commit a connection whose addresses become one of these; ``ct`` says all the rest."""
    return CommitTemplate(ct, first, last)


def drop() -> tuple[ActionTemplate, ...]:
    """No steps: the packet is dropped, and the flow counts it."""
    return ()
