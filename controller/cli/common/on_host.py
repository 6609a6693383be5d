"""How a command is run where a switch is: in a lab by entering it, elsewhere by what a user puts before the command."""

import shlex
import subprocess
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Annotated, Union

import typer

from controller.cli.common.output import fail
from mininet_topos.waiting import patience

if TYPE_CHECKING:
    from flows.model import Host, PlainSwitch
    from mininet_topos.client.lab import Lab

OnHostOption = Annotated[
    str | None,
    typer.Option(
        "--on-host",
        metavar="COMMAND",
        help="What runs a command on a host, as in --on-host 'ssh root@{ip}'. {name} is the host, {ip} its tunnel_ip.",
    ),
]
EXAMPLE = "--on-host 'ssh root@{ip}'"

SECONDS = 10.0
"""How long a running switch has to answer, on a usual machine. One that hangs never does."""

SwitchOwner = Union["Host", "PlainSwitch"]
"""Where a switch is."""

HostCommand = Callable[[SwitchOwner], list[str]]
"""The words to put before a command, so that it is run on a host, or where a plain switch is."""


def host_command(lab: "Lab | None", prefix: str | None) -> HostCommand:
    """By the prefix that a user gives, else that of a lab; ends the command when there is neither."""
    if prefix is not None:
        return _by_prefix(prefix)
    if lab is None:
        fail(f"outside a lab, say how to run a command on a host, as in {EXAMPLE}")
    return in_lab(lab)


def in_lab(lab: "Lab") -> HostCommand:
    """How a lab is entered."""

    from flows.model import Host
    from mininet_topos.directory import host_node, switch_node

    def enter(place: SwitchOwner) -> list[str]:
        node = host_node(place.name) if isinstance(place, Host) else switch_node(place.name)
        return lab.command(node, [])

    return enter


def _by_prefix(prefix: str) -> HostCommand:
    try:
        words = shlex.split(prefix)
    except ValueError as error:
        fail(f'--on-host "{prefix}" is not a command: {error}')
    if not words:
        fail(f"--on-host is empty; write it as in {EXAMPLE}")

    from flows.model import Host

    def fill(place: SwitchOwner) -> list[str]:
        address = str(place.tunnel_ip) if isinstance(place, Host) else None
        if address is None and "{ip}" in prefix:
            fail(f"{{ip}} has no value for {place}, whose address the network file does not know; use {{name}}")
        return [word.replace("{name}", place.name).replace("{ip}", address or "") for word in words]

    return fill


def silent(name: str) -> str:
    """What is said of a switch that gives no answer."""
    return (
        f"the switch of {name} gives no answer within {patience(SECONDS):g} s; if 'ovs-appctl version' hangs there "
        "too, ovs-vswitchd hangs: systemctl restart openvswitch-switch"
    )


def run_there(name: str, way: Sequence[str], *command: str) -> str:
    """Run a command of Open vSwitch, and return what it prints; the end of everything when it fails."""
    try:
        done = subprocess.run([*way, *command], capture_output=True, text=True, check=False, timeout=patience(SECONDS))
    except subprocess.TimeoutExpired:
        fail(silent(name))
    except OSError as error:
        fail(f"cannot run {way[0]}: {error.strerror}")
    if done.returncode != 0:
        fail(f"the switch of {name} does not answer: {done.stderr.strip() or f'exit code {done.returncode}'}")
    return done.stdout
