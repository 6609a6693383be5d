"""``ovs-vpc graph``: the network as a picture in the terminal."""

from pathlib import Path
from typing import Annotated

import typer

from controller.cli.common.consoles import out
from controller.cli.common.output import JsonOption, print_json, read_network
from controller.cli.common.state import LabOption, StateOption, find_target


def graph(
    file: Annotated[
        Path | None, typer.Argument(help="A network file. Default: the model that was applied last.")
    ] = None,
    as_json: JsonOption = False,
    state: StateOption = None,
    lab: LabOption = None,
) -> None:
    """Draw a network: hosts and their ports, VPCs, peerings, plain switches and routers."""
    from controller.cli.common.drawing import draw, plain

    network = read_network(file)[0] if file is not None else find_target(state, lab).model().network
    if as_json:
        print_json(plain(network))
    else:
        out.print(draw(network))
