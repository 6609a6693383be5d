"""The text of one rule's flows, with places for values: written once, filled in for each flow.

A flow's cookie is a digest of its text (:meth:`flows.openflow.Flow.text`), so every compile needs the text of every
flow. To fill it in is much faster than to make the flow's terms and actions, which only what is sent needs.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv4Network

from flows.fields import IN_PORT, VLAN, VLAN_PRESENT, Field, show
from flows.openflow import Action, Term, match_text, set_name
from flows.templates import Named, OutputTemplate, Param, SetTemplate, TermTemplate, Value, number_of

_Write = Callable[[Value], str]


class Form:
    """A text with a place (``%s``) for each of some parameters."""

    def __init__(self, text: str, places: Sequence[tuple[str, _Write]]) -> None:
        self._text = text
        self._places = tuple(places)

    def fill(self, values: Mapping[str, Value]) -> str:
        """The text for some values. Raises ValueError when one does not fit into its field."""
        return self._text % tuple([write(values[name]) for name, write in self._places])


@dataclass(frozen=True, slots=True)
class _Place:
    """Stands for a term of which only the field is known."""

    field: Field
    value: None = None

    def __str__(self) -> str:
        return f"{self.field.name}=%s"


def match_form(terms: Sequence[Term | TermTemplate]) -> Form:
    """The text of a match: a comma before each term."""
    words = match_text([term if isinstance(term, Term) else _Place(term.field) for term in terms])
    places = [
        (term.value.name, _prefix if term.prefix else _writer(term.field))
        for term in terms
        if isinstance(term, TermTemplate) and isinstance(term.value, Param)
    ]
    return Form("".join(f",{word}" for word in words), places)


def actions_form(steps: Sequence[Action | SetTemplate | OutputTemplate]) -> Form:
    """The text of actions."""
    words: list[str] = []
    places: list[tuple[str, _Write]] = []
    for step in steps:
        match step:
            case SetTemplate(field, Param(name)) if field is VLAN:
                words.append("set_field:%s->vlan_vid")
                places.append((name, _vlan))
            case SetTemplate(field, Param(name)):
                words.append(f"set_field:%s->{set_name(field)}")
                places.append((name, _writer(field)))
            case OutputTemplate(Param(name)):
                words.append("output:%s")
                places.append((name, _writer(IN_PORT)))
            case _:
                assert not isinstance(step, SetTemplate | OutputTemplate)
                words.append(step.text(str))
    return Form(",".join(words) or "drop", places)


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


def _prefix(value: Value) -> str:
    if not isinstance(value, IPv4Network):
        raise TypeError(f"a prefix is wanted, not {value!r}")
    return str(value.network_address) if value.prefixlen == 32 else str(value)
