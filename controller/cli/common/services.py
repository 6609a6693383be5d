"""Options that say what a connection is for: ``--tcp``, ``--udp`` and ``--icmp``."""

from typing import TYPE_CHECKING, Annotated

import typer

from controller.cli.common.output import fail

if TYPE_CHECKING:
    from flows.simulate.traffic import Traffic

_LARGEST_PORT = 65535

TcpOption = Annotated[
    int | None, typer.Option(min=1, max=_LARGEST_PORT, help="The first packet of a TCP connection to this port.")
]
UdpOption = Annotated[int | None, typer.Option(min=1, max=_LARGEST_PORT, help="A UDP packet to this port.")]
PingOption = Annotated[bool, typer.Option("--icmp", help="A ping. This is the default.")]


def traffic_of(tcp: int | None, udp: int | None, icmp: bool) -> "Traffic":
    """What the options say. Ends the command when they say several things."""
    from flows.simulate.traffic import Traffic

    if (tcp is not None) + (udp is not None) + icmp > 1:
        fail("a packet is of one kind: use one of --tcp, --udp and --icmp")
    if tcp is not None:
        return Traffic("tcp", tcp)
    return Traffic("udp", udp) if udp is not None else Traffic("icmp")
