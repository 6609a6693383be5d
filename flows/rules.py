"""Tables and rules: a rule is declared once, checked once, and applied to as many objects as there are.

A table says what its rules may read, write and where they may go. A rule is a template: priority, match and
actions with named parameters, and one English sentence with the same parameters. Applying it to values gives
an :class:`Application`, which knows the flow and the object it is there for.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from ipaddress import IPv4Network
from string import Formatter
from typing import Any

from flows import openflow, priorities
from flows.fields import IP_TTL, TUN_DST, TUN_ID, VLAN, Bit, Field
from flows.forms import Form, form_of
from flows.learning import Learn
from flows.model import Origin
from flows.openflow import Action, Flow, cookie_of, place_of
from flows.templates import (
    CopiesTemplate,
    Jump,
    LearnTemplate,
    OutputTemplate,
    Param,
    Priority,
    SetTemplate,
    Step,
    TermTemplate,
    Value,
    learned_from,
    parameters_of,
)


class DeclarationError(Exception):
    """A rule or table that breaks what its table declares. Raised at import: no such program starts."""


@dataclass(frozen=True, slots=True)
class Why:
    """The object of the model that an application is there for."""

    what: str
    origin: Origin = field(hash=False)  # hashed with every unit: the name tells nearly all apart

    def __str__(self) -> str:
        return f"{self.what} ({self.origin})"


@dataclass(eq=False)
class Table:
    """One decision of the pipeline. What its rules match, set and go to must be declared here.

    ``miss`` is what happens to a packet for which no rule applies, with a sentence that says so.
    """

    name: str
    number: int
    question: str
    reads: Sequence[Field]
    writes: Sequence[Field]
    next: Sequence[str]
    miss: tuple[str, Sequence[Step]]
    learns: Sequence[str] = ()
    """The tables into which its rules learn."""
    rules: list["Rule"] = field(default_factory=list)
    numbers: Mapping[str, int] = field(default_factory=dict)
    """Every table's number by name; filled in by the page of all tables."""

    def rule(
        self,
        sentence: str,
        match: Sequence[TermTemplate],
        do: Sequence[Step],
        priority: Priority = priorities.NORMAL,
        by: str = "prefix",
    ) -> "Rule":
        """Declare a rule. A ``priority`` that is a function is given the prefix that the parameter ``by`` holds."""
        rule = Rule(self, sentence, tuple(match), tuple(do), priority, by)
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
    steps: tuple[Step, ...]
    priority: Priority
    by: str

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
        matched = {term.field: term.value for term in self.match}
        for item in matched:
            for needed, value in item.needs:
                if matched.get(needed) != value:
                    yield f"matches {item} without {needed}={value:#x}"
        for item in (*matched, *self._copied()):
            if item not in self.table.reads:
                yield f"reads {item}, which the table does not declare"

    def _faults_of_steps(self) -> Iterator[str]:
        for item in self._written():
            if item not in self.table.writes:
                yield f"sets {item}, which the table does not declare"
        for index, step in enumerate(self.steps):
            if isinstance(step, LearnTemplate) and step.table not in self.table.learns:
                yield f"learns into {step.table}, which the table does not declare"
            if not isinstance(step, Jump):
                continue
            if step.table not in self.table.next:
                yield f"goes to {step.table}, which the table does not declare"
            elif not step.resubmit and self.table.numbers[step.table] <= self.table.number:
                yield f"goes back to {step.table}; only a resubmit can"
            if not step.resubmit and index != len(self.steps) - 1:
                yield "has a goto that is not its last step"

    def _written(self) -> Iterator[Field]:
        for step in self.steps:
            match step:
                case SetTemplate(field):
                    yield field
                case openflow.Move(_, target):
                    yield target
                case openflow.DecTtl():
                    yield IP_TTL
                case openflow.PushVlan() | openflow.PopVlan():
                    yield VLAN
                case CopiesTemplate():
                    yield from (VLAN, TUN_ID, TUN_DST)
                case LearnTemplate(result=Bit(result)):
                    yield result

    def _copied(self) -> Iterator[Field]:
        for step in self.steps:
            if isinstance(step, openflow.Move):
                yield step.source
            elif isinstance(step, openflow.OutputRegister):
                yield step.register
            elif isinstance(step, LearnTemplate):
                yield from learned_from(step)

    @cached_property
    def terms(self) -> tuple[openflow.Term | TermTemplate, ...]:
        """The match, as far as it is the same for all values."""
        return tuple(term if isinstance(term.value, Param) else term.fill({}) for term in self.match)

    @cached_property
    def teaches(self) -> bool:
        """Whether a switch learns by its flows."""
        return any(isinstance(step, LearnTemplate) for step in self.steps)

    @cached_property
    def _fixed_steps(self) -> tuple[Action | Step, ...]:
        """The steps, as actions as far as they are the same for all values."""
        return tuple(self._fixed(step) for step in self.steps)

    def _fixed(self, step: Step) -> Action | Step:
        match step:
            case SetTemplate(value=Param()) | OutputTemplate(port=Param()) | CopiesTemplate() | LearnTemplate():
                return step
            case SetTemplate() | OutputTemplate():
                return step.fill({})
            case Jump(table, resubmit):
                number = self.table.numbers[table]
                return openflow.Resubmit(number) if resubmit else openflow.Goto(number)
            case _:
                return step

    @cached_property
    def _form(self) -> Form | None:
        """The text of its flows; None when it is not the same but for some numbers."""
        steps = self._fixed_steps
        if not isinstance(self.priority, int) or any(isinstance(s, CopiesTemplate | LearnTemplate) for s in steps):
            return None
        return form_of(f"table={self.table.number},priority={self.priority}", self.terms, steps)  # type: ignore[arg-type]

    def text(self, values: Mapping[str, Value]) -> str:
        """The text of the flow for some values: that of :meth:`Flow.text`, but sooner."""
        form = self._form
        return form.fill(values) if form is not None else self.flow(values).text()

    def flow(self, values: Mapping[str, Value]) -> Flow:
        """The flow for some values."""
        match = tuple([term if isinstance(term, openflow.Term) else term.fill(values) for term in self.terms])
        actions: list[Action] = []
        for step in self._fixed_steps:
            match step:
                case SetTemplate() | OutputTemplate():
                    actions.append(step.fill(values))
                case CopiesTemplate():
                    actions += step.fill(values)
                case LearnTemplate():
                    actions.append(step.fill(values, self.table.numbers))
                case Jump():
                    raise AssertionError(f"{step} is an action by now")
                case _:
                    actions.append(step)
        return Flow(self.table.number, self._priority(values), match, tuple(actions))

    def _priority(self, values: Mapping[str, Value]) -> int:
        priority = self.priority
        if isinstance(priority, int):
            return priority
        prefix = values[self.by]
        if not isinstance(prefix, IPv4Network):
            raise TypeError(f"{self.table.name}: {self.by} must be a prefix, not {prefix!r}")
        return priority(prefix)


class Application:
    """A rule applied to an object. Equal flows from different objects are one flow with both as reasons."""

    __slots__ = ("_flow", "cookie", "place", "rule", "values", "why")

    def __init__(self, rule: Rule, values: Mapping[str, Value], why: Why) -> None:
        self.rule = rule
        self.values = values
        self.why = why
        text = rule.text(values)
        self.place = place_of(text)
        self.cookie = cookie_of(text, drops=not rule.steps)
        self._flow: Flow | None = None

    @property
    def flow(self) -> Flow:
        """The flow, made when it is first asked for."""
        if self._flow is None:
            self._flow = self.rule.flow(self.values)
            self._flow.__dict__["cookie"] = self.cookie
        return self._flow

    @property
    def teaches(self) -> tuple[int, ...]:
        """The cookies of what a switch learns by the flow."""
        if not self.rule.teaches:
            return ()
        return tuple(action.cookie for action in self.flow.actions if isinstance(action, Learn) and action.full is None)

    @property
    def sentence(self) -> str:
        """What the flow does, in words."""
        return self.rule.sentence.format_map(dict[str, Any](self.values))
