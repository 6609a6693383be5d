"""``ovs-vpc status``: is everything well, and what happened?"""

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from controller.cli.common.consoles import out
from controller.cli.common.output import FAILED, JsonOption, print_json
from controller.cli.common.state import LabOption, StateOption, find_target
from controller.cli.common.tables import print_table
from controller.status.status import (
    ControllerPackets,
    HostStatus,
    NodeStatus,
    Status,
    SwitchStatus,
    plain,
    read_status,
)
from controller.status.unreached import reported_unreached, sentences

if TYPE_CHECKING:
    from controller.store import Stored


def status(as_json: JsonOption = False, state: StateOption = None, lab: LabOption = None) -> None:
    """Show the state of the controller and its hosts: sessions, confirmed changes, repairs, dropped packets.

    The switches count dropped packets; the counters are read every ten seconds. Drops, and what was repaired or refused
    before, do not count as wrong. Nor do notes: interfaces whose port the model does not have, and ports that were
    never plugged in.

    Exit code 0: all is well. 1: something is wrong now.
    """
    target = find_target(state, lab)
    report = describe(target.model(), read_status(target.store), is_running=target.store.is_served())
    if as_json:
        print_json(report)
    else:
        _print(report)
    if report["wrong"]:
        raise SystemExit(FAILED)


def describe(stored: "Stored", reported: Status, *, is_running: bool) -> dict[str, Any]:
    """How things are, as plain data. What is wrong is listed in words."""
    from controller.status.misfits import misfits

    nodes: dict[str, NodeStatus] = {name: reported.hosts.get(name, HostStatus()) for name in stored.network.hosts}
    nodes |= {name: reported.switches.get(name, SwitchStatus()) for name in stored.network.switches}
    told = {name: _node(stored.generation, known) for name, known in nodes.items()}
    wrong = [] if is_running else ["no controller runs; the switches keep forwarding with the flows they have"]
    wrong += [f"{name}: {sentence}" for name, host in told.items() for sentence in host["wrong"]]
    wrong += [
        f"{sentence}: 'ovs-vpc doctor' looks for the cause" for sentence in sentences(reported_unreached(reported))
    ]
    found = misfits(stored.network, reported)
    wrong += [str(misfit) for misfit in found if misfit.is_wrong]
    drops: dict[str, int] = {}
    for host in told.values():
        for reason, packets in host["drops"].items():
            drops[reason] = drops.get(reason, 0) + packets
    return {
        "wrong": wrong,
        "notes": [str(misfit) for misfit in found if not misfit.is_wrong],
        "running": is_running,
        "generation": stored.generation,
        "hosts": told,
        "announced": {
            name: [port.host, port.moving_to]
            for name, port in stored.network.ports.items()
            if port.moving_to is not None
        },
        "drops": dict(sorted(drops.items(), key=lambda item: -item[1])),
    }


def _node(generation: int, known: NodeStatus) -> dict[str, Any]:
    host = known if isinstance(known, HostStatus) else None
    return {
        "wrong": list(_wrong(generation, known)),
        # A plain switch has no database that the controller would look at.
        "database": host.database if host else True,
        "switch": known.switch,
        "wanted": generation,
        "confirmed": known.confirmed,
        "flows": known.flows,
        "drift": plain(known.drift),
        "refused": plain(known.refused),
        "unreached": [other for other, _, _ in host.unreached] if host else [],
        "drops": known.drops,
        "many_connections": [list(one) for one in host.many_connections] if host else [],
        "packets": plain(host.packets if host else ControllerPackets()),
    }


def _wrong(generation: int, known: NodeStatus) -> Iterator[str]:
    host = known if isinstance(known, HostStatus) else None
    if host and not host.database:
        yield "its database is not connected"
    if not known.switch:
        yield "its switch is not connected"
    if known.problem:
        yield known.problem
    elif known.confirmed < generation:
        yield f"its switch has not confirmed generation {generation}, but {known.confirmed}"
    yield from known.problems
    for segment in host.cut_off if host else ():
        yield f"segment {segment} is cut off there: no VLAN is left for it"


def _print(report: Mapping[str, Any]) -> None:
    out.print(f"generation {report['generation']} of the model, {len(report['hosts'])} hosts and switches")
    rows = []
    for name, host in report["hosts"].items():
        sessions = ["connected" if host[kind] else "[red]not connected[/]" for kind in ("database", "switch")]
        numbers = [host["confirmed"], host["flows"], host["drift"]["count"], host["refused"]["count"]]
        rows.append((name, *sessions, *map(str, numbers)))
    print_table(("host", "database", "switch", "confirmed", "flows", "drift", "refused"), rows)
    for title, kind in (("repaired last", "drift"), ("refused last", "refused")):
        last = [(host[kind]["at"], name, host[kind]["last"]) for name, host in report["hosts"].items()]
        told = [f"  {_time(at)} {name}: {escape(words)}" for at, name, words in sorted(filter(_happened, last))]
        _section(title, told)
    announced = [
        f"  {port}: from {old} to {new}; both get its packets" for port, (old, new) in report["announced"].items()
    ]
    _section("announced moves in progress", announced)
    _section("to be noted", [f"  {escape(sentence)}" for sentence in report["notes"]])
    _section("packets for the controller that got no answer", list(_unanswered(report["hosts"])))
    _section("ports that open many connections", list(_many_connections(report["hosts"])))
    _section("dropped packets", [f"  {escape(reason)}: {packets}" for reason, packets in report["drops"].items()])
    if report["wrong"]:
        _section("[red]wrong[/]", [f"  {escape(sentence)}" for sentence in report["wrong"]])
    else:
        out.print("[green]all is well[/]")


def _unanswered(hosts: Mapping[str, Any]) -> Iterator[str]:
    for name, host in hosts.items():
        for handler, port, packets in host["packets"]["above_limit"]:
            yield f"  {name}: {handler}: port {port} sent more than its limit: {packets} dropped by the switch"
        for handler, why, packets in host["packets"]["unanswered"]:
            yield f"  {name}: {handler}: {why}: {packets}"


def _many_connections(hosts: Mapping[str, Any]) -> Iterator[str]:
    for name, host in hosts.items():
        for port, per_second, limit, refused in host["many_connections"]:
            too_many = f"; {refused} were too many and were dropped" if refused else ""
            yield f"  {name}: port {port}: {per_second} a second of {limit} that it may open{too_many}"


def _section(title: str, lines: list[str]) -> None:
    if lines:
        out.print(f"[bold]{title}[/]", *lines, sep="\n")


def _happened(last: tuple[float | None, str, str]) -> bool:
    return last[0] is not None


def _time(seconds: float) -> str:
    return datetime.fromtimestamp(seconds).astimezone().isoformat(" ", "seconds")
