"""``ovs-vpc lab exec``."""

import os
from typing import Annotated

import typer

from controller.cli.common.output import fail
from controller.cli.common.state import ThisLabOption, complete_node


def execute(
    node: Annotated[
        str,
        typer.Argument(help="A port or a host, 'underlay', 'controller' or 'router'.", autocompletion=complete_node),
    ],
    command: Annotated[list[str], typer.Argument(help="The command and its arguments, after --.")],
    lab: ThisLabOption = None,
) -> None:
    """Run a command inside an instance or a host: ovs-vpc lab exec vm1 -- ping 10.0.0.2

    In a host, ovs-vsctl, ovs-ofctl and ovs-appctl talk to that host's own switch. The exit code is the command's.
    """
    from mininet_topos.client.lab import Lab

    argv = command[1:] if command[0] == "--" else command
    if not argv:
        fail("the command is missing: ovs-vpc lab exec PORT -- COMMAND")
    full = Lab.find(lab).command(node, argv)
    try:
        os.execvp(full[0], full)
    except OSError as error:
        fail(f"cannot run {full[0]}: {error.strerror}")
