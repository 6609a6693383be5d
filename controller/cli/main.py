"""``ovs-vpc``: all verbs together."""

import typer

from controller.cli import (
    apply,
    demo,
    doctor,
    explain,
    flows,
    graph,
    history,
    migrate,
    plan,
    schema,
    serve,
    show,
    status,
    trace,
    validate,
    who_can_reach,
    why_not,
)
from controller.cli.lab import app as lab
from controller.cli.output import explained

app = typer.Typer(
    name="ovs-vpc",
    help="Private networks (VPCs) over hosts that run Open vSwitch.\n\n"
    "Start with [bold]ovs-vpc lab up FILE[/bold]: it builds a whole network on this machine.",
    no_args_is_help=True,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.command("validate")(validate.validate)
app.command("schema")(schema.schema)
app.command("plan")(plan.plan)
app.command("apply")(apply.apply)
app.command("status")(status.status)
app.command("show")(show.show)
app.command("graph")(graph.graph)
app.command("flows")(flows.flows)
app.command("explain")(explain.explain)
app.command("trace")(trace.trace_packet)
app.command("why-not")(why_not.why_not)
app.command("who-can-reach")(who_can_reach.who_can_reach)
app.command("doctor")(doctor.doctor)
app.command("migrate")(migrate.migrate)
app.command("demo")(demo.demo)
app.command("controller")(serve.controller)
app.add_typer(history.app, name="history")
app.add_typer(lab, name="lab")


def main() -> None:
    """Run the command line."""
    with explained():
        app()
