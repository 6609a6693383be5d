"""``ovs-vpc validate``: is this network file right?"""

from pathlib import Path
from typing import Annotated

import typer

from controller.cli.consoles import out
from controller.cli.output import read_network, summary


def validate(file: Annotated[Path, typer.Argument(help="A network file (YAML).")]) -> None:
    """Check a network file and say everything that is wrong with it, each with line and column.

    Exit code 0: it can be applied (there may be warnings). 1: it cannot.
    """
    network, _ = read_network(file)
    tunnels = f", over {network.encapsulation}" if network.hosts or not network.switches else ""
    out.print(f"{file} is valid: {summary(network)}{tunnels}")
