"""``ovs-vpc migrate``: move a port to another host or plain switch."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from controller.cli.output import JsonOption, err, fail, out, print_json
from controller.cli.state import (
    LabOption,
    PlaceArgument,
    PortArgument,
    StateOption,
    Target,
    check_name,
    complete_port,
    find_target,
)
from controller.cli.waiting import nodes
from mininet_topos.lab import Lab
from mininet_topos.pinging import pinging
from mininet_topos.waiting import patience

_SECONDS = patience(10.0)
_INTERVAL = 0.2
"""Seconds until another look at the status when the controller has nothing new to say."""
_BEFORE, _AFTER = 0.5, 1.0
"""Seconds that a counting ping runs before and after the move."""


def migrate(
    port: PortArgument,
    host: PlaceArgument,
    ping_from: Annotated[
        str | None,
        typer.Option(
            help="In a lab: ping the port from this one, 1,000 times a second, and count what is lost.",
            autocompletion=complete_port,
        ),
    ] = None,
    as_json: JsonOption = False,
    state: StateOption = None,
    lab: LabOption = None,
) -> None:
    """Move a port to another host, or a machine to another plain switch. Its addresses, MAC and connections stay.

    In a lab the instance is moved. Elsewhere the model is changed, and takes effect when the interface with this
    iface-id is plugged in on the new host: until then the port stays where it is. The move holds until the next
    'ovs-vpc apply'; change the network file too.

    Exit code 0: the port is on the new host, and every host has confirmed it. 1: it is not, or not yet.
    """
    target = find_target(state, lab)
    network = target.model().network
    check_name("port", port, list(network.ports))
    if port in network.switch_ports:
        check_name("switch", host, list(network.switches))
    else:
        check_name("host", host, list(network.hosts))
    if ping_from is not None:
        check_name("port", ping_from, list(network.ports))
        if target.lab is None:
            fail("--ping-from needs a lab")
    result: dict[str, object] = {"port": port, "host": host}
    with (
        err.status(f"moving {port} to {host}"),
        _counting(target.lab, ping_from, str(network.ports[port].address)) as losses,
    ):
        start = time.monotonic()
        _move(target, port, host)
        result["seconds"] = round(time.monotonic() - start, 3)
    result |= losses
    if as_json:
        print_json(result)
        return
    out.print(f"{port} is on {host}, confirmed after {result['seconds']} s")
    if ping_from is not None:
        out.print(f"{result['lost']} of {result['sent']} pings from {ping_from} were lost, at 1 ms each")


def _move(target: Target, port: str, host: str) -> None:
    generation = target.store.move(port, host)
    if target.lab is not None:
        target.lab.plug(port, host)
    end = time.monotonic() + _SECONDS
    while time.monotonic() < end:
        if is_on(target, port, host, generation):
            return
        target.store.await_status(_INTERVAL)
    fail(f"{port} is not on {host} yet: its interface has not been seen there, or not every host has confirmed")


def is_on(target: Target, port: str, host: str, generation: int) -> bool:
    """Whether a port is plugged in somewhere, belongs there, and every host and switch has confirmed that."""
    status = target.store.read_status()
    plugged = {
        (iface_id, name)
        for kind in ("hosts", "switches")
        for name, known in status[kind].items()
        for iface_id, _, _ in known["interfaces"]
    }
    return (
        status["ports"].get(port) == host
        and (port, host) in plugged
        and all(
            known["confirmed"] >= generation and known["settled"] for known in nodes(status).values() if known["switch"]
        )
    )


@contextmanager
def _counting(lab: Lab | None, source: str | None, target: str) -> Iterator[dict[str, int]]:
    """Ping while a block runs; what was sent and lost is there when it has ended."""
    losses: dict[str, int] = {}
    if lab is None or source is None:
        yield losses
        return
    with pinging(lab, source, target) as pings:
        time.sleep(_BEFORE)
        yield losses
        time.sleep(_AFTER)
    losses |= {"sent": pings.sent, "lost": pings.lost}
