"""``ovs-vpc why-not``: why one port cannot reach another, and what would let it."""

from typing import Any

from rich.markup import escape

from controller.cli.output import FAILED, JsonOption, out, print_json
from controller.cli.state import LabOption, PortArgument, StateOption, Target, check_ports, find_target
from controller.obstacles import between, obstacles
from flows.model import AnyPort, Network
from flows.model.reachability import answers
from flows.model.remedy import remedy


def why_not(
    source: PortArgument,
    target: PortArgument,
    as_json: JsonOption = False,
    state: StateOption = None,
    lab: LabOption = None,
) -> None:
    """Say why a port cannot reach another one, by the model and by the state of their hosts.

    Names the objects that decide it, with file and line, and the smallest change of the network file that would let
    pings pass between their first addresses.

    Exit code 0: it can, as far as is known. 1: it cannot.
    """
    found = find_target(state, lab)
    network = found.model().network
    check_ports(network, source, target)
    told = _tell(found, network, network.ports[source], network.ports[target])
    if as_json:
        print_json(told)
    else:
        _print(told)
    if not told["reaches"] or told["obstacles"]:
        raise SystemExit(FAILED)


def _tell(found: Target, network: Network, source: AnyPort, target: AnyPort) -> dict[str, Any]:
    status = found.store.read_status()
    hindering = [] if found.store.is_served() else ["no controller runs; the switches go on with the flows they have"]
    for port in dict.fromkeys((source, target)):
        hindering += obstacles(network, status, port)
    hindering += between(network, status, source, target)
    if source is target:
        return _told(source, target, True, "it is the same port", [], hindering)
    verdict, mending = answers(network, source, target), remedy(network, source, target)
    because = [str(decider) for decider in verdict.because]
    told = _told(source, target, verdict.arrives, verdict.reason, because, hindering)
    return told | {"remedy": [str(step) for step in mending.steps], "no_remedy": mending.unless}


def _told(
    source: AnyPort, target: AnyPort, reaches: bool, reason: str, because: list[str], hindering: list[str]
) -> dict[str, Any]:
    return {
        "source": source.name,
        "target": target.name,
        "reaches": reaches,
        "reason": reason,
        "because_of": because,
        "remedy": [],
        "no_remedy": "",
        "obstacles": hindering,
    }


def _print(told: dict[str, Any]) -> None:
    verb, style = ("reaches", "green") if told["reaches"] else ("cannot reach", "red")
    by = "by the model " if told["reaches"] and told["obstacles"] else ""
    out.print(escape(f"{by}{told['source']} {verb} {told['target']}: {told['reason']}"), style=style)
    for decider in told["because_of"]:
        out.print(escape(f"  because of {decider}"))
    if told["remedy"]:
        out.print("to let it pass:")
    for step in told["remedy"]:
        out.print(escape(f"  {step}"), style="green")
    if told["no_remedy"]:
        out.print(escape(f"no small change lets it pass: {told['no_remedy']}"))
    if told["obstacles"]:
        out.print("in the running network:")
    for sentence in told["obstacles"]:
        out.print(escape(f"  {sentence}"), style="red")
