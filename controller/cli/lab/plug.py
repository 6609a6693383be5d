"""``ovs-vpc lab plug`` and ``ovs-vpc lab unplug``."""

from typing import Annotated

import typer

from controller.cli.change.migrate import is_also_on
from controller.cli.common.consoles import err, out
from controller.cli.common.output import fail
from controller.cli.common.state import (
    PortArgument,
    Target,
    ThisLabOption,
    check_name,
    complete_place,
    lab_store,
)
from controller.cli.common.waiting import until
from mininet_topos.waiting import patience

_SECONDS = patience(10.0)


def plug(
    port: PortArgument,
    host: Annotated[
        str | None,
        typer.Argument(
            help="A host, or for a machine a plain switch. Default: where the model says, else where it was last.",
            autocompletion=complete_place,
        ),
    ] = None,
    lab: ThisLabOption = None,
) -> None:
    """Plug an instance's cable into a host. What runs in the instance goes on.

    The model does not change: if it names another host, the port gets no packets on this one. 'ovs-vpc migrate' changes
    the model too.

    Exit code 0: it is plugged in, and the controller has seen that. 1: it is not.
    """
    from flows.model import SwitchPort

    target = _target(lab)
    network = target.model().network
    check_name("port", port, list(network.ports))
    said = network.ports[port]
    is_machine = isinstance(said, SwitchPort)
    declared = said.switch if isinstance(said, SwitchPort) else said.host
    place = host or declared or _last(target, port)
    if place is None:
        fail(f"{said.origin} leaves the host of port '{port}' open; name one: ovs-vpc lab plug {port} HOST")
    check_name("switch" if is_machine else "host", place, list(network.switches if is_machine else network.hosts))
    assert target.lab is not None
    with err.status(f"plugging {port} into {place}"):
        target.lab.plug(port, place)
        if not until(lambda: is_also_on(target, port, place), target.store.await_status, _SECONDS):
            fail(
                f"{port} is plugged into {place}, but the controller has not seen that yet; 'ovs-vpc status' tells why"
            )
    out.print(f"{port} is plugged into {place}")
    if declared not in (None, place):
        out.print(
            f"but {said.origin} says {declared}, so it gets nothing there; to move it: ovs-vpc migrate {port} {place}"
        )


def unplug(port: PortArgument, lab: ThisLabOption = None) -> None:
    """Pull an instance's cable out of its host. What runs in the instance goes on, without carrier.

    Exit code 0: it is not plugged in anywhere, and the controller has seen that. 1: it was not plugged in.
    """
    target = _target(lab)
    check_name("port", port, list(target.model().network.ports))
    assert target.lab is not None
    with err.status(f"unplugging {port}"):
        target.lab.unplug(port)
        if not until(lambda: not _is_seen(target, port), target.store.await_status, _SECONDS):
            fail(f"{port} is unplugged, but the controller has not seen that yet; 'ovs-vpc status' tells why")
    out.print(f"{port} is not plugged in anywhere; to plug it in again: ovs-vpc lab plug {port}")


def _target(lab: str | None) -> Target:
    from mininet_topos.client.lab import Lab

    found = Lab.find(lab)
    return Target(lab_store(found), found)


def _last(target: Target, port: str) -> str | None:
    """Where a port is, or was plugged in last, whose host the model leaves open."""
    from controller.status.misfits import unplugged
    from controller.status.status import read_status

    status = read_status(target.store)
    return status.ports.get(port) or unplugged(target.model().network, status).get(port)


def _is_seen(target: Target, port: str) -> bool:
    from controller.status.status import read_status

    return port in read_status(target.store).seen
