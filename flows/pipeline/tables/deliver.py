"""Out of which port?

A packet that may go out comes here. Its port is chosen: an instance's, or the tunnel's with destination and key set.
"""

from collections.abc import Iterator

from flows.openflow.actions import OutputRegister
from flows.pipeline.page import DELIVER
from flows.pipeline.registers import OUT_PORT
from flows.pipeline.rules import Application
from flows.pipeline.templates import P, eq
from flows.units.addresses import LocalPort
from flows.units.tunnels import TunnelPort

OUT = DELIVER.rule(
    "out by {port}",
    match=[eq(OUT_PORT, P.port)],
    do=[OutputRegister(OUT_PORT)],
)


def for_port(port: LocalPort) -> Iterator[Application]:
    yield OUT(port.why, port=port.ofport)


def for_tunnel(tunnel: TunnelPort) -> Iterator[Application]:
    yield OUT(tunnel.why, port=tunnel.ofport)


UNITS = {LocalPort: for_port, TunnelPort: for_tunnel}
