"""``ovs-vpc flows``: the flows of a host or plain switch, in words."""

from collections.abc import Iterator
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from controller.cli.common.consoles import out
from controller.cli.common.output import JsonOption, fail, print_json
from controller.cli.common.state import LabOption, PlaceArgument, StateOption, check_name, find_target

if TYPE_CHECKING:
    from controller.cli.common.learned import Learned
    from flows.compile.desired import Desired
    from flows.openflow.flow import Flow


def _tables() -> list[str]:
    from flows.pipeline.page import NUMBERS

    return list(NUMBERS)


def flows(
    host: PlaceArgument,
    table: Annotated[str | None, typer.Option(help="Only this table, by name.", autocompletion=_tables)] = None,
    as_json: JsonOption = False,
    state: StateOption = None,
    lab: LabOption = None,
) -> None:
    """Print the flows that the switch of a host, or a plain switch, should have: what each does, and for which object.

    The cookie is the one that ovs-ofctl and ovs-appctl print. In a lab, what the switch has learned by itself in
    segments comes last; elsewhere only what the cookies of such flows mean.
    """
    from controller.cli.common.learned import learned
    from controller.inspect.compiled import compiled, compiled_switch
    from controller.status.status import read_status
    from flows.explain.describe import flow_lines
    from flows.pipeline.page import NUMBERS

    target = find_target(state, lab)
    stored = target.model()
    check_name("host", host, [*stored.network.hosts, *stored.network.switches])
    if table is not None:
        check_name("table", table, _tables())
    if host in stored.network.hosts:
        desired = compiled(stored, read_status(target.store), host)
        missing = f"the controller has not reached the database of host '{host}' yet"
    else:
        desired = compiled_switch(stored, read_status(target.store), host)
        missing = f"switch '{host}' has not connected to the controller yet"
    if desired is None:
        fail(missing)
    entries = list(learned(target.lab, host, desired)) if target.lab is not None else []
    shown = desired if table is None else _only(desired, NUMBERS[table])
    entries = [entry for entry in entries if table in (None, entry.table)]
    if as_json:
        sent = [_described(flow, shown) for flow in shown.flows.values()]
        print_json([*sent, *(_described_learned(entry) for entry in entries)])
        return
    for line in (*flow_lines(shown, cookies=True), *_learned_lines(entries), *_meanings(shown, target.lab is None)):
        style = "bold" if line.startswith("#") else "dim" if line.startswith(" ") else ""
        out.print(escape(line), style=style)


def _learned_lines(entries: "list[Learned]") -> Iterator[str]:
    if entries:
        yield "# learned by the switch itself"
    for entry in entries:
        yield f"cookie={entry.cookie}, {entry.flow}"
        yield f"    {entry.why}"


def _meanings(desired: "Desired", is_wanted: bool) -> Iterator[str]:
    """What learned flows would mean, where the switch cannot be asked for them."""
    from controller.cli.common.learned import reasons

    meanings = reasons(desired) if is_wanted else {}
    if meanings:
        yield "# learned by the switch itself: the meaning of their cookies (ovs-ofctl shows the flows)"
    for cookie, why in meanings.items():
        yield f"cookie={cookie:#x}"
        yield f"    {why}"


def _described_learned(entry: "Learned") -> dict[str, object]:
    return {
        "cookie": entry.cookie,
        "table": entry.table,
        "flow": entry.flow,
        "does": [entry.why],
        "because_of": ["the switch has learned it"],
    }


def _described(flow: "Flow", desired: "Desired") -> dict[str, object]:
    from flows.pipeline.page import table_name

    reasons = desired.applications[flow.cookie]
    return {
        "cookie": f"{flow.cookie:#x}",
        "table": table_name(flow.table),
        "flow": flow.text(table_name),
        "does": [reason.sentence for reason in reasons],
        "because_of": [str(reason.why) for reason in reasons],
    }


def _only(desired: "Desired", table: int) -> "Desired":
    """The flows of one table, what is learned by them, and the groups and meters that they refer to."""
    from flows.compile.desired import Desired
    from flows.openflow.groups_and_meters import keys_in

    flows = {cookie: flow for cookie, flow in desired.flows.items() if flow.table == table}
    keys = {key for flow in flows.values() for key in keys_in(flow)}
    return Desired(
        flows,
        {cookie: desired.applications[cookie] for cookie in flows},
        {cookie: teachers for cookie, teachers in desired.learned.items() if teachers[0].rule.table.number == table},
        {key: desired.groups_and_meters[key] for key in keys},
        desired.users,
    )
