"""Every table of the integration bridge on one page. Plain switches have the same, of which they need fewer.

A packet from an instance of a VPC: classify, port_security, then arp_proxy (ARP) or gateway, route_table and
subnet_route (only for other VPCs). Then out by a tunnel, or neigh_table and deliver when its receiver is on this host.
A packet of a VPC from a tunnel: classify, from_tunnel, tunnel_source, neigh_table, deliver. A frame from an instance of
a segment: classify (and, for a look only, known and learn_local), outbound, then unicast or flood. A frame of a segment
from a tunnel: classify, from_tunnel (known for a look only), learn, unicast, then flood when its receiver is not known.
Ports with security groups: what they send passes sender_track, sender_rules and sender_verdict before route_table. What
they get passes receiver_track, receiver_rules and receiver_verdict after neigh_table. Both look up own_groups and, from
there, rule_service to rule_range.
A frame between switches (BPDU, LLDP, pause): link_local in place of unicast.

Numbers 0, 1, 2, 3, 10, 20 and 21 are those of the classic tunnel-bridge pipeline. A goto only leads to a higher
number.
"""

from functools import lru_cache

from flows.openflow.actions import Goto, SetBits, Term
from flows.openflow.fields import (
    ARP_OP,
    ARP_SHA,
    ARP_SPA,
    ARP_THA,
    ARP_TPA,
    CT_IP_DST,
    CT_IP_PROTO,
    CT_IP_SRC,
    CT_LABEL,
    CT_MARK,
    CT_STATE,
    CT_TP_DST,
    CT_TP_SRC,
    CT_ZONE,
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
    TCP_DST,
    TUN_DST,
    TUN_ID,
    TUN_SRC,
    UDP_DST,
    VLAN,
    VLAN_TCI,
)
from flows.openflow.flow import Flow, Shape
from flows.pipeline import registers
from flows.pipeline.registers import (
    ADMITTED,
    ASKED,
    CONNECTION,
    GROUP,
    HAS_GROUPS,
    KEPT,
    MEMBER_OF,
    NOTIFIED,
    OUT_PORT,
    PAYLOAD_TAG,
    PEERED,
    REMOTE,
    REMOTES,
    SUBNET,
    VPC,
)
from flows.pipeline.rules import DeclarationError, Table
from flows.pipeline.stages import Stage
from flows.pipeline.templates import drop, goto, probe, put

_TRACKED = (CT_STATE, CT_ZONE, CT_MARK, CT_LABEL)
"""What connection tracking says of a packet."""
_JUDGED = (ASKED, GROUP, CONNECTION, MEMBER_OF, KEPT)
"""What only matters while security groups are asked."""

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
    writes=[CONNECTION],
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
    reads=[IN_PORT, VPC, SUBNET, ETH_TYPE, ETH_SRC, IP_PROTO, IP_SRC, IP_DST, IP_TTL, IP_FRAG, ICMP_TYPE, ICMP_CODE],
    writes=[ETH_SRC, ETH_DST, IP_SRC, IP_DST, IP_TTL, ICMP_TYPE],
    next=[Stage.POLICY, Stage.ROUTING],
    miss=("from no subnet of ours, or not IPv4: dropped", drop()),
)
SENDER_TRACK = Table(
    "sender_track",
    36,
    Stage.POLICY,
    "Does the sender have security groups?",
    reads=[CONNECTION, ETH_TYPE, IN_PORT],
    writes=[ASKED, *_TRACKED],
    next=["sender_rules", Stage.ROUTING],
    miss=("from a port without security groups", (goto(Stage.ROUTING),)),
    receives=True,
    always=False,
)
SENDER_RULES = Table(
    "sender_rules",
    37,
    Stage.POLICY,
    "Who opened the connection that the sender speaks in?",
    reads=[ETH_TYPE, IP_PROTO, IP_SRC, CT_STATE, CT_IP_SRC],
    writes=[*_JUDGED, IP_SRC],
    next=["own_groups", "sender_verdict", Stage.ROUTING],
    miss=("from a port with security groups, not tracked: dropped", drop()),
    receives=True,
    always=False,
)
SENDER_VERDICT = Table(
    "sender_verdict",
    38,
    Stage.POLICY,
    "Do the sender's security groups allow the connection?",
    reads=[CONNECTION, CT_STATE, CT_MARK],
    writes=[*_JUDGED],
    next=["commit", Stage.ROUTING, "refused"],
    miss=("no group of the sender allows it", (goto("refused"),)),
    receives=True,
    always=False,
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
    writes=[ETH_SRC, ETH_DST, OUT_PORT, SUBNET],
    next=["receiver_track", "deliver"],
    miss=("for an address that is not plugged in on this host: dropped", drop()),
    receives=True,
)
RECEIVER_TRACK = Table(
    "receiver_track",
    52,
    Stage.POLICY,
    "Which connection of the receiver does this packet belong to?",
    reads=[ETH_TYPE, OUT_PORT],
    writes=[ASKED, *_TRACKED],
    next=["receiver_rules"],
    miss=("for a port with security groups, not IPv4: dropped", drop()),
    receives=True,
    always=False,
)
RECEIVER_RULES = Table(
    "receiver_rules",
    53,
    Stage.POLICY,
    "Who opened the connection that the receiver is spoken to in?",
    reads=[ETH_TYPE, IP_PROTO, IP_DST, CT_STATE, CT_IP_DST],
    writes=[*_JUDGED, IP_DST],
    next=["own_groups", "receiver_verdict", "deliver"],
    miss=("for a port with security groups, not tracked: dropped", drop()),
    receives=True,
    always=False,
)
RECEIVER_VERDICT = Table(
    "receiver_verdict",
    54,
    Stage.POLICY,
    "Do the receiver's security groups allow the connection?",
    reads=[CONNECTION, CT_STATE, CT_MARK],
    writes=[*_JUDGED],
    next=["commit", "deliver", "refused"],
    miss=("no group of the receiver allows it", (goto("refused"),)),
    receives=True,
    always=False,
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
OWN_GROUPS = Table(
    "own_groups",
    70,
    Stage.POLICY,
    "Which security groups does the port have?",
    reads=[ASKED],
    writes=[GROUP],
    next=["rule_service"],
    miss=("a port without security groups: nothing is allowed", (put(GROUP, 0),)),
    receives=True,
    always=False,
)
RULE_SERVICE = Table(
    "rule_service",
    71,
    Stage.POLICY,
    "Whom does the group admit for the service that the packet is for?",
    reads=[GROUP, CONNECTION, CT_STATE, ETH_TYPE, IP_PROTO, IP_FRAG, TCP_DST, UDP_DST, ICMP_TYPE, ICMP_CODE],
    writes=[CONNECTION],
    next=["rule_connection", "rule_remotes"],
    miss=("the group admits nobody for it", (put(REMOTES, 0),)),
    receives=True,
    always=False,
)
RULE_CONNECTION = Table(
    "rule_connection",
    72,
    Stage.POLICY,
    "Whom does the group admit for the service that the connection is for?",
    reads=[GROUP, CONNECTION, CT_STATE, ETH_TYPE, IP_FRAG, CT_IP_PROTO, CT_TP_SRC, CT_TP_DST],
    writes=[CONNECTION],
    next=["rule_remotes"],
    miss=("the group admits nobody for it", (put(REMOTES, 0),)),
    receives=True,
    always=False,
)
RULE_REMOTES = Table(
    "rule_remotes",
    73,
    Stage.POLICY,
    "Who are these: anybody, members of groups, addresses of ranges?",
    reads=[GROUP, CONNECTION],
    writes=[CONNECTION],
    next=["rule_member", "rule_range"],
    miss=("nobody", (put(REMOTES, 0),)),
    receives=True,
    always=False,
)
RULE_MEMBER = Table(
    "rule_member",
    74,
    Stage.POLICY,
    "Which groups is the other end of the connection a member of?",
    reads=[VPC, SUBNET, CONNECTION, ETH_TYPE, IP_SRC, IP_DST],
    writes=[MEMBER_OF],
    next=["rule_admits"],
    miss=("of none that a rule names", (put(MEMBER_OF, 0),)),
    receives=True,
    always=False,
)
RULE_ADMITS = Table(
    "rule_admits",
    75,
    Stage.POLICY,
    "Does the rule admit members of that group?",
    reads=[GROUP, CONNECTION, MEMBER_OF],
    writes=[CONNECTION, MEMBER_OF],
    next=[],
    miss=("it does not", (put(MEMBER_OF, 0),)),
    receives=True,
    always=False,
)
RULE_RANGE = Table(
    "rule_range",
    76,
    Stage.POLICY,
    "Does the rule admit the address of the other end of the connection?",
    reads=[GROUP, CONNECTION, ETH_TYPE, IP_SRC, IP_DST],
    writes=[CONNECTION, MEMBER_OF],
    next=[],
    miss=("it does not", (put(MEMBER_OF, 0),)),
    receives=True,
    always=False,
)
COMMIT = Table(
    "commit",
    77,
    Stage.POLICY,
    "May the port have one more connection?",
    reads=[ASKED, ETH_TYPE],
    writes=[*_TRACKED, KEPT],
    next=[],
    miss=("of no port with security groups: dropped", drop()),
    receives=True,
    always=False,
)
REFUSED = Table(
    "refused",
    78,
    Stage.POLICY,
    "Whose security groups refuse the connection?",
    reads=[ASKED, CONNECTION],
    writes=[],
    next=[],
    miss=("refused for a port that is not here any more: dropped", drop()),
    receives=True,
    always=False,
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
    SENDER_TRACK,
    SENDER_RULES,
    SENDER_VERDICT,
    ROUTE_TABLE,
    SUBNET_ROUTE,
    TUNNEL_SOURCE,
    NEIGH_TABLE,
    RECEIVER_TRACK,
    RECEIVER_RULES,
    RECEIVER_VERDICT,
    DELIVER,
    OWN_GROUPS,
    RULE_SERVICE,
    RULE_CONNECTION,
    RULE_REMOTES,
    RULE_MEMBER,
    RULE_ADMITS,
    RULE_RANGE,
    COMMIT,
    REFUSED,
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
    # What a port with security groups sends is tracked from the same moment as what it gets. With one of both alone
    # connection tracking would take its answers, or those that it gets, for new connections.
    is_tracked = SetBits(HAS_GROUPS, 1) in shape.actions or Goto(SENDER_TRACK.number) in shape.actions
    return comes_by_tunnel or is_tracked or shape.table in _RECEIVING


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
