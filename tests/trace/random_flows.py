"""Random flows of every kind of match and action, in combinations that no rule of ours has."""

from random import Random

from flows.openflow.actions import (
    Action,
    DecTtl,
    Goto,
    Move,
    Output,
    OutputController,
    OutputInPort,
    OutputRegister,
    PopVlan,
    PushVlan,
    Resubmit,
    SetBits,
    SetField,
    SetQueue,
    Term,
)
from flows.openflow.fields import (
    ARP_OP,
    ARP_SHA,
    ARP_SPA,
    ARP_THA,
    ARP_TPA,
    ETH_DST,
    ETH_MULTICAST,
    ETH_SRC,
    ETH_TYPE,
    ETH_TYPE_ARP,
    ETH_TYPE_IPV4,
    ICMP_CODE,
    ICMP_TYPE,
    IN_PORT,
    IP_DSCP,
    IP_DST,
    IP_FRAG,
    IP_PROTO,
    IP_SRC,
    IP_TTL,
    PROTO_ICMP,
    PROTO_TCP,
    PROTO_UDP,
    TCP_DST,
    TCP_FLAGS,
    TCP_SRC,
    TUN_ID,
    UDP_DST,
    UDP_SRC,
    VLAN,
    VLAN_PRESENT,
    VLAN_PRESENT_AND_ID,
    VLAN_TCI,
    Bits,
    Field,
)
from flows.openflow.flow import Flow, Shape
from flows.pipeline.registers import OUT_PORT, SUBNET, VPC

TABLES = range(6)
PORTS = (1, 2, 3)
_IP, _ARP = Term(ETH_TYPE, ETH_TYPE_IPV4), Term(ETH_TYPE, ETH_TYPE_ARP)
_TAGGED = Term(VLAN_TCI, VLAN_PRESENT, VLAN_PRESENT)
_ICMP, _TCP, _UDP = ((_IP, Term(IP_PROTO, proto)) for proto in (PROTO_ICMP, PROTO_TCP, PROTO_UDP))
_BASES: list[tuple[Term, ...]] = [(), (), (_IP,), (_IP,), _ICMP, _TCP, _UDP, (_ARP,)]
_OF_TAGGED: list[list[Action]] = [[SetField(VLAN, 101)], [PopVlan()], [SetField(VLAN, 0), PopVlan()], []]
_OF_OTHERS: list[list[Action]] = [[PushVlan()], [PushVlan(), SetField(VLAN, 2)], [PushVlan(), PopVlan()], []]
_IP_FIELDS, _ARP_FIELDS = [IP_SRC, IP_DST], [ARP_SPA, ARP_TPA]


def random_flows(random: Random) -> list[Flow]:
    """Flows of which no two of a table have one priority: which of two wins is never left open."""
    return [_flow(random, table, priority) for table in TABLES for priority in range(1, 12)]


def _flow(random: Random, table: int, priority: int) -> Flow:
    base = random.choice(_BASES)
    terms = [*base, *random.sample(_terms(random, base), random.choice([0, 1, 1, 2]))]
    match = tuple({term.field: term for term in terms}.values())
    if {VLAN, VLAN_TCI} <= {term.field for term in match}:
        match = tuple(term for term in match if term.field is not VLAN)
    actions = [random.choice(_actions(random, base, table)) for _ in range(random.choice([0, 1, 2, 3, 4]))]
    if any(term.field is VLAN or term == _TAGGED for term in match):  # OpenFlow lets no other flow change the tag
        actions = [*random.choice(_OF_TAGGED), *actions]
    else:
        actions += random.choice(_OF_OTHERS)
        actions += [random.choice(_actions(random, base, table)) for _ in range(random.choice([0, 2]))]
    if table + 1 in TABLES and random.random() < 0.7:
        actions.append(Goto(random.randint(table + 1, TABLES[-1])))
    return Flow(Shape(table, priority, match, tuple(actions)))


def _terms(random: Random, base: tuple[Term, ...]) -> list[Term]:
    terms = [
        Term(IN_PORT, random.choice(PORTS)),
        Term(VLAN, random.choice([0, 1, 2, 101])),
        Term(VLAN_TCI, 0, VLAN_PRESENT_AND_ID),
        _TAGGED,
        Term(ETH_DST, ETH_MULTICAST, ETH_MULTICAST),
        Term(ETH_SRC, 0, ETH_MULTICAST),
        Term(VPC, random.randint(0, 2)),
        Term(SUBNET, 0),
        Term(SUBNET, 0x200, 0xF00),
    ]
    if _IP in base:
        terms += [
            Term(IP_FRAG, 0),
            Term(IP_DSCP, random.choice([0, 10])),
            Term(IP_TTL, random.choice([0, 1, 64])),
            Term(IP_DST, 10 << 24, 0xFF << 24),
        ]
    if base == _TCP:
        terms += [Term(TCP_DST, 0x50, 0xFF), Term(TCP_SRC, 0), Term(TCP_FLAGS, 2, 0x12)]
    if base == _UDP:
        terms += [Term(UDP_DST, random.choice([0, 53])), Term(UDP_SRC, 0x8000, 0x8000)]
    if base == _ICMP:
        terms += [Term(ICMP_TYPE, random.choice([0, 8])), Term(ICMP_CODE, random.choice([0, 1]))]
    if _ARP in base:
        terms += [Term(ARP_OP, random.choice([0, 1, 2])), Term(ARP_SPA, 10 << 24, 0xFF << 24)]
    return terms


def _actions(random: Random, base: tuple[Term, ...], table: int) -> list[Action]:
    actions: list[Action] = [
        *(Output(port) for port in PORTS),
        OutputInPort(),
        OutputController(),
        OutputRegister(OUT_PORT),
        SetField(OUT_PORT, random.choice(PORTS)),
        SetField(VPC, random.randint(0, 2)),
        SetField(ETH_SRC, random.getrandbits(48)),
        SetField(TUN_ID, random.randint(0, 9)),
        Move(ETH_SRC, ETH_DST),
        Move(VPC, SUBNET),
        Move(Bits(VPC, 0, 4), Bits(SUBNET, 8, 4)),
        Move(Bits(ETH_SRC, 8, 16), Bits(VPC, 0, 16)),
        SetBits(Bits(OUT_PORT, 0, 1), random.randint(0, 1)),
        SetQueue(random.randint(0, 3)),
    ]
    if table + 1 in TABLES:
        actions += [Resubmit(random.randint(table + 1, TABLES[-1]))] * 2
    if _IP in base:
        actions += [
            SetField(IP_DSCP, random.choice([0, 46])),
            DecTtl(),
            DecTtl(),
            SetField(IP_TTL, random.choice([0, 1, 64])),
            *_pair(random, _IP_FIELDS),
        ]
    if base == _TCP:
        actions += [SetField(TCP_DST, random.choice([0, 81])), Move(TCP_SRC, TCP_DST)]
    if base == _UDP:
        actions += [SetField(UDP_SRC, 54), SetBits(Bits(UDP_DST, 4, 8), 5)]
    if base == _ICMP:
        actions += [SetField(ICMP_TYPE, 0), SetField(ICMP_CODE, 1)]
    if _ARP in base:
        actions += [SetField(ARP_OP, 2), Move(ARP_SHA, ARP_THA), *_pair(random, _ARP_FIELDS)]
    return actions


def _pair(random: Random, two: list[Field]) -> list[Action]:
    return [Move(*two), SetField(two[0], random.getrandbits(32))]
