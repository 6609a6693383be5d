"""``ovs-vpc apply``: make a network file the model."""

import sys
from pathlib import Path
from typing import Annotated

import typer

from controller.cli.output import err, fail, out, read_network, summary
from controller.cli.plan import FlowsOption, print_plan
from controller.cli.state import LabOption, StateOption, find_target
from controller.cli.waiting import wait_connected
from controller.planning import Planned, plan


def apply(
    file: Annotated[Path, typer.Argument(help="A network file (YAML).")],
    wait: Annotated[
        float, typer.Option(help="Seconds to wait until every connected host confirmed; 0: do not wait.")
    ] = 10.0,
    comment: Annotated[str, typer.Option(help="What this change is for; 'ovs-vpc history' shows it.")] = "",
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not show what will change, and do not ask.")] = False,
    flows: FlowsOption = False,
    state: StateOption = None,
    lab: LabOption = None,
) -> None:
    """Make a network file the model of a running controller, and wait until every connected host has confirmed it.

    Shows first what will change, as 'ovs-vpc plan' does, and asks. What is applied is what was shown: when somebody
    else has changed the model meanwhile, nothing is. Scripts say --yes.

    Only what differs is changed in the switches. A file with errors changes nothing. In a lab, instances that are
    new are made and plugged in, those that moved are moved, and those that are gone are ended.

    Exit code 0: every host confirmed. 1: the file is wrong; or the answer was no; or a host is not connected or did not
    confirm in time, which is then named (it will get the change once it can).
    """
    target = find_target(state, lab)
    store = target.store
    network, text = read_network(file)
    if target.lab is not None:
        target.lab.check_follow(text)
    outlook = store.outlook(network)
    if not yes:
        _ask(plan(outlook, network, store.read_status()), in_words=flows)
    with err.status("applying"):
        generation = store.commit(outlook.changes, comment=comment, generation=None if yes else outlook.generation)
        if target.lab is not None:
            target.lab.follow(text)
    if not store.is_served():
        fail(f"generation {generation} is stored, but no controller runs on {store.directory}")
    if wait <= 0:
        out.print(f"generation {generation} is stored")
        return
    with err.status("waiting for the hosts to confirm"):
        missing = wait_connected(store, generation, wait)
    if missing:
        for name, reason in missing.items():
            out.print(f"  {name}: {reason}")
        fail(f"generation {generation} is stored, but not confirmed by {', '.join(missing)}")
    out.print(f"generation {generation} is confirmed by every host: {summary(network)}")
    for name, known in store.read_status()["hosts"].items():
        for segment in known["cut_off"]:
            out.print(f"  {name}: segment {segment} is cut off there: all VLANs that a host has are in use")


def _ask(planned: Planned, *, in_words: bool) -> None:
    """Show what will change, and end the command unless somebody agrees."""
    if not planned.objects:
        return
    if not sys.stdin.isatty():
        fail(
            "nobody can be asked whether to do this, for the standard input is no terminal; "
            "'ovs-vpc plan FILE' shows what would change, 'ovs-vpc apply --yes FILE' does it without asking"
        )
    print_plan(planned, in_words=in_words)
    if not typer.confirm("Make these changes?"):
        fail("nothing was changed")
