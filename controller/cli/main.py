"""``ovs-vpc``: all verbs together. Only the verb that is asked for is loaded: that takes longer than most verbs do."""

import os
import sys
from collections.abc import Iterable, Mapping
from importlib import import_module
from typing import Annotated, Any, NamedTuple

import typer
from typer.core import TyperCommand

from controller.cli.common.output import FAILED, explained
from controller.cli.common.streams import interruptible, printing


class Verb(NamedTuple):
    """A verb of the command line."""

    where: str
    """Its module, and its function there, or the app that has verbs of its own."""
    does: str
    """The first line of its help: that of all verbs is printed without loading them."""


VERBS: Mapping[str, Verb] = {
    "validate": Verb(
        "network.validate.validate",
        "Check a network file and say everything that is wrong with it, each with line and column.",
    ),
    "schema": Verb(
        "network.schema.schema", "Print the JSON Schema of network files, for editors (docs/network-file.md says how)."
    ),
    "plan": Verb("change.plan.plan", "Show what applying a network file would change, and change nothing."),
    "apply": Verb(
        "change.apply.apply",
        "Make a network file the model of a running controller, and wait until every connected host has confirmed it.",
    ),
    "status": Verb(
        "diagnose.status.status",
        "Show the state of the controller and its hosts: sessions, confirmed changes, repairs, dropped packets.",
    ),
    "show": Verb(
        "network.show.show",
        "Show the model that was applied last: hosts, VPCs, segments, switches, ports and where they are, peerings.",
    ),
    "graph": Verb(
        "network.graph.graph", "Draw a network: hosts and their ports, VPCs, peerings, plain switches and routers."
    ),
    "flows": Verb(
        "diagnose.flows.flows",
        "Print the flows that the switch of a host, or a plain switch, should have: "
        "what each does, and for which object.",
    ),
    "explain": Verb(
        "diagnose.explain.explain",
        "Say in a sentence what a flow does, and the object (file and line) that it is there for.",
    ),
    "trace": Verb(
        "diagnose.trace.trace_packet",
        "Follow one packet from a port to a port or an address: each decision, and the object of the model behind it.",
    ),
    "why-not": Verb(
        "diagnose.why_not.why_not",
        "Say why a port cannot reach another one, by the model and by the state of their hosts.",
    ),
    "who-can-reach": Verb(
        "diagnose.who_can_reach.who_can_reach",
        "List the ports that can reach a port, by the reason, with the objects (file and line) that let them.",
    ),
    "doctor": Verb(
        "diagnose.doctor.doctor",
        "Check hosts against the host contract, before they join and after, and say how to mend what is wrong.",
    ),
    "host-rules": Verb(
        "run.host_rules.print_host_rules",
        "Print the nftables rules that keep packets of instances away from a host's kernel (docs/host-contract.md).",
    ),
    "migrate": Verb(
        "change.migrate.migrate",
        "Move a port to another host, or a machine to another plain switch. Its addresses, MAC and connections stay.",
    ),
    "demo": Verb(
        "run.demo.demo",
        "Build two hosts and two VPCs, show that they cannot talk, peer them, and watch the packets. Takes seconds.",
    ),
    "controller": Verb("run.serve.controller", "Run the controller in the foreground."),
    "history": Verb(
        "network.history.app", "Who changed the model, when, and what: the last changes, the newest first."
    ),
    "lab": Verb(
        "lab.app", "A whole network on this machine: hosts with their own Open vSwitch, instances, a controller."
    ),
}
"""Each verb, in the order of the help."""
_USAGE = 2
"""Exit code: the command line is wrong."""
_HELP = ("-h", "--help")


def command_line(verbs: Iterable[str] = VERBS) -> typer.Typer:
    """The command line with these verbs."""
    app = _empty()
    for verb in verbs:
        module, _, name = VERBS[verb].where.rpartition(".")
        found = getattr(import_module(f"controller.cli.{module}"), name)
        if isinstance(found, typer.Typer):
            app.add_typer(found, name=verb)
        else:
            app.command(verb, cls=_Plan if verb == "plan" else None)(found)
    return app


class _Plan(TyperCommand):
    """A verb whose exit code 2 says something else than that the command line is wrong."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        try:
            return super().parse_args(ctx, args)
        except Exception as error:
            if getattr(error, "exit_code", None) == _USAGE:
                error.exit_code = FAILED  # type: ignore[attr-defined]
            raise


def overview() -> typer.Typer:
    """What prints the help of the command line: the verbs are named, and none is loaded."""
    app = _empty()
    for verb, about in VERBS.items():
        app.command(verb, help=about.does)(lambda: None)
    return app


def _empty() -> typer.Typer:
    app = typer.Typer(
        name="ovs-vpc",
        help="Private networks (VPCs) over hosts that run Open vSwitch.\n\n"
        "Start with [bold]ovs-vpc lab up FILE[/bold]: it builds a whole network on this machine.",
        no_args_is_help=True,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": [*_HELP]},
    )
    app.callback()(_options)  # else a single verb would be the whole command, and not be named
    return app


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        from importlib.metadata import version

        print(f"ovs-vpc {version('ovs-vpc')}")
        raise typer.Exit


def _options(
    version: Annotated[
        bool, typer.Option("--version", help="Print the version, and end.", is_eager=True, callback=_tell_version)
    ] = False,
) -> None:
    pass


def asked_for(words: list[str], environment: Mapping[str, str]) -> list[str]:
    """The verb that a command line is about, as a list; empty when it names none.

    A shell that completes a line gives it in the environment: bash as COMP_WORDS, the others as _TYPER_COMPLETE_ARGS.
    """
    if "_OVS_VPC_COMPLETE" in environment:
        line = environment.get("COMP_WORDS") or environment.get("_TYPER_COMPLETE_ARGS", "")
        words = line.split()[1:]
    return [word for word in words if not word.startswith("-")][:1]


def main() -> None:
    """Run the command line."""
    with printing():
        asked = [verb for verb in asked_for(sys.argv[1:], os.environ) if verb in VERBS]
        app = command_line(asked) if asked else overview()
        interruptible()
        with explained():
            app()
