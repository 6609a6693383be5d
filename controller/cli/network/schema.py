"""``ovs-vpc schema``: what editors need to help with network files."""

import json

from controller.cli.common.consoles import out


def schema() -> None:
    """Print the JSON Schema of network files, for editors (docs/network-file.md says how)."""
    out.print(schema_text(), markup=False, end="")


def schema_text() -> str:
    """The schema as it is kept in docs/network.schema.json."""
    from flows.model import network_schema

    return json.dumps(network_schema(), indent=2, ensure_ascii=False) + "\n"
