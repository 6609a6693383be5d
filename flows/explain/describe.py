"""The pipeline, registers, groups and meters as pages for people, from the declarations themselves."""

from collections.abc import Iterable, Iterator, Mapping
from inspect import getdoc
from types import ModuleType

from flows.compile.desired import Desired
from flows.openflow.actions import Term
from flows.openflow.fields import Field
from flows.openflow.flow import Flow
from flows.pipeline import numbers, priorities, registers
from flows.pipeline.page import TABLES, next_tables, table_name
from flows.pipeline.rules import Rule, Table

Golden = Mapping[str, Desired]
"""What the switches of a scenario hold, by host."""


def flow_lines(desired: Desired, *, cookies: bool = False) -> Iterator[str]:
    """Every flow by table and priority, each with its sentence and its objects; then groups and meters."""
    flows = sorted(desired.flows.values(), key=_order)
    table = None
    for flow in flows:
        if flow.table != table:
            table = flow.table
            yield f"# {table_name(flow.table)}"
        cookie = f"cookie={flow.cookie:#x}, " if cookies else ""
        yield cookie + flow.text(table_name)
        for application in desired.applications[flow.cookie]:
            yield f"    {application.sentence}  [{application.why}]"
    if desired.groups_and_meters:
        yield "# groups and meters"
    for key, entry in sorted(desired.groups_and_meters.items()):
        yield entry.text(table_name)
        yield f"    {desired.what(key)}  [{desired.why(key)}]"


def _order(flow: Flow) -> tuple[int, int, list[tuple[str, int, int]]]:
    return flow.table, -flow.priority, [_term_order(term) for term in flow.match]


def _term_order(term: Term) -> tuple[str, int, int]:
    return term.field.name, term.value, term.mask or 0


def pipeline_page(modules: Iterable[ModuleType], golden: Golden) -> str:
    """docs/pipeline.md: every table with its decision, rules and real flows of a scenario."""
    doc_of = {table: getdoc(module) or "" for module in modules for table in _tables_of(module)}
    parts = [
        "# The pipeline",
        "Generated from `flows/pipeline/page.py` and `flows/pipeline/tables/`; `make docs` writes it anew.",
        "Every table, in the order of their numbers. Below each rule stands a real flow as",
        "`ovs-ofctl --names dump-flows br-int` prints it: of the network `peered-vpcs.yaml`, or where that has none of",
        "`corner-cases.yaml`, `segments.yaml` or a plain switch.",
        "",
        "![All tables in their stages](pipeline.svg)",
        "",
        "Packets go on along solid arrows. Along a dotted one they are looked up in a table once more (a resubmit).",
        "Along a dashed one a table makes flows in another: it learns. Every table can also drop a packet, or send it",
        "out.",
        "",
        "| number | table | stage | decision | goes to |",
        "| --- | --- | --- | --- | --- |",
        *map(_row, TABLES),
        "",
    ]
    for table in TABLES:
        parts += _table_part(table, doc_of[table], golden)
    return "\n".join(parts).rstrip() + "\n"


def _row(table: Table) -> str:
    goes_to = ", ".join(next_tables(table)) or "(out)"
    return f"| {table.number} | [{table.name}](#{table.name}) | {table.stage} | {table.question} | {goes_to} |"


def _tables_of(module: ModuleType) -> set[Table]:
    return {value for value in vars(module).values() if isinstance(value, Table)}


def _table_part(table: Table, doc: str, golden: Golden) -> Iterator[str]:
    yield from (f"## {table.name}", "", f"Table {table.number}. {doc}", "")
    yield f"- matches: {_names(table.reads)}"
    yield f"- sets: {_names(table.writes)}"
    yield ""
    for rule in table.all_rules():
        yield f"**{rule.sentence}** (priority {_priority(rule)})"
        yield ""
        found = _example(rule, golden)
        if found:
            yield from ("```", found, "```", "")


def _names(fields: Iterable[Field]) -> str:
    names = {register.name: meaning for meaning, register in registers.ALL.items()}
    words = (f"{names[f.name]} ({f.name})" if f.name in names else f.name for f in fields)
    return ", ".join(words) or "nothing"


def _priority(rule: Rule) -> str:
    for name, value in vars(priorities).items():
        if value == rule.priority and not name.startswith("_"):
            return name.replace("_", " ").lower()
    return "longest prefix first"


def _example(rule: Rule, golden: Golden) -> str | None:
    for host, desired in golden.items():
        texts = sorted(
            (flow.text(table_name), application.sentence)
            for flow in desired.flows.values()
            for application in desired.applications[flow.cookie]
            if application.rule is rule
        )
        if texts:
            text, sentence = texts[0]
            return f"{text}\n    on {host}: {sentence}"
    return None


def registers_page(doc: str) -> str:
    """docs/registers.md: every register, what it means, who sets it and who reads it."""
    lines = [
        "# The registers",
        "Generated from `flows/pipeline/registers.py` and `flows/pipeline/page.py`; `make docs` writes it anew.",
        "",
        doc.strip(),
        "",
        "| meaning | register | bits | set by | read by |",
        "| --- | --- | --- | --- | --- |",
    ]
    for meaning, register in registers.ALL.items():
        writers = ", ".join(table.name for table in TABLES if register in table.writes)
        readers = ", ".join(table.name for table in TABLES if register in table.reads)
        lines.append(f"| {meaning} | {register.name} | {register.bits} | {writers} | {readers} |")
    return "\n".join(lines) + "\n"


def numbers_page(doc: str) -> str:
    """docs/groups-and-meters.md: which numbers groups and meters have."""
    lines = [
        "# The numbers of groups and meters",
        "Generated from `flows/pipeline/numbers.py`; `make docs` writes it anew.",
        "",
        doc.strip(),
        "",
        "| kind | numbers | each | follows from |",
        "| --- | --- | --- | --- |",
    ]
    for kind, known in (("meter", numbers.METERS), ("group", numbers.GROUPS)):
        for each in sorted(known.values(), key=lambda each: each.kind):
            first, last = each.range
            lines.append(f"| {kind} | {first:#x} to {last:#x} | {each.what} | {each.follows} |")
    return "\n".join(lines) + "\n"
