"""``ovs-vpc validate``: is this network file right?"""

from pathlib import Path
from typing import Annotated

import typer

from controller.cli.output import counted, out, read_network


def validate(file: Annotated[Path, typer.Argument(help="A network file (YAML).")]) -> None:
    """Check a network file and say everything that is wrong with it, each with line and column.

    Exit code 0: it can be applied (there may be warnings). 1: it cannot.
    """
    network, _ = read_network(file)
    if network.switches and not network.hosts:
        out.print(f"{file} is valid: {counted(network)}")
        return
    switches = f"{len(network.switches)} switches, " if network.switches else ""
    out.print(
        f"{file} is valid: {len(network.hosts)} hosts, {len(network.vpcs)} VPCs, {len(network.ports)} ports, "
        f"{len(network.peerings)} peerings, {switches}over {network.encapsulation}"
    )
