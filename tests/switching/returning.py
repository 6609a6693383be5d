"""A feature of tests, whose flows refer to a meter and a group: what each port sends from one address comes back to it.

The last byte of the port's IP address says how much of it may, and what address it comes back with. ``python -m`` runs
the real ``ovs-vpc`` with it.
"""

from collections.abc import Iterator
from itertools import chain
from typing import Any

from flows.openflow.actions import OutputInPort, SetField
from flows.openflow.fields import ETH_DST, ETH_SRC, IN_PORT
from flows.openflow.groups_and_meters import Bucket, GroupEntry, MeterEntry
from flows.pipeline import priorities
from flows.pipeline.numbers import Numbers
from flows.pipeline.page import CLASSIFY
from flows.pipeline.rules import Application
from flows.pipeline.tables import classify
from flows.pipeline.templates import P, eq, group, meter
from flows.units.addresses import LocalPort

SENDER = "02:00:00:00:77:01"
LIMITS = Numbers(0xFE, "limits what comes back to a port", "the port's OpenFlow number")
BACK = Numbers(0xFE, "sends back to a port", "the port's OpenFlow number")
REFUSED = 250
"""A port whose address ends so wants a meter with a number that OpenFlow does not allow."""


def limit(ofport: int, last: int) -> MeterEntry:
    """The meter of a port, by the last byte of its IP address."""
    number = 0xFFFFFFF0 if last == REFUSED else LIMITS.of(ofport)
    return MeterEntry(number, "packets", 100 * last, 100 * last)


def back(ofport: int, last: int) -> GroupEntry:
    """The group of a port."""
    return GroupEntry(BACK.of(ofport), "all", (Bucket((SetField(ETH_DST, last), OutputInPort())),))


def register() -> None:
    """Make the feature a part of the pipeline. Comes before anything is compiled."""
    rule = CLASSIFY.rule(
        "from {port}'s test: at most {limit}, and back by {back}",
        match=[eq(IN_PORT, P.port), eq(ETH_SRC, SENDER)],
        do=[meter(P.limit), group(P.back)],
        priority=priorities.GUARD,
    )
    units: dict[type, Any] = classify.UNITS
    for_port = units[LocalPort]

    def with_limit(port: LocalPort) -> Iterator[Application]:
        ofport, last = int(port.ofport), int(port.ips[0]) & 0xFF
        yield rule(port.why, port=port.ofport, limit=limit(ofport, last), back=back(ofport, last))

    units[LocalPort] = lambda port: chain(for_port(port), with_limit(port))


if __name__ == "__main__":
    register()
    from controller.cli import main

    main()
