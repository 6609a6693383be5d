"""``ovs-vpc history``: who changed the model, when, and what."""

from dataclasses import asdict
from typing import TYPE_CHECKING

import typer
from rich.markup import escape

from controller.cli.common.consoles import out
from controller.cli.common.objects import print_object
from controller.cli.common.output import JsonOption, print_json
from controller.cli.common.state import LabOption, StateOption, find_target
from controller.cli.common.tables import print_table

if TYPE_CHECKING:
    from controller.store import HistoryEntry

app = typer.Typer(
    invoke_without_command=True,
    help="Who changed the model, when, and what: the last changes, the newest first.\n\n"
    "Each makes a generation of the model. 'ovs-vpc history show N' prints the objects that generation N changed.",
)


@app.callback()
def history(
    context: typer.Context, as_json: JsonOption = False, state: StateOption = None, lab: LabOption = None
) -> None:
    """List the last changes of the model, the newest first."""
    if context.invoked_subcommand is not None:
        return
    entries = find_target(state, lab).store.history()
    if as_json:
        print_json([_plain(entry) for entry in entries])
        return
    columns = ("generation", "time (UTC)", "who", "what", "added", "changed", "removed", "comment")
    rows = []
    for entry in entries:
        counts = (str(number) for number in (entry.added, entry.changed, entry.removed))
        what = f"{entry.verb} {entry.file}".strip()
        when = f"{entry.time:%Y-%m-%d %H:%M:%S}"
        rows.append((str(entry.generation), when, *map(escape, (entry.who, what)), *counts, escape(entry.comment)))
    print_table(columns, rows)


@app.command("show")
def show(generation: int, as_json: JsonOption = False, state: StateOption = None, lab: LabOption = None) -> None:
    """Print the objects that one change added, changed and removed: what they were, and what they became."""
    entry, differences = find_target(state, lab).store.difference(generation)
    if as_json:
        objects = [{"object": str(one.key), "old": one.old, "new": one.new} for one in differences]
        print_json({**_plain(entry), "objects": objects})
        return
    out.print(escape(str(entry)))
    for difference in differences:
        print_object(difference.key, difference.old, difference.new)


def _plain(entry: "HistoryEntry") -> dict[str, object]:
    return {**asdict(entry), "time": entry.time.isoformat()}
