"""Steps by which a network file is changed: each in words that say what to write where, and as the edit itself."""

from collections.abc import Container, Mapping
from dataclasses import dataclass
from ipaddress import IPv4Network
from itertools import count
from typing import Literal, Protocol

from flows.model.file.written import Data
from flows.model.objects.port import Port
from flows.model.objects.security_group import Direction, SecurityGroup
from flows.model.objects.switch import Link
from flows.model.objects.types import Origin


class Step(Protocol):
    """One thing to change. Its text says what to write, and names the object with file and line."""

    def edit(self, data: Data) -> None:
        """Change a file's data so."""


Change = tuple[Step, ...]
"""Steps to take together, in this order."""


def new_name(wanted: str, taken: Container[str]) -> str:
    """A name that is free: the wanted one, or that with the first number that makes it so."""
    return wanted if wanted not in taken else next(n for i in count(2) if (n := f"{wanted}-{i}") not in taken)


@dataclass(frozen=True, slots=True)
class Connect:
    """Add a peering of two subnets, or a link between two switches."""

    section: Literal["peerings", "links"]
    name: str
    between: tuple[str, str]

    def __str__(self) -> str:
        return f"add to {self.section}: {self.name}: {{between: [{', '.join(self.between)}]}}"

    def edit(self, data: Data) -> None:
        data.setdefault(self.section, {})[self.name] = {"between": [*self.between]}


@dataclass(frozen=True, slots=True)
class AddRoute:
    """Give a subnet or a router a route."""

    end: str
    """``vpc/subnet``, or ``router NAME``."""
    origin: Origin
    to: IPv4Network
    via: str
    is_first: bool

    def __str__(self) -> str:
        route = f"{{to: {self.to}, via: {self.via}}}"
        if self.is_first:
            return f"add to {self.end} ({self.origin}): routes: [{route}]"
        return f"add to the routes of {self.end} ({self.origin}): - {route}"

    def edit(self, data: Data) -> None:
        _end(data, self.end).setdefault("routes", []).append({"to": str(self.to), "via": self.via})


@dataclass(frozen=True, slots=True)
class RemoveRoute:
    """Take a route from a subnet."""

    end: str
    origin: Origin
    to: IPv4Network

    def __str__(self) -> str:
        return f"remove from the routes of {self.end} the one to {self.to} ({self.origin})"

    def edit(self, data: Data) -> None:
        subnet = _end(data, self.end)
        subnet["routes"] = [route for route in subnet["routes"] if route["to"] != str(self.to)]


def _end(data: Data, end: str) -> Data:
    vpc, is_subnet, name = end.partition("/")
    body: Data = data["vpcs"][vpc]["subnets"][name] if is_subnet else data["routers"][end.removeprefix("router ")]
    return body


@dataclass(frozen=True, slots=True)
class AddRule:
    """Give a security group a rule."""

    group: SecurityGroup
    direction: Direction
    rule: Mapping[str, str | list[str]]
    is_first: bool

    def __str__(self) -> str:
        rule = f"{{{', '.join(f'{key}: {_spelled(value)}' for key, value in self.rule.items())}}}"
        if self.is_first:
            return f"change {self.group} ({self.group.origin}): {self.direction}: [{rule}]"
        return f"add to '{self.direction}' of {self.group} ({self.group.origin}): - {rule}"

    def edit(self, data: Data) -> None:
        data["security_groups"][self.group.name][self.direction].append(dict(self.rule))

    def __hash__(self) -> int:
        """A rule that is still to be written has none."""
        return hash((self.group, self.direction))


@dataclass(frozen=True, slots=True)
class Write:
    """Write something else into a port or link."""

    item: Port | Link
    key: str
    value: str | int | tuple[str | int, ...]

    def __str__(self) -> str:
        value = f"[{', '.join(map(str, self.value))}]" if isinstance(self.value, tuple) else self.value
        return f"change {self.item} ({self.item.origin}): {self.key}: {value}"

    def edit(self, data: Data) -> None:
        value = [*self.value] if isinstance(self.value, tuple) else self.value
        _body(data, self.item)[self.key] = value


@dataclass(frozen=True, slots=True)
class Leave:
    """Leave a key out of a port."""

    item: Port
    key: str

    def __str__(self) -> str:
        return f"remove from {self.item} ({self.item.origin}): {self.key}"

    def edit(self, data: Data) -> None:
        del _body(data, self.item)[self.key]


def _spelled(value: str | list[str]) -> str:
    return f"[{', '.join(value)}]" if isinstance(value, list) else value


def _body(data: Data, item: Port | Link) -> Data:
    body: Data = data["ports" if isinstance(item, Port) else "links"][item.name]
    return body
