"""``ovs-vpc who-can-reach``: every port that can reach one, and by what."""

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from controller.cli.common.consoles import out
from controller.cli.common.output import FAILED, JsonOption, print_json
from controller.cli.common.services import PingOption, TcpOption, UdpOption, traffic_of
from controller.cli.common.state import LabOption, PortArgument, StateOption, Target, check_ports, find_target

if TYPE_CHECKING:
    from flows.model import AnyPort, Network
    from flows.model.intervals import Intervals


@dataclass(slots=True)
class _Group:
    """Ports that reach another one for the same reason."""

    ports: list[str] = field(default_factory=list)
    obstacles: dict[str, list[str]] = field(default_factory=dict)


def who_can_reach(
    port: PortArgument,
    tcp: TcpOption = None,
    udp: UdpOption = None,
    icmp: PingOption = False,
    as_json: JsonOption = False,
    state: StateOption = None,
    lab: LabOption = None,
) -> None:
    """List the ports that can reach a port, by the reason, with the objects (file and line) that let them.

    The model decides: what passes between first addresses. Where security groups allow only some services, these are
    named. With --tcp, --udp or --icmp, only this service counts. What stops a port in the running network, such as
    that it is not plugged in, is shown below.

    Exit code 0: somebody can. 1: nobody can.
    """
    found = find_target(state, lab)
    network = found.model().network
    check_ports(network, port)
    wanted = traffic_of(tcp, udp, icmp).services if tcp or udp or icmp else None
    groups = _groups(found, network, network.ports[port], wanted)
    if as_json:
        print_json([_plain(*known, group) for known, group in groups.items()])
    elif not groups:
        out.print(f"nobody can reach {port}")
    else:
        _print(groups)
    if not groups:
        raise SystemExit(FAILED)


_Groups = dict[tuple[str, str, tuple[str, ...]], _Group]
"""By services, reason, and the objects that let them."""


def _groups(found: Target, network: "Network", target: "AnyPort", wanted: "Intervals | None") -> _Groups:
    from controller.status.obstacles import between, obstacles
    from controller.status.status import read_status
    from flows.model.reach.deciding import decider
    from flows.model.reach.reachability import answers, reached_services
    from flows.model.services import words

    status = read_status(found.store)
    ends = {decider(target)}
    groups: _Groups = {}
    at_target = list(obstacles(network, status, target))
    for source in network.ports.values():
        if source is target or source.address is None:
            continue
        services = reached_services(network, source, target)
        if not services or (wanted is not None and not wanted <= services):
            continue
        verdict = answers(network, source, target, wanted or services)
        because = tuple(sorted(str(one) for one in {*verdict.because} - ends - {decider(source)}))
        group = groups.setdefault((words(wanted or services), verdict.reason, because), _Group())
        group.ports.append(source.name)
        hindering = [*obstacles(network, status, source), *between(network, status, source, target), *at_target]
        if hindering:
            group.obstacles[source.name] = hindering
    return groups


def _print(groups: _Groups) -> None:
    from flows.model.services import EVERYTHING, words

    for (services, reason, because), group in groups.items():
        what = "" if services == words(EVERYTHING) else f" for {services}"
        out.print(escape(f"{', '.join(group.ports)}{what}: {reason}"), style="green")
        for one in because:
            out.print(escape(f"  because of {one}"))
    hindering = {sentence: None for group in groups.values() for some in group.obstacles.values() for sentence in some}
    if hindering:
        out.print("in the running network:")
    for sentence in hindering:
        out.print(escape(f"  {sentence}"), style="red")


def _plain(services: str, reason: str, because: tuple[str, ...], group: _Group) -> dict[str, Any]:
    return {
        "ports": group.ports,
        "services": services,
        "reason": reason,
        "because_of": list(because),
        "obstacles": group.obstacles,
    }
