"""Which controller a command is about: that of a lab, or the one on a state directory."""

import os
from contextlib import redirect_stderr
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.common.output import fail

if TYPE_CHECKING:  # the help of a verb needs none of them, and whoever names a state directory needs no lab
    from controller.store import Store, Stored
    from flows.model import Network
    from mininet_topos.client.lab import Lab

DEFAULT_STATE = Path("/var/lib/ovs-vpc")

StateOption = Annotated[
    Path | None,
    typer.Option(
        "--state",
        envvar="OVS_VPC_STATE",
        help=f"The controller's state directory. Default: that of the running lab, else {DEFAULT_STATE}.",
    ),
]


@dataclass(frozen=True, slots=True)
class Target:
    """The controller that a command is about."""

    store: "Store"
    lab: "Lab | None"
    """The lab that it runs in, if it is one."""

    def model(self) -> "Stored":
        """What was applied last; ends the command when nothing was."""
        stored = self.store.load()
        if stored is None:
            fail("no model was applied yet; start with 'ovs-vpc apply FILE'")
        return stored


def find_target(state: Path | None, lab: str | None) -> Target:
    """The controller that the options --state and --lab name, or the only one that can be meant."""
    if state is None:
        from mininet_topos.client.lab import Lab

        if lab is not None or Lab.running():
            found = Lab.find(lab)
            return Target(lab_store(found), found)
    directory = state or DEFAULT_STATE
    if not directory.is_dir() or not os.access(directory, os.W_OK):
        fail(f"no lab is running, and there is no controller state in {directory}; start with 'ovs-vpc lab up FILE'")
    from controller.store import Store

    return Target(Store(directory), None)


def controller_state(lab: "Lab") -> Path:
    """Where a lab's controller keeps its state."""
    return lab.path / "controller"


def lab_store(lab: "Lab") -> "Store":
    """The store of a lab's controller. Its server is never started out here, where it would not end with the lab."""
    from controller.store import Store

    return Store(controller_state(lab), starts=False)


def check_name(kind: str, name: str, known: list[str]) -> None:
    """End the command when there is no object of a name."""
    if name not in known:
        from flows.model.problem import did_you_mean

        fail(f"there is no {kind} '{name}'{did_you_mean(name, known)}")


def check_ports(network: "Network", *names: str) -> None:
    """End the command, with everything that is wrong, unless these are ports that packets can be sent to."""
    from flows.model.problem import did_you_mean

    wrong = []
    for name in dict.fromkeys(names):
        port = network.ports.get(name)
        if port is None:
            wrong.append(f"there is no port '{name}'{did_you_mean(name, list(network.ports))}")
        elif port.address is None:
            wrong.append(f"port '{name}' ({port.origin}) declares no address, so it is unknown what it reaches")
    if wrong:
        fail("\nerror: ".join(wrong))


def complete_host(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of hosts, for the shell's completion."""
    return _complete(ctx, incomplete, "hosts")


def complete_port(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of ports, for the shell's completion."""
    return _complete(ctx, incomplete, "ports")


def _complete(ctx: typer.Context, incomplete: str, section: str) -> list[str]:
    try:
        with redirect_stderr(StringIO()):
            stored = find_target(ctx.params.get("state"), ctx.params.get("lab")).store.load()
    except (SystemExit, Exception):  # completion must never disturb the user's line
        return []
    return [name for name in getattr(stored.network, section) if name.startswith(incomplete)] if stored else []


def complete_lab(incomplete: str) -> list[str]:
    """Names of running labs, for the shell's completion."""
    from mininet_topos.client.lab import Lab

    try:
        return [lab.name for lab in Lab.running() if lab.name.startswith(incomplete)]
    except Exception:  # completion must never disturb the user's line
        return []


def complete_node(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of what a command can be run in, in a lab, for the shell's completion."""
    fixed = [node for node in ("underlay", "controller") if node.startswith(incomplete)]
    return [*complete_port(ctx, incomplete), *complete_place(ctx, incomplete), *fixed]


def complete_place(ctx: typer.Context, incomplete: str) -> list[str]:
    """Names of hosts and plain switches, for the shell's completion."""
    return [*_complete(ctx, incomplete, "hosts"), *_complete(ctx, incomplete, "switches")]


def refuse_name(ctx: typer.Context, name: str | None) -> None:
    """Say how a lab is named now, to whoever names it as it was done once."""
    if name is not None and not ctx.resilient_parsing:
        fail(f"write --lab {name}: every command names a lab by this option")


OldArgument = Annotated[str | None, typer.Argument(hidden=True, callback=refuse_name)]
OldOption = Annotated[str | None, typer.Option("--name", hidden=True, callback=refuse_name)]

LabOption = Annotated[
    str | None,
    typer.Option("--lab", help="A running lab, by name, instead of --state.", autocompletion=complete_lab),
]
ThisLabOption = Annotated[
    str | None, typer.Option("--lab", help="A lab. Default: the only one that runs.", autocompletion=complete_lab)
]
NewLabOption = Annotated[str | None, typer.Option("--lab", help="The lab's name. Default: that of the file.")]
HostArgument = Annotated[str, typer.Argument(help="A host of the model.", autocompletion=complete_host)]
PortArgument = Annotated[str, typer.Argument(help="A port of the model.", autocompletion=complete_port)]
PlaceArgument = Annotated[
    str, typer.Argument(help="A host of the model, or a plain switch.", autocompletion=complete_place, metavar="PLACE")
]
