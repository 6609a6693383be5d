"""Which MAC address and port has this address here?

Packets for an instance on this host come here, from this host or another. The instance sees the gateway's MAC as the
sender, as it does for all others. A packet for an address that is not plugged in here is dropped, and counted.
What is for a port with security groups goes on to receiver_track, before it is delivered.
"""

from collections.abc import Iterator

from flows.model import GATEWAY_MAC
from flows.openflow.fields import ETH_DST, ETH_SRC, ETH_TYPE, ETH_TYPE_IPV4, IP_DST
from flows.pipeline.page import NEIGH_TABLE
from flows.pipeline.registers import OUT_PORT, SUBNET, VPC
from flows.pipeline.rules import Application
from flows.pipeline.templates import P, Value, eq, goto, put
from flows.units.addresses import LocalPort

PLUGGED = NEIGH_TABLE.rule(
    "{ip} of {vpc} is {port}, with MAC {mac}",
    match=[eq(VPC, P.vpc), eq(ETH_TYPE, ETH_TYPE_IPV4), eq(IP_DST, P.ip)],
    do=[put(ETH_SRC, GATEWAY_MAC), put(ETH_DST, P.mac), put(OUT_PORT, P.port), goto("deliver")],
)
PLUGGED_GROUPS = NEIGH_TABLE.rule(
    "{ip} of {vpc} is {port} in {subnet}, with MAC {mac} and security groups",
    match=[eq(VPC, P.vpc), eq(ETH_TYPE, ETH_TYPE_IPV4), eq(IP_DST, P.ip)],
    do=[
        *(put(ETH_SRC, GATEWAY_MAC), put(ETH_DST, P.mac), put(OUT_PORT, P.port)),
        put(SUBNET, P.subnet),
        goto("receiver_track"),
    ],
)


def for_port(port: LocalPort) -> Iterator[Application]:
    for ip in port.ips:
        given: dict[str, Value] = {"vpc": port.vpc, "ip": ip, "port": port.ofport, "mac": port.mac}
        if port.has_groups:
            yield PLUGGED_GROUPS(port.why, subnet=port.subnet, **given)
        else:
            yield PLUGGED(port.why, **given)


UNITS = {LocalPort: for_port}
