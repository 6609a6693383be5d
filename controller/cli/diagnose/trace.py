"""``ovs-vpc trace``: one packet from a port to another one or to an address, over all hosts."""

from dataclasses import asdict
from ipaddress import IPv4Address
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from controller.cli.common.consoles import out
from controller.cli.common.on_host import OnHostOption, host_command
from controller.cli.common.output import FAILED, JsonOption, fail, print_json, read_network
from controller.cli.common.remedies import as_plugged_in, plain, show
from controller.cli.common.services import PingOption, TcpOption, UdpOption, traffic_of
from controller.cli.common.state import LabOption, StateOption, Target, check_name, complete_port, find_target

if TYPE_CHECKING:
    from flows.compile.declared import Snapshot
    from flows.model import AnyPort
    from flows.simulate.receivers import Receiver
    from flows.simulate.remedy import Remedy
    from flows.simulate.tracing import Hop, Trace
    from flows.simulate.traffic import Traffic
    from mininet_topos.client.lab import Lab


def trace_packet(
    source: Annotated[str, typer.Argument(help="The port that sends.", autocompletion=complete_port)],
    target: Annotated[
        str, typer.Argument(help="The port, or the IPv4 address, that it sends to.", autocompletion=complete_port)
    ],
    file: Annotated[
        Path | None, typer.Argument(help="A network file, as if all of it were plugged in. Default: what was applied.")
    ] = None,
    tcp: TcpOption = None,
    udp: UdpOption = None,
    icmp: PingOption = False,
    is_running: Annotated[bool, typer.Option("--running", help="Ask the running switches what they would do.")] = False,
    on_host: OnHostOption = None,
    live: Annotated[
        bool, typer.Option("--live", help="Send a real packet in the running lab, and see which counters move.")
    ] = False,
    as_json: JsonOption = False,
    state: StateOption = None,
    lab: LabOption = None,
) -> None:
    """Follow one packet from a port to a port or an address: each decision, and the object of the model behind it.

    If the packet does not arrive, the smallest change of the model that lets it pass is shown. An address may be that
    of a port, a gateway (which answers pings), a router, or nobody: what the sender takes it for counts.

    Exit code 0: it is delivered. 1: it is not.
    """
    from controller.cli.diagnose.trace_live import trace_live
    from controller.cli.diagnose.trace_running import running
    from flows.compile.declared import plugged_in
    from flows.simulate import Unsupported
    from flows.simulate.remedy import Remedy
    from flows.simulate.tracing import Trace, simulated, trace

    traffic = traffic_of(tcp, udp, icmp)
    _check(source, target, file, is_running=is_running, live=live)
    if on_host is not None and not is_running:
        fail("--on-host says how --running asks the switches; it needs --running")
    found = find_target(state, lab) if file is None else None
    seen = plugged_in(read_network(file)[0]) if file is not None else _seen(found)
    sender = _port(seen, source)
    try:
        receiver, unsent = _receiver(seen, sender, target)
        if unsent:
            traced = Trace((), False, f"not sent: {unsent}")
        elif live:
            traced = trace_live(_needed(_lab(found)), seen, sender, receiver, traffic)
        else:
            world = running(seen, host_command(_lab(found), on_host)) if is_running else simulated(seen)
            traced = trace(seen, world, sender, receiver, traffic)
        mending = Remedy() if traced.is_delivered else _remedy(seen, sender, receiver, traffic, is_running=file is None)
    except Unsupported as unsupported:
        fail(f"this packet cannot be traced: {unsupported}")
    if as_json:
        print_json(asdict(traced) | plain(mending))
    else:
        _show(traced, f"{_named(sender)} to {_named(receiver)}, {traffic}", mending)
    raise SystemExit(0 if traced.is_delivered else FAILED)


def _check(source: str, target: str, file: Path | None, *, is_running: bool, live: bool) -> None:
    """End the command when its options do not fit together."""
    if is_running and live:
        fail("--running and --live are two ways to look: use one")
    if file is not None and (is_running or live):
        fail("--running and --live look at the running network: leave out the file, or these options")
    if source == target:
        fail("a packet from a port to itself passes no switch")


def _seen(target: Target | None) -> "Snapshot":
    from controller.inspect.compiled import snapshot
    from controller.status.status import read_status

    assert target is not None
    return snapshot(target.model(), read_status(target.store))


def _lab(target: Target | None) -> "Lab | None":
    return target.lab if target is not None else None


def _needed(lab: "Lab | None") -> "Lab":
    if lab is None:
        fail("--live works in a lab only; elsewhere ask the switches, with --running")
    return lab


def _receiver(seen: "Snapshot", source: "AnyPort", target: str) -> "tuple[Receiver, str]":
    """Whom a packet is for, by the name of a port or by address; and why it is not even sent, where it is not."""
    from flows.simulate.receivers import NotSent, UnassignedAddress, receiver

    if ":" in target:
        fail(f"'{target}' is not an IPv4 address; packets of other protocols are not traced")
    try:
        address = IPv4Address(target)
    except ValueError:
        return _port(seen, target), ""
    try:
        found = receiver(seen.network, source, address)
    except NotSent as reason:
        return UnassignedAddress(address), str(reason)
    if found.name == source.name:
        fail(f"{source.name} has the address {address} itself: a packet from a port to itself passes no switch")
    return found, ""


def _port(seen: "Snapshot", name: str) -> "AnyPort":
    check_name("port", name, list(seen.network.ports))
    return seen.network.ports[name]


def _remedy(
    seen: "Snapshot", source: "AnyPort", target: "Receiver", traffic: "Traffic", *, is_running: bool
) -> "Remedy":
    """What to change in the model; nothing, where the model lets the packet pass and something else is wrong."""
    from flows.compile.declared import plugged_in
    from flows.model import AnyPort
    from flows.simulate.remedy import Remedy, remedy_for
    from flows.simulate.tracing import simulated, trace

    if not is_running:
        return remedy_for(seen.network, source, target, traffic)
    if isinstance(target, AnyPort):
        # Its first address is the one that is meant.
        meant = seen.network.with_ports({**seen.network.ports, target.name: target})
        network = as_plugged_in(meant, seen.locations, source.name, target.name)
        target = network.ports[target.name]
    else:
        network = as_plugged_in(seen.network, seen.locations, source.name)
    declared = plugged_in(network)
    if trace(declared, simulated(declared), network.ports[source.name], target, traffic).is_delivered:
        return Remedy()
    return remedy_for(network, network.ports[source.name], target, traffic)


def _named(port: "Receiver") -> str:
    if port.name == str(port.address) or port.address is None:
        return port.name
    return f"{port.name} ({port.address})"


def _show(traced: "Trace", what: str, mending: "Remedy") -> None:
    from flows.simulate.remedy import Remedy

    out.print(escape(what), style="bold")
    before: Hop | None = None
    for hop in traced.hops:
        if before is None or hop.node != before.node:
            out.print(escape(f"{hop.node}{f', {hop.by}' if hop.by else ''}"), style="bold")
        out.print(f"  {hop.table:<13} {escape(hop.sentence)}")
        out.print(f"  {'':<13} [dim]{escape(f'[{hop.why}]')}[/dim]")
        before = hop
    out.print(escape(traced.ending), style="green" if traced.is_delivered else "red")
    if not traced.is_delivered and mending == Remedy():
        out.print("the model lets it pass, but something in the network is wrong: 'ovs-vpc status' tells what")
    show(mending)
