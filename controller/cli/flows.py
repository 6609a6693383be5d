"""``ovs-vpc flows``: the flows of a host or plain switch, in words."""

from typing import Annotated

import typer
from rich.markup import escape

from controller.cli.output import JsonOption, fail, out, print_json
from controller.cli.state import LabOption, PlaceArgument, StateOption, check_name, find_target
from controller.compiled import compiled, compiled_switch
from flows.describe import flow_lines
from flows.openflow import Flow
from flows.pipeline import NUMBERS, table_name
from flows.plan import Desired


def flows(
    host: PlaceArgument,
    table: Annotated[
        str | None, typer.Option(help="Only this table, by name.", autocompletion=lambda: list(NUMBERS))
    ] = None,
    as_json: JsonOption = False,
    state: StateOption = None,
    lab: LabOption = None,
) -> None:
    """Print the flows that a host's or plain switch shall hold, each with what it does and the object it is there for.

    The cookie is the one that ovs-ofctl and ovs-appctl print.
    """
    target = find_target(state, lab)
    stored = target.model()
    check_name("host", host, [*stored.network.hosts, *stored.network.switches])
    if table is not None:
        check_name("table", table, list(NUMBERS))
    if host in stored.network.hosts:
        desired = compiled(stored, target.store.read_status(), host)
        missing = f"nothing is known of host '{host}' yet: its database has not been reached"
    else:
        desired = compiled_switch(stored, target.store.read_status(), host)
        missing = f"nothing is known of switch '{host}' yet: it has not connected"
    if desired is None:
        fail(missing)
    if table is not None:
        desired = _only(desired, NUMBERS[table])
    if as_json:
        print_json([_described(flow, desired) for flow in desired.flows.values()])
        return
    for line in flow_lines(desired, cookies=True):
        style = "bold" if line.startswith("#") else "dim" if line.startswith(" ") else ""
        out.print(escape(line), style=style)


def _described(flow: Flow, desired: Desired) -> dict[str, object]:
    reasons = desired.applications[flow.cookie]
    return {
        "cookie": f"{flow.cookie:#x}",
        "table": table_name(flow.table),
        "flow": flow.text(table_name),
        "does": [reason.sentence for reason in reasons],
        "because_of": [str(reason.why) for reason in reasons],
    }


def _only(desired: Desired, table: int) -> Desired:
    return Desired({c: flow for c, flow in desired.flows.items() if flow.table == table}, desired.applications)
