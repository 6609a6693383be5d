"""The JSON Schema of a network file, from the model's own types, so that editors complete, explain and check.

It knows shapes and spelling; what objects mean to each other only ``ovs-vpc validate`` checks.
"""

from collections.abc import Mapping
from typing import Any

from flows.model.objects.network import Network
from flows.model.objects.types import NAME_LENGTH, NAME_PATTERN, NEVER_EMPTY, Declared

Schema = dict[str, Any]

_INJECTED = frozenset(str(field.alias) for field in Declared.model_fields.values())
"""What the reader puts into every object. No user writes it."""

_NOISE = ("title", "default")
"""pydantic's titles repeat the key; defaults that say something are put back."""


_KEYWORDS = {"ge": "minimum", "le": "maximum"}
"""pydantic leaves these untranslated where a type is read from text."""


def network_schema() -> Schema:
    """The schema as a JSON value."""
    made = Network.model_json_schema()
    definitions = {name: _object(body) for name, body in made["$defs"].items() if name != "Origin"}
    return {
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "ovs-vpc network",
        **_object({**made, "description": "A network: hosts, and the private networks (VPCs) over them."}),
        "$defs": definitions,
    }


def _object(body: Schema) -> Schema:
    """The schema of an object as it stands in a file."""
    required = [key for key in body.get("required", ()) if key not in _INJECTED]
    properties = {
        key: _property(value, optional=key not in required)
        for key, value in body["properties"].items()
        if key not in _INJECTED
    }
    adapted: Schema = {"type": "object", "description": _prose(body["description"]), "properties": properties}
    if required:
        adapted["required"] = required
    if "anyOf" in body:
        adapted["anyOf"] = body["anyOf"]
    return {**adapted, "additionalProperties": False}


def _property(body: Schema, *, optional: bool) -> Schema:
    """The schema of a key's value. An optional key may stand without one."""
    optional = optional and not body.get(NEVER_EMPTY)
    adapted = {_KEYWORDS.get(key, key): value for key, value in body.items() if key not in (*_NOISE, NEVER_EMPTY)}
    default = body.get("default")
    if default is not None and not isinstance(default, list) and default != {}:
        adapted["default"] = default
    if "description" in adapted:
        adapted["description"] = _prose(adapted["description"])
    if "anyOf" in adapted:
        adapted |= next(choice for choice in adapted.pop("anyOf") if choice != {"type": "null"})
    if "patternProperties" in adapted:  # pydantic's way to say how the names look, where their type says it
        (adapted["additionalProperties"],) = adapted.pop("patternProperties").values()
    if isinstance(adapted.get("additionalProperties"), Mapping):
        adapted["propertyNames"] = {"pattern": NAME_PATTERN, "maxLength": NAME_LENGTH}
    return _or_nothing(adapted) if optional else adapted


def _or_nothing(body: Schema) -> Schema:
    """The schema of a value that may also be left out after its key."""
    if "$ref" in body:
        return {"anyOf": [{"$ref": body["$ref"]}, {"type": "null"}]}
    if "enum" in body:
        body = {**body, "enum": [*body["enum"], None]}
    return {**body, "type": [body["type"], "null"]}


def _prose(text: str) -> str:
    """A docstring as an editor shows it: one line per paragraph, Markdown's quotes for code."""
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in text.split("\n\n")).replace("``", "`")
