"""``ovs-vpc validate``: is this network file right?"""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from controller.cli.common.consoles import out
from controller.cli.common.output import FAILED, JsonOption, check_network, named, print_json, read_network, summary


def validate(
    file: Annotated[Path, typer.Argument(help="A network file (YAML); - is standard input.")],
    as_json: JsonOption = False,
) -> None:
    """Check a network file and say everything that is wrong with it, each with line and column.

    Exit code 0: it can be applied (there may be warnings). 1: it cannot.
    """
    if as_json:
        checked, _, problems = check_network(file)
        print_json({"valid": checked is not None, "problems": [asdict(problem) for problem in problems]})
        raise SystemExit(FAILED if checked is None else 0)
    network, _ = read_network(file)
    tunnels = f", over {network.encapsulation}" if network.hosts or not network.switches else ""
    out.print(f"{named(file)} is valid: {summary(network)}{tunnels}", markup=False)
