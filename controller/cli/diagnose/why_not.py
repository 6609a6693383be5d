"""``ovs-vpc why-not``: why one port cannot reach another, and what would let it."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from controller.cli.common.consoles import out
from controller.cli.common.output import FAILED, JsonOption, print_json
from controller.cli.common.remedies import as_plugged_in, plain, show
from controller.cli.common.services import PingOption, TcpOption, UdpOption, traffic_of
from controller.cli.common.state import LabOption, PortArgument, StateOption, Target, check_ports, find_target

if TYPE_CHECKING:
    from flows.model import AnyPort, Network
    from flows.model.reach.reachability import Verdict
    from flows.simulate.remedy import Remedy
    from flows.simulate.traffic import Traffic


def why_not(
    source: PortArgument,
    target: PortArgument,
    tcp: TcpOption = None,
    udp: UdpOption = None,
    icmp: PingOption = False,
    as_json: JsonOption = False,
    state: StateOption = None,
    lab: LabOption = None,
) -> None:
    """Say why a port cannot reach another one, by the model and by the state of their hosts.

    Shows the objects that decide it, with file and line, and the smallest change of the network file that helps. It is
    about pings between first addresses, or about connections to the given port of TCP or UDP.

    Exit code 0: it can, as far as is known. 1: it cannot.
    """
    found = find_target(state, lab)
    network = found.model().network
    check_ports(network, source, target)
    answer = _find_answer(found, network, network.ports[source], network.ports[target], traffic_of(tcp, udp, icmp))
    if as_json:
        print_json(answer.plain)
    else:
        answer.show()
    if not answer.verdict.arrives or answer.obstacles:
        raise SystemExit(FAILED)


def _find_answer(
    found: Target, network: "Network", source: "AnyPort", target: "AnyPort", traffic: "Traffic"
) -> "_Answer":
    from controller.status.obstacles import between, obstacles
    from controller.status.status import read_status
    from flows.model.reach.reachability import Verdict, answers
    from flows.simulate.remedy import Remedy, remedy

    status = read_status(found.store)
    hindering = (
        [] if found.store.is_served() else ["no controller runs; the switches keep forwarding with the flows they have"]
    )
    for port in dict.fromkeys((source, target)):
        hindering += obstacles(network, status, port)
    hindering += between(network, status, source, target)
    if source is target:
        return _Answer(source, target, Verdict(True, "it is the same port"), Remedy(), hindering)
    verdict, mending = answers(network, source, target, traffic.services), Remedy()
    if not verdict.arrives:
        declared = as_plugged_in(network, status.ports, source.name, target.name)
        mending = remedy(declared, declared.ports[source.name], declared.ports[target.name], traffic)
    return _Answer(source, target, verdict, mending, hindering)


@dataclass(frozen=True, slots=True)
class _Answer:
    """Why a port does not reach another one, or that it does."""

    source: "AnyPort"
    target: "AnyPort"
    verdict: "Verdict"
    remedy: "Remedy"
    obstacles: list[str]

    @property
    def plain(self) -> dict[str, Any]:
        """For a script."""
        return {
            "source": self.source.name,
            "target": self.target.name,
            "reaches": self.verdict.arrives and not self.obstacles,
            "by_the_model": self.verdict.arrives,
            "reason": self.verdict.reason,
            "because_of": [str(decider) for decider in self.verdict.because],
            **plain(self.remedy),
            "obstacles": self.obstacles,
        }

    def show(self) -> None:
        """For a person."""
        if self.obstacles:
            verb = "may not reach" if self.verdict.arrives else "cannot reach"
            out.print(escape(f"{self.source.name} {verb} {self.target.name} now, in the running network:"), style="red")
        for sentence in self.obstacles:
            out.print(escape(f"  {sentence}"), style="red")
        verb, style = ("reaches", "green") if self.verdict.arrives else ("cannot reach", "red")
        by = (
            "the model lets it: "
            if self.verdict.arrives and self.obstacles
            else f"{self.source.name} {verb} {self.target.name}: "
        )
        out.print(escape(f"{by}{self.verdict.reason}"), style=style)
        for decider in self.verdict.because:
            out.print(escape(f"  because of {decider}"))
        show(self.remedy)
