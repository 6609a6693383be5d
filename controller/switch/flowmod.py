"""One flow as os-ken makes it: the authority for the wire format, some 150 microseconds for each."""

from collections.abc import Iterable
from typing import Any

from os_ken.ofproto import ofproto_protocol
from os_ken.ofproto import ofproto_v1_4 as ofp
from os_ken.ofproto import ofproto_v1_4_parser as parser

from controller.switch.learn import encode_learn
from flows.fields import (
    ARP_OP,
    ARP_SHA,
    ARP_SPA,
    ARP_THA,
    ARP_TPA,
    ETH_DST,
    ETH_SRC,
    ETH_TYPE,
    ETH_TYPE_VLAN,
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
    VLAN_PRESENT_AND_ID,
    VLAN_TCI,
    Field,
    show,
)
from flows.learning import Learn
from flows.openflow import (
    CONTROLLER_BYTES,
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
    SetField,
    Term,
)

PROTOCOL = ofproto_protocol.ProtocolDesc(version=ofp.OFP_VERSION)

_FIRST = (IN_PORT, ETH_SRC, ETH_DST, VLAN, VLAN_TCI, ETH_TYPE, IP_SRC, IP_DST, IP_FRAG, IP_TTL, IP_PROTO, ICMP_TYPE)
_ORDER = (*_FIRST, ICMP_CODE, ARP_OP, ARP_SPA, ARP_TPA, ARP_SHA, ARP_THA, TUN_ID, TUN_SRC, TUN_DST)
_PLACES = {field.name: place for place, field in enumerate(_ORDER)}
"""In which order Open vSwitch 3.1 reports the fields of a match; registers come last, by their numbers."""


def add(table: int, priority: int, cookie: int, match: Iterable[Term], actions: Iterable[Action]) -> Any:
    """The message that adds a flow."""
    return parser.OFPFlowMod(
        PROTOCOL,
        cookie=cookie,
        table_id=table,
        command=ofp.OFPFC_ADD,
        priority=priority,
        match=_match(match),
        instructions=_instructions(actions),
    )


def delete(cookie: int) -> Any:
    """The message that deletes every flow with a cookie."""
    return parser.OFPFlowMod(
        PROTOCOL,
        cookie=cookie,
        cookie_mask=2**64 - 1,
        table_id=ofp.OFPTT_ALL,
        command=ofp.OFPFC_DELETE,
        out_port=ofp.OFPP_ANY,
        out_group=ofp.OFPG_ANY,
    )


def _match(terms: Iterable[Term]) -> Any:
    """The match in the switch's order, in which prerequisites come first: os-ken's own would put some of them last."""
    terms = (term for term in terms if term.mask != 0)  # those that match everything are not reported
    in_order = sorted(terms, key=lambda term: (_PLACES.get(term.field.name, len(_PLACES)), term.field.name))
    return parser.OFPMatch(_ordered_fields=[_oxm(term) for term in in_order])


def _oxm(term: Term) -> tuple[str, Any]:
    """A term as os-ken wants it: a name, and a value for people, or a value with its mask."""
    name = term.field.wire_name
    if term.field is VLAN:
        return name, ofp.OFPVID_PRESENT | term.value
    if term.field is VLAN_TCI and term.mask == VLAN_PRESENT_AND_ID:
        return name, term.value  # OpenFlow has no mask for "no tag": the value OFPVID_NONE says it
    value = _user(term.field, term.value)
    return name, value if term.mask is None else (value, _user(term.field, term.mask))


def _user(field: Field, value: int) -> Any:
    """A value as os-ken wants it: addresses as text."""
    return show(field, value) if field.kind in ("ipv4", "mac") else value


_NAMES = {kind.name for kind in ofp.oxm_types}


def _moved(field: Field) -> str:
    """A field in a move, by the number that Open vSwitch reports: its older one, where it has two."""
    older = f"{field.wire_name}_nxm"
    return older if older in _NAMES else field.wire_name


def set_field(action: SetField) -> Any:
    """The action that gives a field a value."""
    if action.field is VLAN:
        return parser.OFPActionSetField(vlan_vid=ofp.OFPVID_PRESENT | action.value)
    return parser.OFPActionSetField(**{action.field.wire_name: _user(action.field, action.value)})


def _instructions(actions: Iterable[Action]) -> list[Any]:
    applied: list[Any] = []
    gotos: list[Any] = []
    for action in actions:
        match action:
            case Goto(table):
                gotos.append(parser.OFPInstructionGotoTable(table))
            case _:
                applied.append(_action(action))
    apply = [parser.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, applied)] if applied else []
    return apply + gotos


def _action(action: Action) -> Any:
    match action:
        case SetField():
            return set_field(action)
        case Move(source, target):
            return parser.NXActionRegMove(
                src_field=_moved(source), dst_field=_moved(target), n_bits=source.bits, src_ofs=0, dst_ofs=0
            )
        case DecTtl():
            return parser.OFPActionDecNwTtl()
        case PushVlan():
            return parser.OFPActionPushVlan(ETH_TYPE_VLAN)
        case PopVlan():
            return parser.OFPActionPopVlan()
        case Learn():
            return encode_learn(action)
        case Resubmit(table):
            return parser.NXActionResubmitTable(in_port=ofp.OFPP_IN_PORT & 0xFFFF, table_id=table)
        case _:
            return _output(action)


def _output(action: Action) -> Any:
    match action:
        case Output(port):
            return parser.OFPActionOutput(port, 0)
        case OutputRegister(register):
            return parser.NXActionOutputReg(ofs_nbits=register.bits - 1, src=register.name, max_len=0)
        case OutputInPort():
            return parser.OFPActionOutput(ofp.OFPP_IN_PORT, 0)
        case OutputController():
            return parser.OFPActionOutput(ofp.OFPP_CONTROLLER, CONTROLLER_BYTES)
        case _:
            raise TypeError(f"{action} is no action that can be applied")
