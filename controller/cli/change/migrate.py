"""``ovs-vpc migrate``: move a port to another host or plain switch."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.common.consoles import err, out
from controller.cli.common.output import JsonOption, fail, print_json
from controller.cli.common.state import (
    LabOption,
    PlaceArgument,
    PortArgument,
    StateOption,
    Target,
    check_name,
    check_ports,
    complete_port,
    find_target,
)
from controller.cli.common.waiting import until, wait_confirmed
from mininet_topos.waiting import patience

if TYPE_CHECKING:
    from controller.status.status import NodeStatus
    from mininet_topos.client.lab import Lab

_SECONDS = patience(10.0)
_BEFORE, _AFTER = 0.5, 1.0
"""Seconds that a counting ping runs before and after the move."""


def migrate(
    port: PortArgument,
    host: PlaceArgument,
    announce: Annotated[
        bool,
        typer.Option("--announce", help="Send the port's packets to both hosts until it appears on the new one."),
    ] = False,
    ping_from: Annotated[
        str | None,
        typer.Option(
            help="In a lab: ping the port from this one, 1,000 times a second, and count the lost pings.",
            autocompletion=complete_port,
        ),
    ] = None,
    as_json: JsonOption = False,
    state: StateOption = None,
    lab: LabOption = None,
) -> None:
    """Move a port to another host, or a machine to another plain switch. Its addresses, MAC and connections stay.

    In a lab the instance is moved. Elsewhere only the model is changed: the port stays where it is until the interface
    with this iface-id is plugged in on the new host. The move holds until the next 'ovs-vpc apply', so change the
    network file too.

    With --announce nothing is lost: the model says that the port is about to move, and both hosts get what is sent to
    it. That ends once the port has shown up on the new host: its first frame comes from there, or only this host has
    its interface. A lab connects the instance to both. To call the move off, migrate the port to where it is.

    Exit code 0: the port is on the new host, and every host has confirmed it. 1: it is not, or not yet.
    """
    from flows.model import SwitchPort

    target = find_target(state, lab)
    network = target.model().network
    check_name("port", port, list(network.ports))
    if port in network.switch_ports:
        check_name("switch", host, list(network.switches))
        if announce:
            fail("--announce does not work for a machine on a plain switch; leave it out")
    else:
        check_name("host", host, list(network.hosts))
    if ping_from is not None:
        check_ports(network, port, ping_from)
        if ping_from == port:
            fail("--ping-from must name another port than the one that moves")
        if target.lab is None:
            fail("--ping-from works in a lab only")
    said = network.ports[port]
    declared = said.switch if isinstance(said, SwitchPort) else said.host
    result: dict[str, object] = {"port": port, "host": host, "file_says": declared}
    with (
        err.status(f"moving {port} to {host}"),
        _counting(target.lab, ping_from, str(network.ports[port].address)) as losses,
    ):
        start = time.monotonic()
        if announce:
            announced_move(target, port, host)
        else:
            _move(target, port, host)
        result["seconds"] = round(time.monotonic() - start, 3)
    result |= losses
    if as_json:
        print_json(result)
        return
    out.print(f"{port} is on {host}, confirmed after {result['seconds']} s")
    if ping_from is not None:
        out.print(f"{result['lost']} of {result['sent']} pings from {ping_from} were lost, at 1 ms each")
    if declared not in (None, host):
        out.print(f"{said.origin} still says {declared}: change it, else the next 'ovs-vpc apply' moves {port} back")


def _move(target: Target, port: str, host: str) -> None:
    generation = target.store.move(port, host)
    if target.lab is not None:
        target.lab.plug(port, host)
    if not target.store.is_served():
        fail(f"the move is stored as generation {generation}, but no controller runs on {target.store.directory}")
    if not _becomes(target, lambda: is_on(target, port, host, generation)):
        fail(f"{port} is not on {host} yet: its interface has not been seen there, or not every host has confirmed")


def announced_move(target: Target, port: str, host: str) -> None:
    """Announce the move, and wait until the controller says that it is over."""
    from controller.status.status import read_status

    old = read_status(target.store).ports.get(port)
    if old is None:
        fail(f"the controller does not know which host {port} is on; leave --announce out")
    if old == host:
        fail(f"{port} is on {host}")
    generation = target.store.announce(port, host, old)
    if not wait_confirmed(target.store, generation, _SECONDS):
        fail(f"the move of {port} is announced, but not every host has confirmed that yet")
    if target.lab is not None:
        target.lab.join(port, host)
        if not _becomes(target, lambda: is_also_on(target, port, host)):
            fail(f"{port} is on two hosts, but not every host has confirmed that yet")
        target.lab.hand_over(port)
    if not _becomes(
        target, lambda: is_on(target, port, host, target.model().generation) and not _is_announced(target, port)
    ):
        fail(f"the move of {port} is announced, but it has not shown up on {host} yet; 'ovs-vpc status' tells when")
    if target.lab is not None:
        target.lab.part(port)


def _becomes(target: Target, condition: Callable[[], bool]) -> bool:
    return until(condition, target.store.await_status, _SECONDS)


def _is_announced(target: Target, port: str) -> bool:
    return target.model().network.ports[port].moving_to is not None


def is_also_on(target: Target, port: str, host: str) -> bool:
    """Whether a port is plugged in there, if elsewhere too, and every host holds what follows from that."""
    from controller.status.status import read_status

    nodes = read_status(target.store).nodes
    seen = {iface_id for iface_id, _, _ in nodes[host].interfaces} if host in nodes else set()
    return port in seen and all(node.settled for node in nodes.values() if node.switch)


def is_on(target: Target, port: str, host: str, generation: int) -> bool:
    """Whether a port is plugged in somewhere, belongs there, and every host and switch has confirmed that."""
    from controller.status.status import read_status

    status = read_status(target.store)
    nodes: list[tuple[str, NodeStatus]] = [*status.hosts.items(), *status.switches.items()]
    plugged = {(iface_id, name) for name, known in nodes for iface_id, _, _ in known.interfaces}
    return (
        status.ports.get(port) == host
        and (port, host) in plugged
        and all(known.confirmed >= generation and known.settled for _, known in nodes if known.switch)
    )


@contextmanager
def _counting(lab: "Lab | None", source: str | None, target: str) -> Iterator[dict[str, int]]:
    """Ping while a block runs; what was sent and lost is there when it has ended."""
    losses: dict[str, int] = {}
    if lab is None or source is None:
        yield losses
        return
    from mininet_topos.client.pinging import pinging

    with pinging(lab, source, target) as pings:
        time.sleep(_BEFORE)
        yield losses
        time.sleep(_AFTER)
    losses |= {"sent": pings.sent, "lost": pings.lost}
