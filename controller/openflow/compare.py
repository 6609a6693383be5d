"""Is a flow in a switch still as it was sent?

A cookie says which flow it is, but somebody may have changed the flow under it. So the bytes are compared: those that
are sent with those that the switch reports. Our matches are sent in the order in which Open vSwitch 3.1 reports them,
so mostly comparing all bytes is enough. Fields that come in another order are compared as a set.
"""

from collections.abc import Iterator, Mapping

from controller.openflow.decode import REPORTED, ReportedFlow, parts
from controller.openflow.encode import content
from flows.openflow.flow import Flow


def altered(reported: bytes, wanted: Mapping[int, Flow]) -> list[ReportedFlow]:
    """Of reported flows those that have the cookie of a flow, and are not that flow byte for byte."""
    found: list[ReportedFlow] = []
    at, end, size, unpack = 0, len(reported), REPORTED.size, REPORTED.unpack_from
    while at < end:
        length, table, priority, special, cookie, packets = unpack(reported, at)
        flow = wanted.get(cookie)
        if flow is not None:
            shape, said = flow.shape, reported[at + size : at + length]
            if special or content(flow) != said or table != shape.table or priority != shape.priority:
                found.append(ReportedFlow(table, priority, cookie, not special, packets, said))
        at += length
    return found


def is_in_place(flow: Flow, entry: ReportedFlow) -> bool:
    """Whether it is where the flow is: in its table, with its priority and its match."""
    is_there = entry.table == flow.table and entry.priority == flow.priority
    return is_there and set(_fields(entry.match)) == set(_fields(parts(content(flow))[0]))


def is_as_sent(flow: Flow, entry: ReportedFlow) -> bool:
    """Whether nobody changed anything of the flow."""
    sent, shape = content(flow), flow.shape
    if entry.content == sent:
        return entry.is_plain and entry.table == shape.table and entry.priority == shape.priority
    return entry.is_plain and parts(entry.content)[1] == parts(sent)[1] and is_in_place(flow, entry)


def _fields(match: bytes) -> Iterator[bytes]:
    """The fields of a match, each with its header."""
    at = 4
    while at < len(match):
        end = at + 4 + match[at + 3]
        yield match[at:end]
        at = end
