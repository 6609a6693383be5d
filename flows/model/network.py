"""The whole of what a user declares, read from YAML text.

encapsulation: gre            # or vxlan, geneve
underlay: {mtu: 1500}        # and racks: {rack1: {cidr: 10.174.233.0/24}}
hosts:
  host86: {tunnel_ip: 10.174.233.86}
vpcs:
  blue:
    id: 6289
    subnets:
      web: {cidr: 10.0.1.0/24, routes: [{to: 172.16.0.0/24, via: blue-green}]}
ports:
  vm1: {vpc: blue, ips: [10.0.1.141], host: host86}
peerings:
  blue-green: {between: [blue/web, green/db]}
"""

from collections.abc import Mapping
from functools import cached_property
from ipaddress import IPv4Address
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, TypeAdapter, ValidationError

from flows.model import check
from flows.model.host import TUNNEL_OVERHEAD, Encapsulation, Host
from flows.model.peering import Peering
from flows.model.port import Port
from flows.model.problem import InvalidModel, Problem, did_you_mean
from flows.model.source import Path, Source, read
from flows.model.types import Declared, Origin
from flows.model.underlay import Rack, Underlay
from flows.model.vpc import Subnet, Vpc


class Network(BaseModel):
    """Everything that a user declared. Valid when it comes from :func:`parse`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    encapsulation: Encapsulation = "gre"
    underlay: Underlay = Underlay()
    hosts: dict[str, Host] = {}
    vpcs: dict[str, Vpc] = {}
    ports: dict[str, Port] = {}
    peerings: dict[str, Peering] = {}

    @property
    def instance_mtu(self) -> int:
        """The largest IP packet, in bytes, that an instance can send without the tunnel breaking it."""
        return self.underlay.mtu - TUNNEL_OVERHEAD[self.encapsulation]

    def subnet_of(self, vpc: str, address: IPv4Address) -> Subnet | None:
        """The subnet of a VPC that an address lies in."""
        return next((s for s in self.vpcs[vpc].subnets.values() if address in s.cidr), None)

    @cached_property
    def ends(self) -> Mapping[str, tuple[Vpc, Subnet]]:
        """Every subnet as it is written in a peering: ``vpc/subnet``."""
        return {
            f"{vpc.name}/{subnet.name}": (vpc, subnet) for vpc in self.vpcs.values() for subnet in vpc.subnets.values()
        }


def parse(text: str, file: str) -> tuple[Network, list[Problem]]:
    """Read a network from YAML text: the network, and the warnings.

    Raises :class:`InvalidModel` with every error of the text.
    """
    source = read(text, file)
    if source.problems and source.value is None:
        raise InvalidModel(source.problems)
    objects = _Objects(source)
    network = objects.network()
    problems = source.problems + objects.problems + check.problems(network, source, objects.broken)
    if any(problem.severity == "error" for problem in problems):
        raise InvalidModel(problems)
    return network, sorted(problems)


_Object = TypeVar("_Object", bound=Declared)

_SECTIONS: Mapping[str, type[Declared]] = {"hosts": Host, "vpcs": Vpc, "ports": Port, "peerings": Peering}
_SETTINGS: Mapping[str, TypeAdapter[Any]] = {
    "encapsulation": TypeAdapter(Encapsulation),
    "underlay": TypeAdapter(Underlay),
}


class _Objects:
    """Reads each object by itself, so that a broken one hides no error of another."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self.problems: list[Problem] = []
        self.broken: set[tuple[str, str]] = set()

    def network(self) -> Network:
        top = self._mapping(self._source.value, ())
        known = [*_SETTINGS, *_SECTIONS]
        for key in top.keys() - known:
            self._report((key,), f"unknown key '{key}'{did_you_mean(key, known)}", at_key=True)
        fields: dict[str, Any] = {}
        for key, adapter in _SETTINGS.items():
            if key in top:
                try:
                    fields[key] = adapter.validate_python(self._underlay(top[key]) if key == "underlay" else top[key])
                except ValidationError as error:
                    self._translate((key,), error, list(Underlay.model_fields))
        for key, kind in _SECTIONS.items():
            fields[key] = self._section((key,), kind, top.get(key))
        return Network.model_construct(**fields)

    def _underlay(self, value: Any) -> Any:
        if not isinstance(value, dict) or "racks" not in value:
            return value
        return {**value, "racks": self._section(("underlay", "racks"), Rack, value["racks"])}

    def _section(self, path: Path, kind: type[_Object], value: Any) -> dict[str, _Object]:
        objects: dict[str, _Object] = {}
        for name, body in self._mapping(value, path).items():
            made = self._object((*path, name), kind, name, body)
            if made is None:
                self.broken.add((str(path[0]), name))
            else:
                objects[name] = made
        return objects

    def _object(self, path: Path, kind: type[_Object], name: str, body: Any) -> _Object | None:
        data = dict(self._mapping(body, path))
        line, _ = self._source.place(path, at_key=True)
        data |= {"(name)": name, "(origin)": Origin(self._source.file, line)}
        if kind is Vpc:
            data["subnets"] = self._section((*path, "subnets"), Subnet, data.get("subnets"))
        if kind is Subnet and isinstance(data.get("routes"), list):
            data["routes"] = [self._route((*path, "routes", index), item) for index, item in enumerate(data["routes"])]
        try:
            return kind.model_validate(data)
        except ValidationError as error:
            known = [name for name in kind.model_fields if name not in Declared.model_fields]
            self._translate(path, error, known)
            return None

    def _route(self, path: Path, item: Any) -> Any:
        if not isinstance(item, dict):
            return item
        line, _ = self._source.place(path)
        return {**item, "(name)": str(item.get("to")), "(origin)": Origin(self._source.file, line)}

    def _mapping(self, value: Any, path: Path) -> Mapping[str, Any]:
        if value is None:
            return {}
        if not isinstance(value, dict):
            what = f"'{path[-1]}'" if path else "the file"
            self._report(path, f"{what} must hold keys and values, like 'name: {{...}}'")
            return {}
        return value

    def _report(self, path: Path, message: str, *, at_key: bool = False) -> None:
        self.problems.append(self._source.problem(path, message, at_key=at_key))

    def _translate(self, path: Path, error: ValidationError, known: list[str]) -> None:
        for detail in error.errors():
            where = (*path, *detail["loc"])
            key = str(where[-1])
            match detail["type"]:
                case "extra_forbidden":
                    self._report(where, f"unknown key '{key}'{did_you_mean(key, known)}", at_key=True)
                case "missing":
                    self._report(where[:-1], f"'{where[-2]}' needs the key '{key}'", at_key=True)
                case "string_pattern_mismatch" if key == "(name)":
                    name = where[-2]
                    message = f"'{name}' is not a name: use small letters, digits and dashes"
                    self._report(where[:-1], message, at_key=True)
                case "value_error":
                    self._report(where, str(detail["ctx"]["error"]))
                case _:
                    self._report(where, f"{key}: {detail['msg']}, not {detail['input']!r}")
