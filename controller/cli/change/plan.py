"""``ovs-vpc plan``: what a network file would change, before it is applied."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from controller.cli.common.consoles import err, out
from controller.cli.common.objects import print_object
from controller.cli.common.output import FlowsOption, JsonOption, print_json, read_network, tell
from controller.cli.common.state import LabOption, StateOption, find_target

if TYPE_CHECKING:
    from controller.inspect.planning import LaterChange, ObjectChange, Planned
    from flows.model.reach.change import ReachabilityChange
    from flows.pipeline.rules import Application
    from flows.preview.flow_change import FlowChange
    from mininet_topos.client.lab import Lab
    from mininet_topos.topology.topology import InstanceChanges

CHANGES = 2
"""Exit code: there is something to change."""

_VERBS = ("added", "changed", "removed", "moved")


def plan(
    file: Annotated[Path, typer.Argument(help="A network file (YAML); - is standard input.")],
    against: Annotated[
        Path | None,
        typer.Option(help="Another network file to compare with, in place of the running network."),
    ] = None,
    flows: FlowsOption = False,
    as_json: JsonOption = False,
    state: StateOption = None,
    lab: LabOption = None,
) -> None:
    """Show what applying a network file would change, and change nothing.

    It shows the objects, and how many flows each switch gets and loses in each table. It shows which ports start or
    stop reaching each other, and the object that is the reason. Flows follow what is plugged in: those that change at
    once are counted first, then those that follow when, say, a port has moved. With --against, every port counts as
    plugged in where the files say. In a lab it shows which hosts and instances are made, changed while they run, and
    ended, or why the lab cannot follow.

    Exit code 0: there is nothing to change. 2: there is. 1: the file is wrong.
    """
    from controller.inspect.planning import plan as plan_change
    from controller.inspect.planning import plan_between
    from controller.status.status import read_status

    network, text = read_network(file)
    instances, refusal = None, None
    with err.status("comparing"):
        if against is not None:
            planned = plan_between(read_network(against)[0], network)
        else:
            target = find_target(state, lab)
            planned = plan_change(target.store.dry_run(network), network, read_status(target.store))
            if target.lab is not None:
                instances = target.lab.instance_changes(network)
                refusal = _refusal(target.lab, text)
        told = describe(planned, in_words=flows)
    if as_json:
        print_json(told | {"instances": None if instances is None else asdict(instances), "lab_refuses": refusal})
    else:
        print_plan(planned, in_words=flows)
        print_instances(instances)
        if refusal is not None:
            out.print(f"[red]the lab cannot follow[/]: {escape(refusal)}")
    if planned.objects:
        raise SystemExit(CHANGES)


def _refusal(lab: "Lab", text: str) -> str | None:
    """Why a lab cannot become what a file says, if it cannot."""
    from mininet_topos.errors import LabError

    try:
        lab.check_follow(text)
    except LabError as error:
        return str(error)
    return None


def print_plan(planned: "Planned", *, in_words: bool) -> None:
    """Print what a change does."""
    from flows.model.problem import listed

    if not planned.objects:
        out.print("nothing to change: the network matches the file")
        return
    _print_objects(planned.objects)
    out.print(f"[bold]flows[/]: {_counts(planned.flows)}")
    _print_flows(planned.flows, in_words=in_words)
    _print_later(planned.later, in_words=in_words)
    if planned.unseen:
        out.print(f"  not counted, because the controller has not seen them yet: {listed(planned.unseen)}")
    if planned.unplugged:
        out.print(f"  more flows will be added for these ports once they are plugged in: {listed(planned.unplugged)}")
    _print_reachability(planned.reachability)


def print_instances(changes: "InstanceChanges | None") -> None:
    """Print what becomes of the instances of a lab; nothing when there is none, or they stay what they are."""
    from flows.model.problem import listed

    if changes is None:
        return
    for names, what in (
        (changes.hosts_made, "made"),
        (changes.hosts_ended, "ended, and what is plugged into them unplugged"),
    ):
        if names:
            out.print(f"[bold]hosts[/] of the lab {what}: {listed(names)}")
    for names, what in (
        (changes.made, "made"),
        (changes.changed, "changed (MAC address, MTU, addresses, routes); their processes keep running"),
        (changes.ended, "ended, with all their processes"),
    ):
        if names:
            out.print(f"[bold]instances[/] {what}: {listed(names)}")


def _print_objects(objects: "Sequence[ObjectChange]") -> None:
    counts = Counter(change.verb for change in objects)
    out.print("[bold]objects[/]: " + ", ".join(f"{counts[verb]} {verb}" for verb in _VERBS))
    for change in objects:
        if change.verb == "moved":
            tell(f"  > {change.key}: from {change.way[0]} to {change.way[1]}", "cyan")
        else:
            print_object(change.key, change.old, change.new, "  ")


def _counts(flows: "Mapping[str, FlowChange]") -> str:
    from flows.model.problem import counted

    added, removed = (sum(len(getattr(change, kind)) for change in flows.values()) for kind in ("added", "removed"))
    entries = sum(len(change.entries) for change in flows.values())
    others = f", {counted(entries, 'group or meter', 'groups and meters')} changed" if entries else ""
    return f"{added} added, {removed} removed{others}, on {counted(len(flows), 'switch', 'switches')}"


def _print_later(later: "LaterChange", *, in_words: bool) -> None:
    """What follows. Of a single event it is told in one line."""
    if len(later.when) == 1:
        tell(f"when {later.when[0]}: {_counts(later.flows)}")
    elif later.when:
        out.print("later, when")
        for event in later.when:
            tell(f"  {event}")
        out.print(f"then {_counts(later.flows)}")
    _print_flows(later.flows, in_words=in_words)


def _print_flows(flows: "Mapping[str, FlowChange]", *, in_words: bool) -> None:
    for host, change in flows.items():
        tables = ", ".join(f"{table} +{more} -{less}" for table, more, less in _tables(change))
        out.print(f"  {host}: {tables or 'no flows, but groups or meters'}")
        if in_words:
            for sign, style, words in _words(change):
                tell(f"      {sign} {words}", style)
            for words in _entries(change):
                tell(f"      {words}", "yellow")


def _tables(change: "FlowChange") -> Iterator[tuple[str, int, int]]:
    """Each table in the order of their numbers, how many flows it gets, and how many it loses."""
    from flows.pipeline.page import table_name

    added, removed = (Counter(one.rule.table.number for one in some) for some in (change.added, change.removed))
    for number in sorted(added | removed):
        yield table_name(number), added[number], removed[number]


def _words(change: "FlowChange") -> Iterator[tuple[str, str, str]]:
    told = [("-", "red", one) for one in change.removed] + [("+", "green", one) for one in change.added]
    for sign, style, one in sorted(told, key=lambda item: (item[2].rule.table.number, item[2].sentence, item[0])):
        yield sign, style, _sentence(one)


def _entries(change: "FlowChange") -> Iterator[str]:
    """Each group and meter that changes, in words."""
    for one in change.entries:
        kind, number = one.key
        sign = "+" if one.old is None else "-" if one.new is None else "~"
        yield f"{sign} {kind} {number:#x}: {' -> '.join(str(entry) for entry in (one.old, one.new) if entry)}"


def _sentence(application: "Application") -> str:
    return f"{application.rule.table.name}: {application.sentence}  [{application.why}]"


def _print_reachability(changes: "Sequence[ReachabilityChange]") -> None:
    from flows.model.problem import counted, listed
    from flows.model.services import words

    gained, lost = (_pairs(changes, reach=reach, whole=True) for reach in (True, False))
    pairs = counted(gained, "pair")
    out.print(f"[bold]reachability[/]: {pairs} of ports will start to reach each other, {lost} will stop")
    more, fewer = (_pairs(changes, reach=reach, whole=False) for reach in (True, False))
    if more or fewer:
        out.print(f"  {counted(more, 'pair')} of ports will be allowed more connections, {fewer} will be allowed fewer")
    for change in changes:
        sign, style = ("+", "green") if change.reach else ("-", "red")
        ports, others = listed(change.ports), listed(change.others)
        arrow = "<->" if change.is_mutual else "->"
        who = f"{ports} among each other" if change.ports == change.others else f"{ports} {arrow} {others}"
        what = "" if change.is_whole else f" for {words(change.services)}"
        tell(f"  {sign} {who}{what}: {change.reason}", style)
        for found in change.because:
            tell(f"        because of {found}", "dim")


def _pairs(changes: "Sequence[ReachabilityChange]", *, reach: bool, whole: bool) -> int:
    return sum(change.pairs for change in changes if change.reach is reach and change.is_whole is whole)


def describe(planned: "Planned", *, in_words: bool) -> dict[str, Any]:
    """What a change does, as plain data."""
    from flows.model.services import words

    return {
        "objects": [
            {"object": str(change.key), "verb": change.verb, "old": change.old, "new": change.new}
            for change in planned.objects
        ],
        "flows": {host: _described(change, in_words=in_words) for host, change in planned.flows.items()},
        "later": {
            "when": planned.later.when,
            "flows": {host: _described(change, in_words=in_words) for host, change in planned.later.flows.items()},
        },
        "unseen": planned.unseen,
        "unplugged": planned.unplugged,
        "reachability": [
            {
                "ports": list(change.ports),
                "others": list(change.others),
                "reach": change.reach,
                "services": words(change.services),
                "mutual": change.is_mutual,
                "pairs": change.pairs,
                "reason": change.reason,
                "because_of": [str(found) for found in change.because],
            }
            for change in planned.reachability
        ],
    }


def _described(change: "FlowChange", *, in_words: bool) -> dict[str, Any]:
    tables: dict[str, Any] = {table: {"added": more, "removed": less} for table, more, less in _tables(change)}
    if change.entries:
        tables |= {"groups and meters": list(_entries(change))}
    if not in_words:
        return tables
    words = {"added": change.added, "removed": change.removed}
    return tables | {"words": {kind: [_sentence(one) for one in some] for kind, some in words.items()}}
