"""Which controller a command is about: its state directory."""

import os
from pathlib import Path
from typing import Annotated

import typer

from controller.cli.output import fail
from controller.store import Store
from mininet_topos.lab import Lab

DEFAULT_STATE = Path("/var/lib/ovs-vpc")

StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state",
        envvar="OVS_VPC_STATE",
        help=f"The controller's state directory. Default: that of the running lab, else {DEFAULT_STATE}.",
    ),
]
LabOption = Annotated[str | None, typer.Option("--lab", help="A running lab, by name, instead of --state.")]


def open_store(state: Path | None, lab: str | None) -> Store:
    """The store that a command works on."""
    if state is None:
        state = controller_state(Lab.find(lab)) if lab is not None or Lab.running() else DEFAULT_STATE
    if not state.is_dir() or not os.access(state, os.W_OK):
        fail(f"no lab is running, and there is no controller state in {state}; start with 'ovs-vpc lab up FILE'")
    return Store(state)


def controller_state(lab: Lab) -> Path:
    """Where a lab's controller keeps its state."""
    return lab.path / "controller"
