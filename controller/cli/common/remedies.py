"""What ``why-not`` and ``trace`` say of the smallest change that lets packets pass."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from controller.cli.common.consoles import out

if TYPE_CHECKING:
    from flows.model import AnyPort, Network
    from flows.simulate.remedy import Remedy


def as_plugged_in(network: "Network", locations: Mapping[str, str], *ports: str) -> "Network":
    """A network in which some ports are declared to be on the host where each was seen.

    One that is nowhere is taken to be on the first host that it can be on: to plug it in takes no change of the file.
    """

    from flows.model import SwitchPort
    from flows.model.reach.candidates import a_host

    def placed(port: "AnyPort") -> "AnyPort":
        if isinstance(port, SwitchPort) or port.host is not None:
            return port
        host = locations.get(port.name) or a_host(network, port)
        return port if host is None else port.moved(host)

    return network.with_ports({**network.ports, **{name: placed(network.ports[name]) for name in ports}})


def plain(remedy: "Remedy") -> dict[str, Any]:
    """For a script."""
    return {"remedy": [str(step) for step in remedy.steps], "no_remedy": remedy.unless}


def show(remedy: "Remedy") -> None:
    """For a person."""
    if remedy.steps:
        out.print("to let it pass:")
    for step in remedy.steps:
        out.print(escape(f"  {step}"), style="green")
    if remedy.unless:
        out.print(escape(f"no small change lets it pass: {remedy.unless}"))
