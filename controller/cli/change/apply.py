"""``ovs-vpc apply``: make a network file the model."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.common.output import FlowsOption, fail, read_network, summary, working
from controller.cli.common.state import LabOption, StateOption, find_target
from controller.cli.common.waiting import wait_connected

if TYPE_CHECKING:
    from controller.store import Changes, Store
    from flows.model import Network
    from mininet_topos.topology.topology import InstanceChanges


def apply(
    file: Annotated[Path, typer.Argument(help="A network file (YAML); - is standard input.")],
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

    Shows first what will change, as 'ovs-vpc plan' does, and asks. Exactly what was shown is applied. If somebody else
    has changed the model meanwhile, nothing is. Scripts say --yes.

    Only what differs is changed in the switches. A file with errors changes nothing. A lab follows the file. New hosts
    are built; hosts that are gone end once their ports have moved. New instances are made and plugged in. Instances
    that differ are changed and moved while their processes keep running. Instances that are gone end with all their
    processes.

    Exit code 0: every host confirmed. 1: the file is wrong, or the answer was no, or a host is not connected or did not
    confirm in time. Such a host is named; it gets the change once it can.
    """
    target = find_target(state, lab)
    store = target.store
    network, text = read_network(file)
    if target.lab is not None:
        target.lab.check_follow(text)
    instances = target.lab.instance_changes(network) if target.lab is not None else None
    made, planned_for = (store.compare(network), None) if yes else _agreed(store, network, instances, in_words=flows)
    with working("applying"):
        generation = store.commit(made, comment=comment, generation=planned_for)
        if target.lab is not None:
            target.lab.follow(text)
    if not store.is_served():
        fail(f"generation {generation} is stored, but no controller runs on {store.directory}")
    if yes:
        _tell_instances(instances)
    if wait <= 0:
        print(f"generation {generation} is stored")
        return
    with working("waiting for the hosts to confirm"):
        missing = wait_connected(store, generation, wait)
    if missing:
        for name, reason in missing.items():
            print(f"  {name}: {reason}")
        fail(f"generation {generation} is stored, but not confirmed by {', '.join(missing)}")
    print(f"generation {generation} is confirmed by every host: {summary(network)}")
    if network.segments:
        _tell_cut_off(store)


def _tell_cut_off(store: "Store") -> None:
    from controller.status.status import read_status

    for name, known in read_status(store).hosts.items():
        for segment in known.cut_off:
            print(f"  {name}: segment {segment} is cut off there: all local VLANs of the host are in use")


def _tell_instances(instances: "InstanceChanges | None") -> None:
    """What became of a lab's instances that were there, for whoever was shown no plan."""
    if instances is None:
        return
    from dataclasses import replace

    from controller.cli.change.plan import print_instances

    print_instances(replace(instances, made=(), hosts_made=()))


def _agreed(
    store: "Store", network: "Network", instances: "InstanceChanges | None", *, in_words: bool
) -> "tuple[Changes, int]":
    """What somebody agreed to after seeing what it does, and for which generation; ends the command otherwise."""
    # Only here: whoever says --yes needs nothing of what a plan is made of, which is most of this program.
    from controller.cli.change.plan import print_instances, print_plan
    from controller.inspect.planning import plan
    from controller.status.status import read_status

    dry_run = store.dry_run(network)
    planned = plan(dry_run, network, read_status(store))
    if planned.objects:
        if not sys.stdin.isatty():
            fail(
                "cannot ask whether to make these changes: standard input is not a terminal; "
                "'ovs-vpc plan FILE' shows what would change, 'ovs-vpc apply --yes FILE' does it without asking"
            )
        print_plan(planned, in_words=in_words)
        print_instances(instances)
        if not typer.confirm("Make these changes?"):
            fail("nothing was changed")
    return dry_run.changes, dry_run.generation
