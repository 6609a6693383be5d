"""Is a flow in a switch still as it was sent?

A cookie says which flow it is, but somebody may have changed the flow under it. So the bytes are compared: those
that os-ken would send with those that the switch reports. Open vSwitch gives the fields of a match in an order of its
own, so they are compared as a set. Fields are put together here from os-ken's headers, and equal actions are encoded
by os-ken once: this is some seven times as fast as having os-ken encode each flow.
"""

from collections.abc import Iterable, Iterator
from functools import lru_cache

from os_ken.ofproto import ofproto_v1_4 as ofp

from controller.switch import encode
from controller.switch.decode import Entry
from flows.fields import VLAN, VLAN_TCI, Field
from flows.flow import Flow
from flows.openflow import Action, Goto, SetField, Term

_REMEMBERED = 1 << 16
_HEADERS: dict[tuple[str, bool], tuple[bytes, int]] = {}
_SET_FIELD: bytes = ofp.OFPAT_SET_FIELD.to_bytes(2)


def is_in_place(flow: Flow, entry: Entry) -> bool:
    """Whether it is where the flow is: in its table, with its priority and its match."""
    return (
        entry.table == flow.table
        and entry.priority == flow.priority
        and set(_fields(entry.match)) == set(map(_term, flow.match))
    )


def is_as_sent(flow: Flow, entry: Entry) -> bool:
    """Whether nobody changed anything of the flow."""
    return entry.is_plain and entry.instructions == _instructions(flow.actions) and is_in_place(flow, entry)


def _fields(match: bytes) -> Iterator[bytes]:
    """The fields of a match, each with its header."""
    at = 4
    while at < len(match):
        end = at + 4 + match[at + 3]
        yield match[at:end]
        at = end


def _term(term: Term) -> bytes:
    field, mask = term.field, term.mask
    if field is VLAN or field is VLAN_TCI:
        return _odd_term(term)
    # By name: hashing a field takes longer than all the rest.
    found = _HEADERS.get((field.name, mask is None))
    header, size = found or _HEADERS.setdefault((field.name, mask is None), _header(field, mask is not None))
    value = header + term.value.to_bytes(size)
    return value if mask is None else value + mask.to_bytes(size)


@lru_cache(_REMEMBERED)
def _odd_term(term: Term) -> bytes:
    """A field whose value is not sent as it is."""
    return _encoded(*encode.oxm(term))


def _header(field: Field, masked: bool) -> tuple[bytes, int]:
    """A field's header, and how many bytes a value has."""
    encoded = _encoded(*encode.oxm(Term(field, 0, 0 if masked else None)))
    return encoded[: -encoded[3]], encoded[3] // (2 if masked else 1)


def _encoded(name: str, value: object) -> bytes:
    encoded = bytearray()
    ofp.oxm_serialize(*ofp.oxm_from_user(name, value), encoded, 0)
    return bytes(encoded)


def _instructions(actions: Iterable[Action]) -> bytes:
    applied, last = b"", b""
    for action in actions:
        if isinstance(action, Goto):
            last = _instruction(ofp.OFPIT_GOTO_TABLE, bytes((action.table, 0, 0, 0)))
        elif isinstance(action, SetField) and action.field is not VLAN:
            applied += _set(action)
        else:
            applied += _action(action)
    return (_instruction(ofp.OFPIT_APPLY_ACTIONS, bytes(4) + applied) if applied else b"") + last


def _instruction(kind: int, body: bytes) -> bytes:
    return kind.to_bytes(2) + (4 + len(body)).to_bytes(2) + body


def _set(action: SetField) -> bytes:
    term = _term(Term(action.field, action.value))
    length = (4 + len(term) + 7) // 8 * 8
    return _SET_FIELD + length.to_bytes(2) + term.ljust(length - 4, b"\0")


@lru_cache(_REMEMBERED)
def _action(action: Action) -> bytes:
    encoded = bytearray()
    encode.action_of(action).serialize(encoded, 0)
    return bytes(encoded)
