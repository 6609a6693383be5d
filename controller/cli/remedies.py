"""What ``why-not`` and ``trace`` say of the smallest change that lets packets pass."""

from collections.abc import Mapping
from typing import Any

from rich.markup import escape

from controller.cli.output import out
from flows.model import AnyPort, Network, SwitchPort
from flows.simulate.remedy import Remedy


def as_plugged_in(network: Network, locations: Mapping[str, str]) -> Network:
    """A network in which each port is declared to be on the host where it was seen.

    One that is nowhere is taken to be on the first host: to plug it in takes no change of the file.
    """

    def placed(port: AnyPort) -> AnyPort:
        if isinstance(port, SwitchPort) or port.host is not None or not network.hosts:
            return port
        return port.moved(locations.get(port.name, next(iter(network.hosts))))

    return network.with_ports({name: placed(port) for name, port in network.ports.items()})


def plain(remedy: Remedy) -> dict[str, Any]:
    """For a script."""
    return {"remedy": [str(step) for step in remedy.steps], "no_remedy": remedy.unless}


def show(remedy: Remedy) -> None:
    """For a person."""
    if remedy.steps:
        out.print("to let it pass:")
    for step in remedy.steps:
        out.print(escape(f"  {step}"), style="green")
    if remedy.unless:
        out.print(escape(f"no small change lets it pass: {remedy.unless}"))
