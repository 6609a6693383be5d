"""Every table of the integration bridge on one page.

A packet from an instance: classify, port_security, then arp_proxy (ARP) or gateway, route_table, subnet_route
(only for other VPCs), then out by a tunnel, or neigh_table when its receiver is on this host, deliver.
A packet from a tunnel: classify, from_tunnel, tunnel_source, neigh_table, deliver.

Numbers 0 and 3 are those of the classic tunnel-bridge pipeline, whose 1, 2, 10, 20 and 21 are kept for switched
segments. A goto only leads to a higher number.
"""

from flows import registers
from flows.fields import (
    ARP_OP,
    ARP_SHA,
    ARP_SPA,
    ARP_THA,
    ARP_TPA,
    ETH_DST,
    ETH_SRC,
    ETH_TYPE,
    ICMP_CODE,
    ICMP_TYPE,
    IN_PORT,
    IP_DST,
    IP_FRAG,
    IP_PROTO,
    IP_SRC,
    IP_TTL,
    TUN_DST,
    TUN_ID,
    UNTAGGED,
)
from flows.openflow import Flow, Goto
from flows.registers import OUT_PORT, PEERED, SUBNET, VPC
from flows.rules import DeclarationError, Table
from flows.templates import drop, goto

CLASSIFY = Table(
    "classify",
    0,
    "What kind of port did this packet come from?",
    reads=[IN_PORT, UNTAGGED],
    writes=[VPC, SUBNET],
    next=["port_security", "from_tunnel"],
    miss=("from no port of the model, or with a VLAN tag: dropped", drop()),
)
FROM_TUNNEL = Table(
    "from_tunnel",
    3,
    "Which VPC does this tunnel key stand for?",
    reads=[TUN_ID, ETH_DST, ETH_TYPE],
    writes=[VPC],
    next=["tunnel_source"],
    miss=("tunnel key of a VPC that is not here: dropped", drop()),
)
PORT_SECURITY = Table(
    "port_security",
    30,
    "Does the instance speak under its own MAC and IP address?",
    reads=[IN_PORT, ETH_TYPE, ETH_SRC, ETH_DST, IP_SRC, ARP_SPA, ARP_SHA],
    writes=[],
    next=["arp_proxy", "gateway"],
    miss=("from an instance, neither IPv4 nor ARP: dropped", drop()),
)
ARP_PROXY = Table(
    "arp_proxy",
    31,
    "Does the instance ask for an address that it may talk to?",
    reads=[IN_PORT, VPC, SUBNET, ETH_TYPE, ETH_SRC, ARP_OP, ARP_SHA, ARP_SPA, ARP_TPA],
    writes=[ETH_SRC, ETH_DST, ARP_OP, ARP_SHA, ARP_THA, ARP_SPA, ARP_TPA],
    next=[],
    miss=("ARP for an address that nobody has, or no question: dropped", drop()),
)
GATEWAY = Table(
    "gateway",
    34,
    "Is this for the gateway itself, and does it pass through it?",
    reads=[VPC, SUBNET, ETH_TYPE, ETH_SRC, IP_PROTO, IP_SRC, IP_DST, IP_TTL, IP_FRAG, ICMP_TYPE, ICMP_CODE],
    writes=[ETH_SRC, ETH_DST, IP_SRC, IP_DST, IP_TTL, ICMP_TYPE],
    next=["route_table"],
    miss=("from no subnet of ours, or not IPv4: dropped", drop()),
)
ROUTE_TABLE = Table(
    "route_table",
    40,
    "Which host has this address of the VPC?",
    reads=[VPC, PEERED, ETH_TYPE, IP_DST],
    writes=[TUN_ID, TUN_DST, OUT_PORT],
    next=["subnet_route", "neigh_table", "deliver"],
    miss=("no address of this VPC: maybe of a peer", (goto("subnet_route"),)),
)
SUBNET_ROUTE = Table(
    "subnet_route",
    42,
    "Does the sender's subnet have a route out of its VPC?",
    reads=[SUBNET, ETH_TYPE, IP_SRC, IP_DST],
    writes=[VPC, PEERED],
    next=["route_table"],
    miss=("the sender's subnet has no route to this address: dropped", drop()),
)
TUNNEL_SOURCE = Table(
    "tunnel_source",
    44,
    "May this source speak under the tunnel key it came with?",
    reads=[VPC, ETH_TYPE, IP_SRC, IP_DST],
    writes=[],
    next=["neigh_table"],
    miss=("from a tunnel, with a source that neither the VPC nor a peer has: dropped", drop()),
)
NEIGH_TABLE = Table(
    "neigh_table",
    50,
    "Which MAC address and port has this address here?",
    reads=[VPC, ETH_TYPE, IP_DST],
    writes=[ETH_SRC, ETH_DST, OUT_PORT],
    next=["deliver"],
    miss=("for an address that is not plugged in on this host: dropped", drop()),
)
DELIVER = Table(
    "deliver",
    60,
    "Out of which port?",
    reads=[OUT_PORT],
    writes=[],
    next=[],
    miss=("no port was chosen: dropped", drop()),
)

TABLES: tuple[Table, ...] = (
    CLASSIFY,
    FROM_TUNNEL,
    PORT_SECURITY,
    ARP_PROXY,
    GATEWAY,
    ROUTE_TABLE,
    SUBNET_ROUTE,
    TUNNEL_SOURCE,
    NEIGH_TABLE,
    DELIVER,
)
"""In the order of their numbers."""

NUMBERS = {table.name: table.number for table in TABLES}
NAMES = {table.number: table.name for table in TABLES}


_RECEIVING = {FROM_TUNNEL.number, TUNNEL_SOURCE.number, NEIGH_TABLE.number, DELIVER.number}


def is_receiving(flow: Flow) -> bool:
    """Whether a flow only takes in what others send: it comes before the flows that send there, and goes after them."""
    return flow.table in _RECEIVING or Goto(FROM_TUNNEL.number) in flow.actions


def table_name(number: int) -> str:
    """The name of a table; its number where it has none."""
    return NAMES.get(number, str(number))


def _check() -> None:
    """Numbers are unique and ascending, jumps lead to tables that exist, every register read was set before."""
    if [table.number for table in TABLES] != sorted(set(NAMES)):
        raise DeclarationError("table numbers must be unique and ascending")
    set_before: dict[str, set[str]] = {table.name: set() for table in TABLES}
    for _ in TABLES:  # as often as the longest way through the tables
        for table in TABLES:
            table.numbers = NUMBERS
            out = set_before[table.name] | {item.name for item in table.writes}
            for name in table.next:
                if name not in NUMBERS:
                    raise DeclarationError(f"{table.name} goes to {name}, which is no table")
                set_before[name] |= out
    for table in TABLES:
        _ = table.miss_rule
        unset = {item.name for item in table.reads if item in registers.ALL.values()} - set_before[table.name]
        if unset:
            raise DeclarationError(f"{table.name} reads {unset}, which no table before it sets")


_check()
