"""``ovs-vpc controller``: run the controller."""

import logging
from pathlib import Path
from typing import Annotated

import typer

from controller.cli.common.output import fail
from controller.cli.common.state import DEFAULT_STATE
from controller.unused_modules import leave_out
from flows.model.contract import OPENFLOW_PORT, OVSDB_PORT

METRICS_PORT = 9476


def controller(
    state: Annotated[
        Path, typer.Option(envvar="OVS_VPC_STATE", help="Directory for the model and its state.")
    ] = DEFAULT_STATE,
    listen: Annotated[
        str, typer.Option(help="Address and port to accept switches on; the switches connect to it.")
    ] = f"127.0.0.1:{OPENFLOW_PORT}",
    ovsdb: Annotated[
        str,
        typer.Option(help="How to reach a host's database; {name} and {ip} stand for the host's name and address."),
    ] = f"tcp:{{ip}}:{OVSDB_PORT}",
    metrics: Annotated[int, typer.Option(help="Port on 127.0.0.1 where Prometheus can read metrics.")] = METRICS_PORT,
) -> None:
    """Run the controller in the foreground.

    It keeps the switches of all hosts as the model wants them. When it ends, the switches keep their flows; when it
    starts again, it takes them over without a gap. Give it a model with 'ovs-vpc apply'.
    """
    address, _, port = listen.rpartition(":")
    if not address or not port.isdigit():
        fail(f"--listen wants ADDRESS:PORT, like 192.0.2.1:{OPENFLOW_PORT}, not '{listen}'")
    if address == "0.0.0.0":
        fail("--listen wants an address that the hosts can connect to, not 0.0.0.0")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s")
    for noisy in ("os_ken", "ofp_event", "ovs"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    leave_out()
    # Only here: os-ken is slow to load and no other verb needs it.
    from controller.app import run

    try:
        run(state, address=address, port=int(port), metrics_port=metrics, ovsdb_target=ovsdb)
    except BlockingIOError:
        fail(f"a controller already runs on {state}")
    except OSError as error:
        fail(f"cannot listen on {listen}, or on port {metrics} of 127.0.0.1 for metrics: {error.strerror}")
