"""``ovs-vpc who-can-reach``: every port that can reach one, and by what."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from controller.cli.common.consoles import out
from controller.cli.common.output import FAILED, JsonOption, print_json
from controller.cli.common.state import LabOption, PortArgument, StateOption, Target, check_ports, find_target

if TYPE_CHECKING:
    from flows.model import AnyPort, Network


@dataclass(slots=True)
class _Group:
    """Ports that reach another one for the same reason."""

    ports: list[str] = field(default_factory=list)
    obstacles: dict[str, list[str]] = field(default_factory=dict)


def who_can_reach(
    port: PortArgument, as_json: JsonOption = False, state: StateOption = None, lab: LabOption = None
) -> None:
    """List the ports that can reach a port, by the reason, with the objects (file and line) that let them.

    The model decides: pings between first addresses are answered. What stops one of them in the running network, such
    as a port that is not plugged in, is shown below.

    Exit code 0: somebody can. 1: nobody can.
    """
    found = find_target(state, lab)
    network = found.model().network
    check_ports(network, port)
    groups = _groups(found, network, network.ports[port])
    if as_json:
        print_json([_plain(reason, because, group) for (reason, because), group in groups.items()])
    elif not groups:
        out.print(f"nobody can reach {port}")
    else:
        _print(groups)
    if not groups:
        raise SystemExit(FAILED)


_Groups = dict[tuple[str, tuple[str, ...]], _Group]


def _groups(found: Target, network: "Network", target: "AnyPort") -> _Groups:
    from controller.status.obstacles import between, obstacles
    from controller.status.status import read_status
    from flows.model.reach.reachability import answers, decider

    status = read_status(found.store)
    ends = {decider(target)}
    groups: _Groups = {}
    at_target = list(obstacles(network, status, target))
    for source in network.ports.values():
        if source is target or source.address is None:
            continue
        verdict = answers(network, source, target)
        if not verdict.arrives:
            continue
        because = tuple(sorted(str(one) for one in {*verdict.because} - ends - {decider(source)}))
        group = groups.setdefault((verdict.reason, because), _Group())
        group.ports.append(source.name)
        hindering = [*obstacles(network, status, source), *between(network, status, source, target), *at_target]
        if hindering:
            group.obstacles[source.name] = hindering
    return groups


def _print(groups: _Groups) -> None:
    for (reason, because), group in groups.items():
        out.print(escape(f"{', '.join(group.ports)}: {reason}"), style="green")
        for one in because:
            out.print(escape(f"  because of {one}"))
    hindering = {sentence: None for group in groups.values() for some in group.obstacles.values() for sentence in some}
    if hindering:
        out.print("in the running network:")
    for sentence in hindering:
        out.print(escape(f"  {sentence}"), style="red")


def _plain(reason: str, because: tuple[str, ...], group: _Group) -> dict[str, Any]:
    return {"ports": group.ports, "reason": reason, "because_of": list(because), "obstacles": group.obstacles}
