"""Tables and rules: a rule is declared once, checked once, and applied to as many objects as there are.

A table says what its rules may read, write and where they may go. A rule is a template: priority, match and
actions with named parameters, and one English sentence with the same parameters. Applying it to values gives
an :class:`Application`, which knows the flow and the object it is there for.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from operator import gt
from string import Formatter
from typing import Any

from flows.openflow import actions as openflow
from flows.openflow.actions import Action
from flows.openflow.fields import Field
from flows.openflow.flow import Flow, Shape
from flows.openflow.groups_and_meters import GroupEntry, GroupOrMeter, MeterEntry
from flows.pipeline import priorities, registers
from flows.pipeline.stages import Stage
from flows.pipeline.templates import (
    ActionTemplate,
    CommitTemplate,
    ControllerTemplate,
    CopiesTemplate,
    EachTemplate,
    Jump,
    LearnTemplate,
    NumberedTemplate,
    NumberTemplate,
    Param,
    Prefix,
    Priority,
    SetTemplate,
    TermTemplate,
    Value,
    number_of,
    parameters_of,
)
from flows.units.said import Why


class DeclarationError(Exception):
    """A rule or table that breaks what its table declares. Raised at import: no such program starts."""


@dataclass(eq=False)
class Table:
    """One decision of the pipeline. What its rules match, set and go to must be declared here.

    ``miss`` is what happens to a packet for which no rule applies, with a sentence that says so.
    """

    name: str
    number: int
    stage: Stage
    question: str
    reads: Sequence[Field]
    writes: Sequence[Field]
    next: Sequence[str]
    miss: tuple[str, Sequence[ActionTemplate]]
    learns: Sequence[str] = ()
    """The tables into which its rules learn."""
    receives: bool = False
    """Whether its rules only take in what others send: they come before the rules that send there, and go after them
    (ADR 8). A table that is met on the way out too does not."""
    floods: bool = False
    """Whether one of its flows has the copies for all receivers: while some of these are not yet known, such a flow is
    not replaced by one with fewer."""
    always: bool = True
    """Whether its miss is in every switch. Of other tables nothing is, unless an object needs them."""
    rules: list["Rule"] = field(default_factory=list)
    numbers: Mapping[str, int] = field(default_factory=dict)
    """Every table's number by name; filled in by the page of all tables."""

    def rule(
        self,
        sentence: str,
        match: Sequence[TermTemplate],
        do: Sequence[ActionTemplate],
        priority: Priority = priorities.NORMAL,
        by: str = "prefix",
        *,
        harmless: bool = False,
    ) -> "Rule":
        """Declare a rule. A ``priority`` that is a function is given the prefix that the parameter ``by`` holds.

        ``harmless``: it ends what nobody misses, so what it drops is not reported.
        """
        rule = Rule(self, sentence, tuple(match), tuple(do), priority, by, harmless)
        rule.check()
        self.rules.append(rule)
        return rule

    @cached_property
    def miss_rule(self) -> "Rule":
        """The table's miss, as the rule that it is in the switch."""
        sentence, steps = self.miss
        rule = Rule(self, sentence, (), tuple(steps), priorities.MISS, "")
        rule.check()
        return rule

    def all_rules(self) -> list["Rule"]:
        """Every rule of the table, its miss last."""
        return [*self.rules, self.miss_rule]


@dataclass(frozen=True, eq=False)
class Rule:
    """A template of flows. Call it with values to apply it to an object."""

    table: Table
    sentence: str
    match: tuple[TermTemplate, ...]
    steps: tuple[ActionTemplate, ...]
    priority: Priority
    by: str
    is_harmless: bool = False
    """Whether it ends what nobody misses."""

    def __call__(self, why: Why, **values: Value) -> "Application":
        if values.keys() != self.parameters:
            missing = self.parameters ^ values.keys()
            raise TypeError(f"{self.table.name}: '{self.sentence}' is not given exactly its parameters: {missing}")
        return Application(self, values, why)

    @cached_property
    def parameters(self) -> frozenset[str]:
        """The names of everything that an application must give a value."""
        values = [term.value for term in self.match]
        values += [value for step in self.steps for value in parameters_of(step)]
        said = {name for _, name, _, _ in Formatter().parse(self.sentence) if name}
        return frozenset(said | {value.name for value in values if isinstance(value, Param)})

    def check(self) -> None:
        """Raise :class:`DeclarationError` when the rule does what its table does not declare."""
        for fault in (*self._faults_of_match(), *self._faults_of_steps()):
            raise DeclarationError(f"{self.table.name}: '{self.sentence}' {fault}")

    def _faults_of_match(self) -> Iterator[str]:
        if not isinstance(self.priority, int) and self.by not in self._prefixes:
            yield f"takes its priority from {self.by}, which is no prefix that it matches"
        matched = {term.field: term for term in self.match}
        for item in matched:
            for needed in item.needs:
                term = matched.get(needed.field)
                if term is None or not term.implies(needed):
                    yield f"matches {item} without {needed}"
        for item in (*matched, *self._read_by_steps()):
            if item not in self.table.reads:
                yield f"reads {item}, which the table does not declare"

    def _read_by_steps(self) -> Iterator[Field]:
        """The fields whose values its steps take, but for registers that earlier ones of them have set."""
        known: set[Field] = set()
        for step in self.steps:
            yield from (item for item in step.reads if item not in known)
            known.update(item for item in step.writes if item in registers.ALL.values())

    def _faults_of_steps(self) -> Iterator[str]:
        for item in (item for step in self.steps for item in step.writes):
            if item not in self.table.writes:
                yield f"sets {item}, which the table does not declare"
        yield from self._faults_of_sending_up()
        for index, step in enumerate(self.steps):
            if isinstance(step, LearnTemplate) and step.table not in self.table.learns:
                yield f"learns into {step.table}, which the table does not declare"
            if isinstance(step, NumberedTemplate) and step.kind is openflow.Meter and index:
                yield "has a meter that is not its first step"
            if isinstance(step, Jump | EachTemplate) and step.table not in self.table.next:
                yield f"goes to {step.table}, which the table does not declare"
            if isinstance(step, openflow.Ct) and step.table is not None and not self._declares(step.table):
                yield f"goes to table {step.table}, which the table does not declare"
            if isinstance(step, Jump) and not step.resubmit:
                yield from self._faults_of_goto(step, index)

    def _declares(self, number: int) -> bool:
        """Whether its table declares that packets go on in the table of this number."""
        return any(self.table.numbers.get(name) == number for name in self.table.next)

    def _faults_of_goto(self, step: Jump, index: int) -> Iterator[str]:
        if self.table.numbers.get(step.table, self.table.number + 1) <= self.table.number:
            yield f"goes back to {step.table}; only a resubmit can"
        if index != len(self.steps) - 1:
            yield "has a goto that is not its last step"

    def _faults_of_sending_up(self) -> Iterator[str]:
        """Each packet at the controller has a handler, and no port can send it more than its meter lets through."""
        steps: Sequence[object] = self.steps
        up = [step for step in steps if isinstance(step, ControllerTemplate | openflow.OutputController)]
        if len(up) > 1:
            yield "sends to the controller twice"
        for step in up:
            if not isinstance(step, ControllerTemplate) or not step.handler:
                yield "sends to the controller and names no handler"
            elif not 0 < step.max_len < 1 << 16:
                yield f"sends {step.max_len} bytes of a packet to the controller, and must send 1 to 65535"
            elif bool(step.no_meter) == self.has_meter:
                yield "sends to the controller: it needs a meter, or a reason why it has none"

    @property
    def has_meter(self) -> bool:
        """Whether a meter decides what goes on."""
        return any(isinstance(step, NumberedTemplate) and step.kind is openflow.Meter for step in self.steps)

    @cached_property
    def handler(self) -> str | None:
        """The handler of the packets that it sends to the controller; None: it sends none."""
        return next((step.handler for step in self.steps if isinstance(step, ControllerTemplate)), None)

    def flow(self, values: Mapping[str, Value]) -> Flow:
        """The flow for some values."""
        if self._is_one_of_a_kind:
            return Flow(self._shape(values))
        numbers = tuple([number(values[name]) for name, number in self._numbers])
        if any(map(gt, numbers, self._most)):
            for name, template in self._places.items():
                template.number(values[name])  # says which
        prefixes, several = self._prefixes, self._several
        kind: tuple[object, ...] = ()
        if prefixes or several:
            lengths = [values[name].prefixlen for name in prefixes]  # type: ignore[union-attr]
            kind = (*lengths, *[values[name] for name in several])
        shape = self._shapes.get(kind)
        if shape is None:
            shape = self._shapes[kind] = self._shape(values)
        return Flow(shape, numbers)

    def refers_to(self, values: Mapping[str, Value]) -> tuple[GroupOrMeter, ...]:
        """The groups and meters that the flow for some values refers to."""
        found = []
        for value in self._referred:
            entry = values[value.name] if isinstance(value, Param) else value
            assert isinstance(entry, GroupEntry | MeterEntry)
            found.append(entry)
        return tuple(found)

    @cached_property
    def _referred(self) -> tuple[Value | Param, ...]:
        return tuple(step.value for step in self.steps if isinstance(step, NumberedTemplate) and step.refers)

    @cached_property
    def _shapes(self) -> dict[tuple[object, ...], Shape]:
        """The shapes of its flows by the lengths of their prefixes and by what has several numbers."""
        return {}

    @cached_property
    def _numbers(self) -> tuple[tuple[str, Callable[[Value], int]], ...]:
        """The parameters by which flows of one shape differ, each with its way to a number."""
        return tuple((name, number_of(template)) for name, template in self._places.items())

    @cached_property
    def _places(self) -> dict[str, NumberTemplate]:
        """The parameters by which flows of one shape differ, each with the place that has room for least."""
        if self._is_one_of_a_kind:
            return {}
        found: dict[str, NumberTemplate] = {}
        for template in (*self.match, *self.steps):
            if isinstance(template, NumberTemplate) and isinstance(template.value, Param):
                name = template.value.name
                found[name] = min(found.get(name, template), template, key=lambda one: one.room)
        return found

    @cached_property
    def _most(self) -> tuple[int, ...]:
        """The greatest values that these numbers may have."""
        return tuple((1 << template.room) - 1 for template in self._places.values())

    @cached_property
    def _prefixes(self) -> tuple[str, ...]:
        """The parameters that are prefixes."""
        values = [term.value for term in self.match if term.prefix]
        return tuple(value.name for value in values if isinstance(value, Param))

    @cached_property
    def _several(self) -> tuple[str, ...]:
        """The parameters that are several numbers."""
        return tuple(step.numbers.name for step in self.steps if isinstance(step, EachTemplate))

    @cached_property
    def _is_one_of_a_kind(self) -> bool:
        """Whether no two flows have the same shape."""
        steps = [step for step in self.steps if isinstance(step, LearnTemplate | CopiesTemplate | CommitTemplate)]
        return any(isinstance(value, Param) for step in steps for value in parameters_of(step))

    def _shape(self, values: Mapping[str, Value]) -> Shape:
        """The shape of the flow for some values."""
        priority = self.priority
        if not isinstance(priority, int):
            prefix = values[self.by]
            assert isinstance(prefix, Prefix)
            priority = priority(prefix)
        names = [name for name, _ in self._numbers]
        parts: list[Any] = []
        holes: list[tuple[int, int]] = []
        for template in (*self.match, *self.steps):
            if isinstance(template, NumberTemplate) and isinstance(template.value, Param) and names:
                holes.append((len(parts), names.index(template.value.name)))
            if isinstance(template, TermTemplate):
                parts.append(template.fill(values))
            else:
                parts += self._actions(template, values)
        size = len(self.match)
        return Shape(self.table.number, priority, tuple(parts[:size]), tuple(parts[size:]), tuple(holes))

    def _actions(self, step: ActionTemplate, values: Mapping[str, Value]) -> Iterator[Action]:
        numbers = self.table.numbers
        match step:
            case SetTemplate() | NumberedTemplate() | CommitTemplate():
                yield step.fill(values)
            case ControllerTemplate():
                yield step.fill()
            case CopiesTemplate():
                yield from step.fill(values)
            case EachTemplate():
                yield from step.fill(values, numbers)
            case LearnTemplate():
                yield step.fill(values, numbers)
            case Jump(table, resubmit):
                yield openflow.Resubmit(numbers[table]) if resubmit else openflow.Goto(numbers[table])
            case _:
                yield step


class Application:
    """A rule applied to an object. Equal flows from different objects are one flow with both as reasons."""

    __slots__ = ("flow", "rule", "values", "why")

    def __init__(self, rule: Rule, values: Mapping[str, Value], why: Why) -> None:
        self.rule = rule
        self.values = values
        self.why = why
        self.flow = rule.flow(values)

    @property
    def refers_to(self) -> tuple[GroupOrMeter, ...]:
        """The groups and meters that its flow refers to: the switch gets them with it."""
        return self.rule.refers_to(self.values)

    @property
    def sentence(self) -> str:
        """What the flow does, in words."""
        return self.rule.sentence.format_map(dict[str, Any](self.values))
