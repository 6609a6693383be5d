"""The JSON Schema that editors use: kept in docs/, accepts what is right, refuses what is built wrongly."""

from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from typer.testing import CliRunner

from controller.cli.main import command_line
from flows.model import network_schema, parse
from tests.conftest import Golden
from tests.scenario import ROOT, SCENARIOS, SHIPPED

UNIT = Path(__file__).parent
VALIDATOR = jsonschema.Draft7Validator(network_schema())

STRUCTURAL = [
    "encapsulation",
    "gateway-is-no-address",
    "host-physical",
    "list-at-top",
    "macs",
    "mtu-too-small",
    "name-too-long",
    "names",
    "object-is-text",
    "peering-ends",
    "peering-is-no-list",
    "peering-one-end",
    "peering-three-ends",
    "port-address-is-no-list",
    "port-in-what",
    "port-without-address",
    "ranges",
    "routes-is-no-list",
    "routes-not-routes",
    "section-is-a-list",
    "segment-values",
    "tunnel-addresses",
    "unknown-keys",
    "unknown-section",
    "values-missing",
    "vpc-id-too-large-for-gre",
]
"""Broken files that an editor marks while they are written."""


VALID = [
    *SHIPPED.glob("*.yaml"),
    *SCENARIOS.glob("*.yaml"),
    # YAML 1.1 reads names of digits as numbers; docs/network-file.md asks for quotes.
    *(path for path in (UNIT / "warned").glob("*.yaml") if path.stem != "digits-as-names"),
]


def _value(path: Path) -> Any:
    return yaml.safe_load(path.read_text(encoding="utf-8-sig"))


def test_kept_schema(golden: Golden) -> None:
    golden.check(ROOT / "docs" / "network.schema.json", CliRunner().invoke(command_line(), ["schema"]).output)


def test_schema_is_one() -> None:
    jsonschema.Draft7Validator.check_schema(network_schema())


@pytest.mark.parametrize("path", VALID, ids=lambda path: path.stem)
def test_valid_files(path: Path) -> None:
    VALIDATOR.validate(_value(path))


@pytest.mark.parametrize("name", STRUCTURAL)
def test_broken_files(name: str) -> None:
    assert not VALIDATOR.is_valid(_value(UNIT / "broken" / f"{name}.yaml"))


def test_every_key_is_explained() -> None:
    schema = network_schema()
    for body in (schema, *schema["$defs"].values()):
        assert body["description"]
        for key, value in body["properties"].items():
            assert value.get("description") or "anyOf" in value, key


def test_reference_has_every_key() -> None:
    page = (ROOT / "docs" / "network-file.md").read_text()
    schema = network_schema()
    keys = {key for body in (schema, *schema["$defs"].values()) for key in body["properties"]}
    assert not {key for key in keys if f"| `{key}` |" not in page}


def test_examples_of_the_reference_are_right() -> None:
    blocks = (ROOT / "docs" / "network-file.md").read_text().split("```yaml\n")[1:]
    whole = [block.split("```")[0] for block in blocks if block.startswith("encapsulation:")]
    assert whole
    for text in whole:
        assert parse(text, "docs/network-file.md")[1] == []
