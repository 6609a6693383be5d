"""The pipeline as a picture, in the language of Graphviz: tables in the boxes of their stages, and who goes to whom."""

from collections.abc import Iterator
from textwrap import wrap

from flows.pipeline.page import TABLES, next_tables
from flows.pipeline.rules import Table
from flows.pipeline.stages import Stage
from flows.pipeline.templates import Jump

_COLOURS = {
    Stage.ADMISSION: "#fde9d9",
    Stage.LEARNING: "#e4f0d8",
    Stage.SWITCHING: "#d5ebcb",
    Stage.ADDRESS_RESOLUTION: "#fdf6cf",
    Stage.GATEWAY_SERVICES: "#fdf6cf",
    Stage.ROUTING: "#dbe8f8",
    Stage.POLICY: "#f6d9e3",
    Stage.TRANSLATION: "#e6dcf3",
    Stage.DELIVERY: "#e3e3e3",
}
_LETTERS = 26
"""How wide a question is before it is broken."""


def pipeline_graph() -> str:
    """The source of the picture: a page for ``dot``."""
    lines = [
        "digraph pipeline {",
        '    graph [rankdir=TB, fontname="Helvetica", fontsize=14, nodesep=0.3, ranksep=0.5, newrank=true]',
        '    node [shape=box, style="rounded,filled", fillcolor=white, fontname="Helvetica", fontsize=11]',
        '    edge [fontname="Helvetica", fontsize=9]',
        '    "a packet comes in" [shape=plaintext, style=""]',
        f'    "a packet comes in" -> {TABLES[0].name}',
    ]
    for number, stage in enumerate(Stage):
        tables = [table for table in TABLES if table.stage == stage]
        if tables:
            lines += [
                f"    subgraph cluster_{number} {{",
                f'        label="{stage}"; style=filled; color="{_COLOURS[stage]}"',
            ]
            lines += [f"        {table.name} [label=<{_label(table)}>]" for table in tables]
            lines.append("    }")
    for table in TABLES:
        lines += _arrows(table)
    return "\n".join([*lines, "}", ""])


def _label(table: Table) -> str:
    question = "<br/>".join(wrap(table.question, _LETTERS))
    return f'<b>{table.name}</b> ({table.number})<br/><font point-size="9">{question}</font>'


def _arrows(table: Table) -> Iterator[str]:
    """A solid arrow where packets go on, a dotted one where they only have a look, a dashed one where rules learn."""
    steps = [step for rule in table.all_rules() for step in rule.steps if isinstance(step, Jump)]
    goes_on = {str(step.table) for step in steps if not step.resubmit}
    for written, name in zip(table.next, next_tables(table), strict=True):
        style = "" if str(written) in goes_on else " [style=dotted]"
        if name != table.name:
            yield f"    {table.name} -> {name}{style}"
    for name in table.learns:
        yield f'    {table.name} -> {name} [style=dashed, color="#2f7d32", constraint=false]'
