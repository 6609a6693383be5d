"""``ovs-vpc``: all verbs together. Only the verb that is asked for is loaded: that takes longer than most verbs do."""

import gc
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module

import typer

from controller.cli.output import explained

VERBS: Mapping[str, str] = {
    "validate": "validate.validate",
    "schema": "schema.schema",
    "plan": "plan.plan",
    "apply": "apply.apply",
    "status": "status.status",
    "show": "show.show",
    "graph": "graph.graph",
    "flows": "flows.flows",
    "explain": "explain.explain",
    "trace": "trace.trace_packet",
    "why-not": "why_not.why_not",
    "who-can-reach": "who_can_reach.who_can_reach",
    "doctor": "doctor.doctor",
    "migrate": "migrate.migrate",
    "demo": "demo.demo",
    "controller": "serve.controller",
    "history": "history.app",
    "lab": "lab.app",
}
"""Each verb, in the order of the help, and where it is: a function, or an app that has verbs of its own."""


def command_line(verbs: Iterable[str] = VERBS) -> typer.Typer:
    """The command line with these verbs."""
    app = typer.Typer(
        name="ovs-vpc",
        help="Private networks (VPCs) over hosts that run Open vSwitch.\n\n"
        "Start with [bold]ovs-vpc lab up FILE[/bold]: it builds a whole network on this machine.",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback()(lambda: None)  # else a single verb would be the whole command, and not be named
    for verb in verbs:
        module, _, name = VERBS[verb].partition(".")
        found = getattr(import_module(f"controller.cli.{module}"), name)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=verb)
        else:
            app.command(verb)(found)
    return app


def main() -> None:
    """Run the command line."""
    asked = [word for word in sys.argv[1:2] if word in VERBS]
    if asked != ["controller"]:
        # All others are short: they end before it pays to look for garbage.
        gc.disable()
    with explained():
        command_line(asked or VERBS)()
