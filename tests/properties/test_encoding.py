"""Every application of every rule is sent as os-ken would send it, byte by byte."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from ipaddress import IPv4Address, IPv4Network
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from os_ken.ofproto import ofproto_v1_4 as ofp
from os_ken.ofproto import ofproto_v1_4_parser as parser

from controller.openflow import encode, flowmod
from flows.compile.desired import Plan
from flows.compile.program import compile
from flows.model.objects.types import NOWHERE
from flows.openflow.actions import Action, Meter, Term
from flows.openflow.fields import Bits, Field, bits_of
from flows.openflow.flow import Flow
from flows.openflow.groups_and_meters import MeterEntry
from flows.pipeline.page import TABLES
from flows.pipeline.rules import Rule
from flows.pipeline.templates import (
    CopiesTemplate,
    EachTemplate,
    LearnTemplate,
    LoadTemplate,
    NumberedTemplate,
    Param,
    SetTemplate,
)
from flows.units.blocks import Block
from flows.units.copies import Copies, LocalCopy, RemoteCopy
from flows.units.said import Named, Several, Why
from tests.scenario import SCENARIOS, SHIPPED, load, plain_switch, programmed

WHY = Why("a test", NOWHERE)
RULES = [rule for table in TABLES for rule in table.all_rules()]
NETWORKS = sorted([*SHIPPED.glob("*.yaml"), *SCENARIOS.glob("*.yaml")])
PORTS = st.integers(1, 0xFFFF)
ADDRESSES = st.builds(IPv4Address, st.integers(0, 2**32 - 1))
PREFIXES = st.builds(
    lambda ip, size: IPv4Network((ip, size), strict=False), st.integers(0, 2**32 - 1), st.integers(0, 32)
)
COPIES = st.builds(
    Copies,
    st.lists(st.builds(LocalCopy, PORTS, st.none() | st.integers(0, 4095)), max_size=3).map(tuple),
    st.lists(st.builds(RemoteCopy, st.just("h"), ADDRESSES, PORTS, st.integers(0, 2**32 - 1)), max_size=3).map(tuple),
    st.lists(PORTS, max_size=3).map(tuple),
)

SEVERAL = st.lists(st.builds(Named, st.integers(1, 2**32 - 1), st.just("one")), max_size=4).map(Several)


METERS = st.builds(MeterEntry, st.integers(1, 2**32 - 1), st.just("packets"), PORTS, PORTS)


def _prefixes(bits: int) -> st.SearchStrategy[Any]:
    """Prefixes of addresses; of fields with fewer bits the blocks that are the same for them."""
    if bits == 32:
        return PREFIXES
    blocks = st.builds(
        lambda number, size: Block(number, size, bits), st.integers(0, 2**bits - 1), st.integers(0, bits)
    )
    return blocks.map(lambda block: replace(block, network_address=block.network_address & block.netmask))


def of_field(field: Field) -> st.SearchStrategy[Any]:
    """The values that a field takes."""
    numbers = st.integers(0, 2**field.bits - 1)
    match field.kind:
        case "mac":
            return numbers.map(lambda number: ":".join(f"{byte:02x}" for byte in number.to_bytes(6)))
        case "ipv4":
            return ADDRESSES
        case _:
            return numbers


def uses(rule: Rule) -> Iterable[tuple[object, int, st.SearchStrategy[Any]]]:
    """Where a rule takes a value: the parameter or value, how many bits there is room for, what fits."""
    for term in rule.match:
        bits = term.field.bits if term.mask is None else term.mask.bit_count()
        fitting = _prefixes(bits) if term.prefix else of_field(term.field)
        yield term.value, bits, fitting if term.mask is None else st.integers(0, 2**bits - 1)
    for step in rule.steps:
        match step:
            case SetTemplate(Bits(), value):
                yield value, step.room, st.integers(0, 2**step.room - 1)
            case SetTemplate(field, value):
                yield value, step.room, of_field(bits_of(field).field)
            case NumberedTemplate(kind, value) if kind is Meter:
                yield value, 0, METERS
            case NumberedTemplate(_, value):
                yield value, step.room, PORTS
            case CopiesTemplate(value):
                yield value, 0, COPIES
            case EachTemplate():
                yield step.numbers, 0, SEVERAL
            case LearnTemplate():
                yield from ((value, 16, st.integers(1, 0xFFFF)) for value in (step.segment, step.ageing, step.limit))
                yield step.origin, 0, st.text()
                loads = [spec for spec in step.specs if isinstance(spec, LoadTemplate)]
                yield from ((load.value, load.field.bits, of_field(load.field)) for load in loads)


def values(rule: Rule) -> st.SearchStrategy[dict[str, Any]]:
    """Values for a rule's parameters."""
    room: dict[str, tuple[int, st.SearchStrategy[Any]]] = {}
    for value, bits, fitting in uses(rule):
        if isinstance(value, Param) and (value.name not in room or bits < room[value.name][0]):
            room[value.name] = bits, fitting
    said_only = {name: st.just("somebody") for name in rule.parameters - room.keys()}
    return st.fixed_dictionaries({name: fitting for name, (_, fitting) in room.items()} | said_only)


def by_os_ken(flow: Flow, match: Iterable[Term], actions: Sequence[Action]) -> bytes:
    """What os-ken makes of a flow, without anything that was found out before."""
    change = flowmod.add(flow.table, flow.priority, flow.cookie, match, actions)
    return serialized(change)


def serialized(change: Any) -> bytes:
    flags = ofp.OFPBF_ATOMIC | ofp.OFPBF_ORDERED
    message = parser.OFPBundleAddMsg(flowmod.PROTOCOL, 1, flags, change, [])
    message.set_xid(encode.CHANGE)
    message.serialize()
    return bytes(message.buf)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.table.name}: {rule.sentence}")
@given(data=st.data())
@settings(max_examples=30)
def test_every_application_of_every_rule(rule: Rule, data: st.DataObject) -> None:
    given = data.draw(values(rule))
    flow = rule(WHY, **given).flow
    match = tuple(term.fill(given) for term in rule.match)
    actions = tuple(action for step in rule.steps for action in rule._actions(step, given))
    assert (flow.match, flow.actions) == (match, actions)
    assert encode.addition(flow) == by_os_ken(flow, match, actions)
    other = rule(WHY, **data.draw(values(rule))).flow
    is_same = (other.priority, other.match, other.actions) == (flow.priority, match, actions)
    assert (other.cookie == flow.cookie) == (other == flow) == is_same
    assert (other.key == flow.key) == ((other.priority, other.match) == (flow.priority, match))


@pytest.mark.parametrize("path", NETWORKS, ids=lambda path: path.stem)
def test_every_flow_of_every_scenario(path: Any) -> None:
    flows = [flow for desired in programmed(load(path)).values() for flow in desired.flows.values()]
    assert flows
    for flow in flows:
        assert encode.addition(flow) == by_os_ken(flow, flow.match, flow.actions)


@given(cookies=st.frozensets(st.integers(0, 2**64 - 1), max_size=3))
def test_a_transaction_is_what_os_ken_makes_in_the_right_order(cookies: frozenset[int]) -> None:
    flows = tuple(compile(plain_switch()).flows.values())
    sent = b"".join(encode.transaction(Plan(flows, cookies), 77))
    changes = [by_os_ken(flow, flow.match, flow.actions) for flow in flows]
    changes += [serialized(flowmod.delete(cookie)) for cookie in cookies]
    assert sent[16 : -16 - 8] == b"".join(changes)
    kinds = (sent[1], sent[-24 + 1], sent[-8 + 1])
    assert kinds == (ofp.OFPT_BUNDLE_CONTROL, ofp.OFPT_BUNDLE_CONTROL, ofp.OFPT_BARRIER_REQUEST)
    assert [int.from_bytes(sent[at : at + 4]) for at in (4, len(sent) - 20, len(sent) - 4)] == [77, 77, 77]


def test_a_large_transaction_is_made_in_pieces() -> None:
    flows = tuple(compile(plain_switch()).flows.values()) * 100
    pieces = list(encode.transaction(Plan(flows, frozenset()), 77))
    assert len(pieces) > 2
    assert all(encode.PIECE <= len(piece) < encode.PIECE + 2**16 for piece in pieces[:-1])
