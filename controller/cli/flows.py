"""``ovs-vpc flows``: the flows of a host, in words."""

from typing import Annotated

import typer
from rich.markup import escape

from controller.cli.output import fail, out
from controller.cli.state import LabOption, StateOption, open_store
from controller.compiled import compiled
from flows.describe import flow_lines
from flows.model.problem import did_you_mean
from flows.pipeline import NUMBERS
from flows.plan import Desired


def flows(
    host: Annotated[str, typer.Argument(help="A host of the model.")],
    table: Annotated[str | None, typer.Option(help="Only this table, by name.")] = None,
    state: StateOption = None,
    lab: LabOption = None,
) -> None:
    """Print the flows that a host's switch shall hold, each with what it does and the object that it is there for.

    The cookie is the one that ovs-ofctl and ovs-appctl print.
    """
    store = open_store(state, lab)
    stored = store.load()
    if stored is None:
        fail("no model was applied yet")
    if host not in stored.network.hosts:
        fail(f"there is no host '{host}'{did_you_mean(host, list(stored.network.hosts))}")
    if table is not None and table not in NUMBERS:
        fail(f"there is no table '{table}'{did_you_mean(table, list(NUMBERS)) or ': ' + ', '.join(NUMBERS)}")
    desired = compiled(stored, store.read_status(), host)
    if desired is None:
        fail(f"nothing is known of host '{host}' yet: its database has not been reached")
    for line in flow_lines(desired if table is None else _only(desired, NUMBERS[table]), cookies=True):
        style = "bold" if line.startswith("#") else "dim" if line.startswith(" ") else ""
        out.print(escape(line), style=style)


def _only(desired: Desired, table: int) -> Desired:
    return Desired({c: flow for c, flow in desired.flows.items() if flow.table == table}, desired.applications)
