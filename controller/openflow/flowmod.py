"""One flow as os-ken makes it: the authority for the wire format, some 150 microseconds for each."""

from collections.abc import Iterable, Sequence
from typing import Any

from os_ken.ofproto import ofproto_protocol
from os_ken.ofproto import ofproto_v1_4 as ofp
from os_ken.ofproto import ofproto_v1_4_parser as parser

from controller.openflow.actions import encoded
from controller.openflow.fields import as_user
from flows.openflow.actions import Action, Goto, Meter, Term
from flows.openflow.fields import CT_STATE, DECLARED, VLAN, VLAN_PRESENT_AND_ID, VLAN_TCI, Field

PROTOCOL = ofproto_protocol.ProtocolDesc(version=ofp.OFP_VERSION)

_PLACES = {field: place for place, field in enumerate(DECLARED)}
_AFTER_REGISTERS = 16
_REGISTERS = _PLACES[CT_STATE]
"""Before which of them registers are reported."""


def add(table: int, priority: int, cookie: int, match: Iterable[Term], actions: Sequence[Action]) -> Any:
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
    in_order = sorted(terms, key=lambda term: _place(term.field))
    return parser.OFPMatch(_ordered_fields=[_oxm(term) for term in in_order])


def _place(field: Field) -> tuple[int, int]:
    """Where Open vSwitch reports a field; registers by their numbers."""
    place = _PLACES.get(field)
    return (_REGISTERS, int(field.name.removeprefix("reg"))) if place is None else (place, _AFTER_REGISTERS)


def _oxm(term: Term) -> tuple[str, Any]:
    """A term as os-ken wants it: a name, and a value for people, or a value with its mask."""
    name = term.field.wire_name
    if term.field is VLAN:
        return name, ofp.OFPVID_PRESENT | term.value
    if term.field is VLAN_TCI and term.mask == VLAN_PRESENT_AND_ID:
        return name, term.value  # OpenFlow has no mask for "no tag": the value OFPVID_NONE says it
    value = as_user(term.field, term.value)
    return name, value if term.mask is None else (value, as_user(term.field, term.mask))


def _instructions(actions: Sequence[Action]) -> list[Any]:
    applied = [encoded(action) for action in actions if not isinstance(action, Goto | Meter)]
    meters = [parser.OFPInstructionMeter(action.meter) for action in actions if isinstance(action, Meter)]
    gotos = [parser.OFPInstructionGotoTable(action.table) for action in actions if isinstance(action, Goto)]
    apply = [parser.OFPInstructionActions(ofp.OFPIT_APPLY_ACTIONS, applied)] if applied else []
    return meters + apply + gotos
