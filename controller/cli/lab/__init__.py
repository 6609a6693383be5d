"""``ovs-vpc lab``: a whole network on this machine."""

import typer

from controller.cli.lab import check, down, execute, listing, ping, plug, status, up

app = typer.Typer(
    no_args_is_help=True,
    help="A whole network on this machine: hosts with their own Open vSwitch, instances, a controller.\n\n"
    "It lives in namespaces of its own: this machine's network is not touched, and nothing is left when it ends.",
)
app.command("up")(up.up)
app.command("list")(listing.listing)
app.command("status")(status.status)
app.command("ping")(ping.ping)
app.command("check")(check.check)
app.command("exec", context_settings={"ignore_unknown_options": True, "allow_interspersed_args": False})(
    execute.execute
)
app.command("plug")(plug.plug)
app.command("unplug")(plug.unplug)
app.command("down")(down.down)
