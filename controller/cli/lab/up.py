"""``ovs-vpc lab up``."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.common.consoles import err, out
from controller.cli.common.output import fail, read_network, summary
from controller.cli.common.state import NewLabOption, OldOption, lab_store
from controller.cli.common.waiting import unconfirmed, wait_confirmed, wait_plugged, wait_served
from mininet_topos.waiting import patience

if TYPE_CHECKING:
    from controller.store import Store
    from flows.model import Network
    from mininet_topos.client.lab import Lab

_CONFIRM_SECONDS = patience(30.0)


def up(
    file: Annotated[Path, typer.Argument(help="A network file (YAML); - is standard input.")],
    lab: NewLabOption = None,
    old: OldOption = None,
) -> None:
    """Build everything that a network file names, start the controller, and wait until every switch confirms."""
    network, text = read_network(file)
    built = build(network, text, str(file), lab or file.stem)
    out.print(f"lab '{built.name}' is up: {summary(network)}")
    out.print("try: ovs-vpc lab ping, ovs-vpc lab status, ovs-vpc lab exec PORT -- COMMAND, ovs-vpc flows HOST")


def build(network: "Network", text: str, file: str, name: str, *, base: Path | None = None) -> "Lab":
    """Bring a lab up with this project's controller; returns once every switch has confirmed."""
    from flows.model.contract import OPENFLOW_PORT
    from mininet_topos.client.lab import Lab
    from mininet_topos.topology.topology import CONTROLLER_ADDRESS

    controller = [
        *(sys.executable, "-m", "controller"),
        *("controller", "--state", "{lab}/controller"),
        *("--listen", f"{CONTROLLER_ADDRESS}:{OPENFLOW_PORT}"),
        *("--ovsdb", "unix:{lab}/hosts/{name}/db.sock"),
    ]
    with err.status("building") as spinner:
        lab = Lab.up(
            network,
            text,
            name=name,
            controller=controller,
            base=base,
            prepare=lambda directory: _store(directory, network),
            progress=spinner.update,
        )
        try:
            spinner.update("waiting for the switches to confirm")
            with lab_store(lab) as store:
                _wait(store, network)
        except BaseException:
            lab.down()
            raise
    return lab


def _wait(store: "Store", network: "Network") -> None:
    """Wait until every switch has confirmed; ends the command when one does not."""
    if not wait_served(store, _CONFIRM_SECONDS):
        fail("the lab came up, but its controller does not start, so it is taken down again")
    if not wait_confirmed(store, 1, _CONFIRM_SECONDS):
        reasons = "; ".join(f"{host}: {reason}" for host, reason in unconfirmed(store, 1).items())
        fail(f"the lab came up, but not every host confirmed, so it is taken down again. {reasons}")
    ports = [name for name, port in network.ports.items() if port.host is not None or name in network.switch_ports]
    if not wait_plugged(store, ports, _CONFIRM_SECONDS):
        fail("the lab came up, but the controller does not see every port, so it is taken down again")


def _store(directory: Path, network: "Network") -> None:
    from controller.store import Store

    with Store(directory / "controller") as store:
        store.apply(network)
