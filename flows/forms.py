"""The text of one rule's flows, with places for values: written once, filled in for each flow.

A flow's cookie is a digest of its text (:meth:`flows.openflow.Flow.text`), so every compile needs the text of every
flow. To fill it in is much faster than to make the flow's terms and actions, which only what is sent needs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from ipaddress import IPv4Address, IPv4Network

from flows.fields import IN_PORT, VLAN, VLAN_PRESENT, Field, show
from flows.openflow import Action, Term, match_text, set_name
from flows.templates import Named, OutputTemplate, Param, SetTemplate, TermTemplate, Value, number_of

_Write = Callable[[Value], str]
_Value = tuple[str, _Write]
"""A parameter, and how its value is written."""


class Form:
    """A text with places (``%s``) for values."""

    def __init__(self, text: str, places: Sequence[_Value]) -> None:
        """``places``: the value in each of them."""
        self._text = text
        self._values = tuple(dict.fromkeys(places))
        self._order = [self._values.index(value) for value in places]

    def fill(self, values: Mapping[str, Value]) -> str:
        """The text for some values. Raises ValueError when one does not fit into its field."""
        written = [write(values[name]) for name, write in self._values]
        return self._text % tuple([written[at] for at in self._order])


def form_of(head: str, terms: Sequence[Term | TermTemplate], steps: Sequence[Action | SetTemplate | OutputTemplate]) -> Form:
    """The text of flows: what comes first, a match, actions."""
    match_words, match_values = _match(terms)
    action_words, action_values = _actions(steps)
    text = "".join((head, *(f",{word}" for word in match_words), " actions=", ",".join(action_words) or "drop"))
    return Form(text, [*match_values, *action_values])


@dataclass(frozen=True, slots=True)
class _Place:
    """Stands for a term of which only the field is known."""

    field: Field
    value: None = None

    def __str__(self) -> str:
        return f"{self.field.name}=%s"


def _match(terms: Sequence[Term | TermTemplate]) -> tuple[list[str], list[_Value]]:
    words = match_text([term if isinstance(term, Term) else _Place(term.field) for term in terms])
    values = [
        (term.value.name, partial(_prefix, term.field) if term.prefix else _writer(term.field))
        for term in terms
        if isinstance(term, TermTemplate) and isinstance(term.value, Param)
    ]
    return words, values


def _actions(steps: Sequence[Action | SetTemplate | OutputTemplate]) -> tuple[list[str], list[_Value]]:
    words: list[str] = []
    values: list[_Value] = []
    for step in steps:
        match step:
            case SetTemplate(field, Param(name)) if field is VLAN:
                words.append("set_field:%s->vlan_vid")
                values.append((name, _vlan))
            case SetTemplate(field, Param(name)):
                words.append(f"set_field:%s->{set_name(field)}")
                values.append((name, _writer(field)))
            case OutputTemplate(Param(name)):
                words.append("output:%s")
                values.append((name, _writer(IN_PORT)))
            case _:
                assert not isinstance(step, SetTemplate | OutputTemplate)
                words.append(step.text(str))
    return words, values


@cache
def _writer(field: Field) -> _Write:
    """Writes a value of a field as :func:`flows.fields.show` does: the usual types of values at once."""
    limit = 1 << field.bits
    number_format = "%#x" if field.kind == "hex" else "%d"

    def address(value: Value) -> str:
        return str(value) if value.__class__ is IPv4Address else show(field, number_of(field, value))

    def number(value: Value) -> str:
        if (value.__class__ is Named or value.__class__ is int) and 0 < value < limit:  # type: ignore[operator]
            return number_format % value
        return show(field, number_of(field, value))

    return address if field.kind == "ipv4" else number


def _vlan(value: Value) -> str:
    return str(VLAN_PRESENT | number_of(VLAN, value))


def _prefix(field: Field, value: Value) -> str:
    if not isinstance(value, IPv4Network):
        raise TypeError(f"{field} wants a prefix, not {value!r}")
    return str(value.network_address) if value.prefixlen == 32 else str(value)
