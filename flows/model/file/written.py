"""A network as its file says it: plain values, without what follows from them."""

from collections.abc import Callable, Mapping
from ipaddress import IPv4Address, IPv4Interface, IPv4Network
from typing import Any

from pydantic import BaseModel

from flows.model.objects.types import Declared

Data = dict[str, Any]
"""What stands in a network file."""

_SPELLED: Mapping[str, Callable[[int], str]] = {"dpid": "{:016x}".format}
"""Keys whose numbers a file spells in a form of its own."""


def written(value: object) -> Any:
    """A model, or a part of it, as a file has it: what was declared, without where."""
    match value:
        case BaseModel():
            declared = [name for name in type(value).model_fields if name in value.model_fields_set]
            fields = {name: type(value).model_fields[name].alias or name for name in declared}
            parts = {key: getattr(value, name) for name, key in fields.items() if name not in Declared.model_fields}
            return {
                name: _SPELLED[name](part) if name in _SPELLED else written(part)
                for name, part in parts.items()
                if part is not None
            }
        case dict():
            return {name: written(part) for name, part in value.items()}
        case list() | tuple():
            return [written(part) for part in value]
        case IPv4Address() | IPv4Network() | IPv4Interface():
            return str(value)
        case _:
            return value
