"""``ovs-vpc apply``: make a network file the model."""

from pathlib import Path
from typing import Annotated

import typer

from controller.cli.output import err, fail, out, read_network, summary
from controller.cli.state import LabOption, StateOption, find_target
from controller.cli.waiting import wait_connected


def apply(
    file: Annotated[Path, typer.Argument(help="A network file (YAML).")],
    wait: Annotated[
        float, typer.Option(help="Seconds to wait until every connected host confirmed; 0: do not wait.")
    ] = 10.0,
    comment: Annotated[str, typer.Option(help="What this change is for; 'ovs-vpc history' shows it.")] = "",
    state: StateOption = None,
    lab: LabOption = None,
) -> None:
    """Make a network file the model of a running controller, and wait until every connected host has confirmed it.

    Only what differs is changed in the switches. A file with errors changes nothing. In a lab, instances that are
    new are made and plugged in, those that moved are moved, and those that are gone are ended.

    Exit code 0: every host confirmed. 1: the file is wrong; or a host is not connected or did not confirm in time,
    which is then named (it will get the change once it can).
    """
    target = find_target(state, lab)
    store = target.store
    network, text = read_network(file)
    if target.lab is not None:
        target.lab.check_follow(text)
    with err.status("applying"):
        generation = store.apply(network, comment=comment)
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
