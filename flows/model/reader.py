"""YAML text to a valid network, or to everything that is wrong with it."""

from collections.abc import Mapping
from functools import cache
from typing import Any, TypeVar, cast

from pydantic import BaseModel, TypeAdapter, ValidationError
from pydantic_core import ErrorDetails

from flows.model import check
from flows.model.file.source import UNREADABLE, Path, Source, read
from flows.model.objects.host import Encapsulation, Host
from flows.model.objects.network import SECTIONS, Network
from flows.model.objects.peering import Peering
from flows.model.objects.port import Port, SegmentPort, VpcPort
from flows.model.objects.route import Route
from flows.model.objects.router import Router, RouterInterface
from flows.model.objects.security_group import InRule, OutRule, Rule, SecurityGroup
from flows.model.objects.segment import Segment
from flows.model.objects.switch import Link, PlainSwitch, SwitchPort
from flows.model.objects.types import Declared, NeedsValue, Origin, what
from flows.model.objects.underlay import Rack, Underlay
from flows.model.objects.vpc import Subnet, SubnetRoute, Vpc
from flows.model.problem import InvalidModel, Problem, did_you_mean, shown


def parse(text: str, file: str) -> tuple[Network, list[Problem]]:
    """Read a network from YAML text: the network, and the warnings.

    Raises :class:`InvalidModel` with every error of the text.
    """
    source = read(text, file)
    if source.value is None and not source.problems:
        source.problems.append(Problem(file, 1, 1, "the file declares nothing; a network without anything is '{}'"))
    if source.value is None or source.value is UNREADABLE:
        raise InvalidModel(source.problems)
    objects = _Objects(source)
    network = objects.network()
    problems = source.problems + objects.problems + check.problems(network, source, objects.broken)
    if any(problem.severity == "error" for problem in problems):
        raise InvalidModel(problems)
    return network, sorted(problems + check.warnings(network, source))


_Model = TypeVar("_Model", bound=BaseModel)
_Object = TypeVar("_Object", bound=Declared)

_SETTINGS = ("encapsulation", "underlay")
_ENCAPSULATION: TypeAdapter[Encapsulation] = TypeAdapter(Encapsulation)

_NESTED: Mapping[type[Declared], tuple[str, type[Declared]]] = {
    Vpc: ("subnets", Subnet),
    Router: ("interfaces", RouterInterface),
}
"""Objects that have a section of their own."""

_LISTS: Mapping[type[Declared], Mapping[str, type[Declared]]] = {
    Subnet: {"routes": SubnetRoute},
    Router: {"routes": Route},
    SwitchPort: {"routes": Route},
    SecurityGroup: {"in": InRule, "out": OutRule},
}
"""Objects that have lists of parts without names: under which keys, and of which kind."""

_EXAMPLES: Mapping[type[Declared], str] = {
    SubnetRoute: "{to: 172.16.0.0/24, via: blue-green}",
    Route: "{to: 192.168.12.0/24, via: 192.168.56.2}",
    InRule: "{from: web, tcp: 5432}",
    OutRule: "{to: db, tcp: 5432}",
}

_STAND_INS: Mapping[type[Declared], Mapping[str, Any]] = {
    Vpc: {"(name)": "x", "id": 0},
    VpcPort: {"(name)": "x", "vpc": "", "ips": "0.0.0.0"},
    SegmentPort: {"(name)": "x"},
    Segment: {"(name)": "x"},
    Subnet: {"(name)": "x"},
    Host: {"(name)": "x"},
    Peering: {"(name)": "x"},
    PlainSwitch: {"(name)": "x"},
    Link: {"(name)": "x"},
    Router: {"(name)": "x"},
    RouterInterface: {"(name)": "x", "switch": ""},
    SwitchPort: {"(name)": "x", "switch": ""},
    SecurityGroup: {"(name)": "x", "vpc": ""},
}
"""In place of what could not be read, so that the rest of the object is checked too. Checks pass over it.

Optional keys are left out instead. Without something else, the object is left out.
"""


class _Objects:
    """Reads each object by itself, so that a broken one hides no error of another."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.problems: list[Problem] = []
        self.broken: set[Path] = set()
        """What could not be read."""

    def network(self) -> Network:
        top = self._mapping(self._source.value, ())
        self._known(top, (), [*_SETTINGS, *SECTIONS])
        fields: dict[str, Any] = {}
        if top.get("encapsulation") is not None:
            try:
                fields["encapsulation"] = _ENCAPSULATION.validate_python(top["encapsulation"])
            except ValidationError as error:
                self._translate(("encapsulation",), error, [])
        if top.get("underlay") is not None:
            fields["underlay"] = self._underlay(top["underlay"])
        for key, kind in SECTIONS.items():
            fields[key] = self._section((key,), kind, top.get(key))
        return Network.model_construct(**fields)

    def _underlay(self, body: Any) -> Underlay:
        path, known = ("underlay",), list(Underlay.model_fields)
        data = self._known(self._mapping(body, path), path, known)
        data["racks"] = self._section((*path, "racks"), Rack, data.get("racks"))
        try:
            return Underlay.model_validate(data)
        except ValidationError as error:
            self._translate(path, error, known)
            return Underlay(racks=data["racks"])

    def _section(self, path: Path, kind: type[_Object], value: Any) -> dict[str, _Object]:
        made = {}
        for name, body in self._mapping(value, path).items():
            its_kind, its_body = self._port((*path, name), body) if kind is Port else (kind, body)
            made[name] = self._object((*path, name), cast(type[_Object], its_kind), name, its_body)
        return {name: item for name, item in made.items() if item is not None}

    def _port(self, path: Path, body: Any) -> tuple[type[Port], Any]:
        """Which kind of port a body declares, and what of the body counts: a port of both kinds is read as a VPC's."""
        if body is not None and not isinstance(body, dict):
            return SegmentPort, body
        body = body or {}
        if body.get("switch") is not None:
            return self._port_on_switch(path, body)
        written = [key for key in _KINDS_OF_PORTS if key in body]
        given = [key for key in written if body[key] is not None]
        if len({_KINDS_OF_PORTS[key] for key in given}) > 1:
            self._wrong((*path, given[1]), None, "a port is in a VPC or in a segment, not both", at_key=True)
            return VpcPort, {key: value for key, value in body.items() if key not in _ONLY_IN_SEGMENTS}
        if not given:
            message = f"{_subject(path)} needs the key 'vpc' to be in a VPC, or 'segment' or 'trunk' to be in a segment"
            at = (*path, written[0]) if written else path
            self.problems.append(
                self._source.problem(at, f"'{written[0]}' has no value" if written else message, at_key=True)
            )
            self.broken.add((*path, "vpc"))
            given = ["vpc" if "ips" in body else "segment"]
            body = {**body, "vpc": ""} if "ips" in body else body
        kind = _KINDS_OF_PORTS[given[0]]
        return kind, {key: value for key, value in body.items() if _KINDS_OF_PORTS.get(key, kind) is kind}

    def _port_on_switch(self, path: Path, body: Any) -> tuple[type[Port], Any]:
        other = next((key for key in ("vpc", "segment") if body.get(key) is not None), None)
        if other is None:
            return SwitchPort, body
        message = "a port is in a VPC, in a segment or on a plain switch, and only one of them"
        self._wrong((*path, other), None, message, at_key=True)
        others = _KINDS_OF_PORTS.keys() - {"trunk"}
        return SwitchPort, {key: value for key, value in body.items() if key not in others}

    def _object(self, path: Path, kind: type[_Object], name: str, body: Any) -> _Object | None:
        body = self._mapping(body, path)
        data = self._known(body, path, _keys(kind), kind.refused)
        if path in self.broken and not data:
            return None
        for key in _needing_values(kind) & body.keys():
            if body[key] is None:
                self._wrong((*path, key), None, f"'{key}' has no value; {_needing_values(kind)[key]}", at_key=True)
        if kind in _NESTED:
            key, of = _NESTED[kind]
            data[key] = self._section((*path, key), of, data.get(key))
        for key, of in _LISTS.get(kind, {}).items():
            if key in data:
                data[key] = self._list((*path, key), of, data[key])
        data |= {"(name)": name, "(origin)": Origin(self._source.file, *self._source.place(path, at_key=True))}
        try:
            return kind.model_validate(data)
        except ValidationError as error:
            self._translate(path, error, _keys(kind))
            return self._with_stand_ins(path, kind, data, error)

    def _list(self, path: Path, kind: type[_Object], value: Any) -> tuple[_Object, ...]:
        """An object's routes or rules: a list, where every other section is keys and values."""
        if not isinstance(value, list):
            self._wrong(path, value, f"'{path[-1]}' must be a list, like [{_EXAMPLES[kind]}], not {what(value)}")
            return ()
        made = (self._element((*path, index), kind, item) for index, item in enumerate(value))
        return tuple(element for element in made if element is not None)

    def _element(self, path: Path, kind: type[_Object], item: Any) -> _Object | None:
        """One element of a list. A route's name is its destination, a rule's is its number in the list."""
        if not issubclass(kind, Rule):
            return self._object(path, kind, str(item.get("to")) if isinstance(item, dict) else "", item)
        if item is None:
            self._wrong(path, None, f"this rule is empty; write it like {_EXAMPLES[kind]}, or {{}} to allow everything")
            return None
        return self._object(path, kind, str(int(path[-1]) + 1), item)

    def _with_stand_ins(
        self, path: Path, kind: type[_Object], data: dict[str, Any], error: ValidationError
    ) -> _Object | None:
        """The object without what is wrong with it; None when too little is left."""
        stand_ins = _STAND_INS.get(kind, {})
        for detail in error.errors(include_url=False):
            where = detail["loc"]
            key = str(where[0]) if where else ""
            name = kind.spelled().get(key)
            if name is not None and not kind.model_fields[name].is_required():
                data.pop(key, None)
            elif key not in stand_ins:
                self.broken.add(path)
                return None
            elif key == "ips" and len(where) > 1:
                data[key] = [stand_ins[key] if index == where[1] else ip for index, ip in enumerate(data[key])]
            else:
                data[key] = [stand_ins[key]] if key == "ips" else stand_ins[key]
        made = kind.model_validate(data)
        return made.model_copy(update={"name": str(path[-1])})

    def _mapping(self, value: Any, path: Path) -> Mapping[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            subject = _subject(path) if path else "the file"
            example = _example(path) if path and isinstance(path[-1], int) else "'name: {...}'"
            self._wrong(path, value, f"{subject} must hold keys and values, like {example}, not {what(value)}")
            return {}
        return value

    def _known(
        self, body: Mapping[str, Any], path: Path, known: list[str], refused: Mapping[str, str] | None = None
    ) -> dict[str, Any]:
        """What has a known key and a value. Reports every other key: ``refused`` says of some why they cannot be."""
        for key in body:
            if key not in known:
                message = (refused or {}).get(key) or _unknown_key(key, known)
                self.problems.append(self._source.problem((*path, key), message, at_key=True))
        return {key: value for key, value in body.items() if key in known and value is not None}

    def _wrong(self, path: Path, value: Any, message: str, *, at_key: bool = False) -> None:
        """Report something that could not be read, unless the reader of YAML has done so."""
        self.broken.add(path)
        if value is not UNREADABLE:
            self.problems.append(self._source.problem(path, message, at_key=at_key))

    def _translate(self, path: Path, error: ValidationError, known: list[str]) -> None:
        for detail in error.errors(include_url=False):
            where = (*path, *detail["loc"])
            if detail["type"] == "default_factory_not_called" or _counts_only_good_ones(detail):
                continue
            if where[-1] == "[key]":
                self._wrong(where[:-1], detail["input"], str(detail["ctx"]["error"]), at_key=True)
            elif where[-1] == "(name)":
                self._wrong((*where[:-1], "(name)"), None, str(detail["ctx"]["error"]), at_key=True)
            elif detail["type"] == "extra_forbidden":
                self._wrong(where, detail["input"], _unknown_key(str(where[-1]), []), at_key=True)
            elif detail["type"] == "missing":
                message = f"'{where[-1]}' has no value"
                if where not in self._source.keys:
                    message = f"{_subject(path)} needs the key '{where[-1]}'"
                self._wrong(where, None, message, at_key=True)
            else:
                self._wrong(where, detail["input"], _sentence(where, detail))


@cache
def _keys(kind: type[Declared]) -> list[str]:
    """What a user may write in an object."""
    return list(kind.spelled())


@cache
def _needing_values(kind: type[Declared]) -> dict[str, str]:
    """The optional keys of an object that cannot stand without a value, and what to write there."""
    marks = {key: kind.model_fields[name].metadata for key, name in kind.spelled().items()}
    return {key: mark.advice for key, found in marks.items() for mark in found if isinstance(mark, NeedsValue)}


def _example(path: Path) -> str:
    """How an element of a list is written."""
    match path[0], path[-2]:
        case "vpcs", _:
            return _EXAMPLES[SubnetRoute]
        case "security_groups", "in":
            return _EXAMPLES[InRule]
        case "security_groups", _:
            return _EXAMPLES[OutRule]
        case _:
            return _EXAMPLES[Route]


_KINDS_OF_PORTS: Mapping[str, type[Port]] = {"vpc": VpcPort, "segment": SegmentPort, "trunk": SegmentPort}
"""The key that says what a port is in."""
_ONLY_IN_SEGMENTS = frozenset(_keys(SegmentPort)) - frozenset(_keys(VpcPort))


def _unknown_key(key: str, known: list[str]) -> str:
    return f"unknown key {shown(key)}{did_you_mean(key, known)}"


def _subject(path: Path) -> str:
    """What stands at a path, in a sentence."""
    if isinstance(path[-1], int):
        return "a rule" if path[0] == "security_groups" else "a route"
    return shown(path[-1])


def _counts_only_good_ones(detail: ErrorDetails) -> bool:
    """Whether a list is too short only because some of its elements are wrong, which is reported."""
    context = detail.get("ctx", {})
    return detail["type"] == "too_short" and len(detail["input"]) >= context["min_length"]


_LIST_EXAMPLES = {
    "ips": "[10.0.1.141]",
    "between": "[blue/web, green/db]",
    "trunk": "[red, green]",
    "groups": "[web]",
    "tcp": "[80, 443]",
    "udp": "[53, 8125-8130]",
    "icmp": "[ping, unreachable]",
    "from": "[web, 10.0.9.0/24]",
    "to": "[db, 10.0.9.0/24]",
}
_EMPTY_LISTS = {
    "from": "leave it out for anybody, or leave out the rule",
    "to": "leave it out for anybody, or leave out the rule",
    **dict.fromkeys(("tcp", "udp"), "name ports, like [80, 443], or leave out the rule"),
    "icmp": "name messages, like [ping], or leave out the rule",
}


def _sentence(where: Path, detail: ErrorDetails) -> str:
    """An error of pydantic's as what is wrong and what would be right."""
    key, given, context = where[-1], detail["input"], detail.get("ctx", {})
    match detail["type"]:
        case "value_error":
            return str(context["error"])
        case "literal_error":
            return f"'{key}' cannot be {what(given)}; write {str(context['expected']).replace(chr(39), '')}"
        case "tuple_type":
            return f"'{key}' must be a list, like {_LIST_EXAMPLES[str(key)]}, not {what(given)}"
        case "too_short" | "too_long" if key == "between":
            return f"a peering has two ends, like [blue/web, green/db], not {context['actual_length']}"
        case "too_short" if key != "ips":
            return f"'{key}' is an empty list; {_EMPTY_LISTS[str(key)]}"
        case "too_short":
            return f"'{key}' is empty; a port needs at least one address, like [10.0.1.141]"
        case "dict_type" | "model_type":
            return f"'{key}' must hold keys and values, not {what(given)}"
        case "greater_than_equal":
            return f"'{key}' is {given}; the smallest is {context['ge']}"
        case "less_than_equal":
            return f"'{key}' is {given}; the largest is {context['le']}"
        case _:
            return f"'{key}' cannot be {what(given)}: {detail['msg']}"
