"""``ovs-vpc lab check``: does every connection between ports of VPCs come about, or not, just as the model says?"""

from collections.abc import Sequence
from random import Random
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.markup import escape

from controller.cli.common.consoles import err, out
from controller.cli.common.output import FAILED, JsonOption, fail, print_json
from controller.cli.common.state import ThisLabOption, lab_store
from controller.cli.lab.ping import plugged
from mininet_topos.waiting import patience

if TYPE_CHECKING:
    from mininet_topos.probes.checking import Connection

_MOST = 5000


def check(
    most: Annotated[
        int, typer.Option("--most", min=1, help="Try so many connections; of more, some are chosen at random.")
    ] = _MOST,
    seed: Annotated[int | None, typer.Option(help="Choose those that were chosen with this number before.")] = None,
    as_json: JsonOption = False,
    lab: ThisLabOption = None,
) -> None:
    """Open connections between ports of VPCs, and compare with what the model says of them.

    Each pair is tried for every TCP and UDP port at which rules of its security groups begin or end, and for one that
    no rule names. Targets listen while they are asked: nothing needs to run in the instances. What should come about
    and does not is tried three times. Pings, and ports of other kinds: ovs-vpc lab ping.

    Exit code 0: everything is as the model says. 1: something is not.
    """
    from flows.model.problem import counted
    from mininet_topos.client.lab import Lab
    from mininet_topos.probes.checking import check as try_all
    from mininet_topos.probes.checking import declared, summary

    found = Lab.find(lab)
    store = lab_store(found)
    stored = store.load()
    if stored is None:
        fail("no model was applied yet")
    network = stored.network
    chosen = Random().randrange(10**6) if seed is None else seed
    attempts, number = declared(network, [port.name for port in plugged(store, network)], most, Random(chosen))
    if not attempts:
        fail("no two ports of VPCs are plugged in")
    what = f"trying {counted(len(attempts), 'connection')}"
    with err.status(what) as status:
        connections = try_all(
            network,
            attempts,
            lambda some: found.connect(some, patience(1.0), lambda n: status.update(f"{what}: {n} so far")),
        )
    wrong = [one for one in connections if not one.is_right]
    if as_json:
        print_json({"seed": chosen, "in_all": number, "connections": [_plain(one) for one in connections]})
    else:
        _show_wrong(wrong)
        out.print(summary(connections, number))
        if number > len(attempts):
            out.print(f"the same ones again: --most {most} --seed {chosen}")
    if wrong:
        raise SystemExit(FAILED)


def _show_wrong(wrong: "Sequence[Connection]") -> None:
    """What is not as the model says: the services of one pair together, when it is for one reason."""
    groups: dict[tuple[str, str, bool, str], list[str]] = {}
    for one in wrong:
        key = (one.attempt.source, one.attempt.target, one.outcome == "answered", one.expected.reason)
        groups.setdefault(key, []).append(one.service)
    for (source, target, came_about, reason), services in groups.items():
        verb, should = ("reaches", "should not") if came_about else ("does not reach", "should")
        said = f"{source} {verb} {target} for {', '.join(services)}, but {should}"
        out.print(f"[red]{escape(said)}[/red]: {escape(reason)}")


def _plain(one: "Connection") -> dict[str, Any]:
    return {
        "source": one.attempt.source,
        "target": one.attempt.target,
        "service": one.service,
        "outcome": one.outcome,
        "expected": one.expected.arrives,
        "reason": one.expected.reason,
        "tries": one.tries,
        "is_right": one.is_right,
    }
