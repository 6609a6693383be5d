"""Every table of the integration bridge on one page. Plain switches have the same, of which they need fewer.

A packet from an instance of a VPC: classify, port_security, then arp_proxy (ARP) or gateway, route_table and
subnet_route (only for other VPCs). Then out by a tunnel, or neigh_table and deliver when its receiver is on this host.
A packet of a VPC from a tunnel: classify, from_tunnel, tunnel_source, neigh_table, deliver. A frame from an instance of
a segment: classify (and, for a look only, known and learn_local), outbound, then unicast or flood. A frame of a segment
from a tunnel: classify, from_tunnel (known for a look only), learn, unicast, then flood when its receiver is not known.
A frame between switches (BPDU, LLDP, pause): link_local in place of unicast.

Numbers 0, 1, 2, 3, 10, 20 and 21 are those of the classic tunnel-bridge pipeline. A goto only leads to a higher
number.
"""

from functools import lru_cache

from flows.openflow.actions import Goto, Term
from flows.openflow.fields import (
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
    TUN_SRC,
    VLAN,
    VLAN_TCI,
)
from flows.openflow.flow import Flow, Shape
from flows.pipeline import registers
from flows.pipeline.registers import ADMITTED, NOTIFIED, OUT_PORT, PAYLOAD_TAG, PEERED, REMOTE, SUBNET, VPC
from flows.pipeline.rules import DeclarationError, Table
from flows.pipeline.stages import Stage
from flows.pipeline.templates import drop, goto, probe

CLASSIFY = Table(
    "classify",
    0,
    Stage.ADMISSION,
    "What kind of port did this packet come from?",
    reads=[IN_PORT, TUN_SRC, VLAN_TCI, VLAN, ETH_SRC, NOTIFIED],
    writes=[VPC, SUBNET, VLAN, ADMITTED, NOTIFIED],
    next=["classify", "port_security", "outbound", "from_tunnel", "learn_local", "known"],
    learns=["known"],
    miss=("from no port of the model, or with a VLAN tag that the port does not carry: dropped", drop()),
)
OUTBOUND = Table(
    "outbound",
    1,
    Stage.SWITCHING,
    "Is the frame for one station, or for a group?",
    reads=[ETH_DST, ETH_TYPE],
    writes=[],
    next=["unicast", "flood", "neither", "link_local"],
    miss=("for neither one station nor a group", (goto("neither"),)),
)
NEITHER = Table(
    "neither",
    2,
    Stage.SWITCHING,
    "Was a frame for neither one station nor a group?",
    reads=[],
    writes=[],
    next=[],
    miss=("neither unicast nor multicast: dropped", drop()),
)
FROM_TUNNEL = Table(
    "from_tunnel",
    3,
    Stage.ADMISSION,
    "Which VPC or segment does this tunnel key stand for?",
    reads=[TUN_ID, VLAN_TCI, VLAN, ETH_SRC, ETH_DST, ETH_TYPE],
    writes=[VPC, VLAN, ADMITTED, REMOTE, PAYLOAD_TAG],
    next=["tunnel_source", "learn", "known"],
    learns=["known"],
    miss=("tunnel key of nothing that is here, or a VLAN tag in a VPC: dropped", drop()),
    receives=True,
)
LEARN = Table(
    "learn",
    10,
    Stage.LEARNING,
    "Does the host that sent this frame have ports of its segment, and who is there?",
    reads=[VLAN, TUN_SRC, TUN_ID, IN_PORT, ETH_SRC, ETH_DST, ETH_TYPE, ADMITTED],
    writes=[],
    next=["unicast", "link_local"],
    learns=["unicast"],
    miss=("from a host that has no port of the segment: dropped", drop()),
    receives=True,
)
LEARN_LOCAL = Table(
    "learn_local",
    11,
    Stage.LEARNING,
    "Which port of this switch has the sender of this frame?",
    reads=[IN_PORT, VLAN, ETH_SRC, ADMITTED],
    writes=[],
    next=[],
    learns=["unicast"],
    miss=("the segment has learned as many addresses as it may, or there is no packet to learn from", drop()),
)
KNOWN = Table(
    "known",
    12,
    Stage.LEARNING,
    "Which addresses count towards the limit of their segment?",
    reads=[ETH_SRC],
    writes=[ADMITTED],
    next=[],
    miss=(
        "not known: new to its segment, or one too many",
        (probe(NEITHER.number, NEITHER.miss_rule.flow({}).cookie),),
    ),
)
LINK_LOCAL = Table(
    "link_local",
    13,
    Stage.SWITCHING,
    "May a frame that switches send to each other pass this switch?",
    reads=[IN_PORT, ETH_TYPE, ETH_DST],
    writes=[],
    next=["flood"],
    miss=("for a group that only switches listen to: ends at the link: dropped", drop()),
)
UNICAST = Table(
    "unicast",
    20,
    Stage.SWITCHING,
    "Where is the station that this frame is for?",
    reads=[IN_PORT, VLAN, ETH_DST, PAYLOAD_TAG],
    writes=[VLAN, TUN_ID, TUN_DST],
    next=["flood"],
    miss=("not known where it is", (goto("flood"),)),
)
FLOOD = Table(
    "flood",
    21,
    Stage.SWITCHING,
    "Who gets a copy of this frame?",
    reads=[IN_PORT, VLAN, ETH_SRC, REMOTE],
    writes=[VLAN, TUN_ID, TUN_DST],
    next=[],
    miss=("of a VLAN that nobody here has: dropped", drop()),
    floods=True,
)
PORT_SECURITY = Table(
    "port_security",
    30,
    Stage.ADMISSION,
    "Does the instance speak under its own MAC and IP address?",
    reads=[IN_PORT, ETH_TYPE, ETH_SRC, ETH_DST, IP_SRC, ARP_SPA, ARP_SHA],
    writes=[],
    next=["arp_proxy", "gateway"],
    miss=("from an instance, neither IPv4 nor ARP: dropped", drop()),
)
ARP_PROXY = Table(
    "arp_proxy",
    31,
    Stage.ADDRESS_RESOLUTION,
    "Does the instance ask for an address that it may talk to?",
    reads=[IN_PORT, VPC, SUBNET, ETH_TYPE, ETH_SRC, ARP_OP, ARP_SHA, ARP_SPA, ARP_TPA],
    writes=[ETH_SRC, ETH_DST, ARP_OP, ARP_SHA, ARP_THA, ARP_SPA, ARP_TPA],
    next=[],
    miss=("ARP for an address that nobody has, or no question: dropped", drop()),
)
GATEWAY = Table(
    "gateway",
    34,
    Stage.GATEWAY_SERVICES,
    "Is this for the gateway itself, and does it pass through it?",
    reads=[VPC, SUBNET, ETH_TYPE, ETH_SRC, IP_PROTO, IP_SRC, IP_DST, IP_TTL, IP_FRAG, ICMP_TYPE, ICMP_CODE],
    writes=[ETH_SRC, ETH_DST, IP_SRC, IP_DST, IP_TTL, ICMP_TYPE],
    next=[Stage.ROUTING],
    miss=("from no subnet of ours, or not IPv4: dropped", drop()),
)
ROUTE_TABLE = Table(
    "route_table",
    40,
    Stage.ROUTING,
    "Which host has this address of the VPC?",
    reads=[IN_PORT, VPC, PEERED, ETH_TYPE, IP_DST],
    writes=[TUN_ID, TUN_DST, OUT_PORT],
    next=["subnet_route", "neigh_table", "deliver"],
    miss=("no address of this VPC: maybe of a peer", (goto("subnet_route"),)),
)
SUBNET_ROUTE = Table(
    "subnet_route",
    42,
    Stage.ROUTING,
    "Does the sender's subnet have a route out of its VPC?",
    reads=[SUBNET, ETH_TYPE, IP_SRC, IP_DST],
    writes=[VPC, PEERED],
    next=["route_table"],
    miss=("the sender's subnet has no route to this address: dropped", drop()),
)
TUNNEL_SOURCE = Table(
    "tunnel_source",
    44,
    Stage.ADMISSION,
    "May this source speak under the tunnel key it came with?",
    reads=[VPC, ETH_TYPE, IP_SRC, IP_DST],
    writes=[],
    next=["neigh_table"],
    miss=("from a tunnel, with a source that neither the VPC nor a peer has: dropped", drop()),
    receives=True,
)
NEIGH_TABLE = Table(
    "neigh_table",
    50,
    Stage.DELIVERY,
    "Which MAC address and port has this address here?",
    reads=[VPC, ETH_TYPE, IP_DST],
    writes=[ETH_SRC, ETH_DST, OUT_PORT],
    next=["deliver"],
    miss=("for an address that is not plugged in on this host: dropped", drop()),
    receives=True,
)
DELIVER = Table(
    "deliver",
    60,
    Stage.DELIVERY,
    "Out of which port?",
    reads=[OUT_PORT],
    writes=[],
    next=[],
    miss=("no port was chosen: dropped", drop()),
    receives=True,
)

TABLES: tuple[Table, ...] = (
    CLASSIFY,
    OUTBOUND,
    NEITHER,
    FROM_TUNNEL,
    LEARN,
    LEARN_LOCAL,
    KNOWN,
    LINK_LOCAL,
    UNICAST,
    FLOOD,
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
_TARGETS = {str(table.stage): table.number for table in reversed(TABLES)} | NUMBERS
"""What rules may name as their next: a table, or a stage, which is its first table."""

LEARNED_TABLES = tuple(NUMBERS[name] for name in dict.fromkeys(name for table in TABLES for name in table.learns))
"""Tables in which the switch makes flows by itself: something changes there all the time."""


FLOODING_TABLES = frozenset(table.number for table in TABLES if table.floods)
_RECEIVING = frozenset(table.number for table in TABLES if table.receives)


def is_receiving(flow: Flow) -> bool:
    """Whether a flow only takes in what others send: it comes before the flows that send there, and goes after them."""
    return _is_receiving(flow.shape)


@lru_cache(maxsize=4096)
def _is_receiving(shape: Shape) -> bool:
    comes_by_tunnel = Goto(FROM_TUNNEL.number) in shape.actions or Term(REMOTE, 1) in shape.match
    return comes_by_tunnel or shape.table in _RECEIVING


def next_tables(table: Table) -> list[str]:
    """The names of the tables that a table's rules go to."""
    return [NAMES[_TARGETS[name]] for name in table.next]


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
            table.numbers = _TARGETS
            out = set_before[table.name] | {item.name for item in table.writes}
            for name in (*table.next, *table.learns):
                if name not in _TARGETS:
                    raise DeclarationError(f"{table.name} goes to {name}, which is no table, nor a stage that has one")
                set_before[NAMES[_TARGETS[name]]] |= out
    for table in TABLES:
        _ = table.miss_rule
        unset = {item.name for item in table.reads if item in registers.ALL.values()} - set_before[table.name]
        if unset:
            raise DeclarationError(f"{table.name} reads {unset}, which no table before it sets")


_check()
