"""Is a flow in a switch still as it was sent?

A cookie says which flow it is, but somebody may have changed the flow under it. So the bytes are compared: those
that are sent with those that the switch reports. Our matches are sent in the order of Open vSwitch 3.1, in which it
reports them, so mostly one look at all bytes is enough; fields that come in another order are compared as a set.
"""

from collections.abc import Iterator, Mapping

from controller.switch.decode import REPORTED, Entry, parts
from controller.switch.encode import content
from flows.flow import Flow


def sort_out(reported: bytes, wanted: Mapping[int, Flow]) -> tuple[dict[int, Flow], list[Entry]]:
    """Of reported flows those that are as they are sent, by cookie, and the others.

    Goes through a hundred thousand flows at each reconnect, of which nearly all are right: so it looks at these once.
    """
    right: dict[int, Flow] = {}
    others: list[Entry] = []
    at, end, size, unpack = 0, len(reported), REPORTED.size, REPORTED.unpack_from
    while at < end:
        length, table, priority, special, cookie, packets = unpack(reported, at)
        said = reported[at + size : at + length]
        at += length
        flow = wanted.get(cookie)
        if flow is not None and not special and content(flow) == said:
            shape = flow.shape
            if table == shape.table and priority == shape.priority:
                right[cookie] = flow
                continue
        others.append(Entry(table, priority, cookie, not special, packets, said))
    return right, others


def is_in_place(flow: Flow, entry: Entry) -> bool:
    """Whether it is where the flow is: in its table, with its priority and its match."""
    is_there = entry.table == flow.table and entry.priority == flow.priority
    return is_there and set(_fields(entry.match)) == set(_fields(parts(content(flow))[0]))


def is_as_sent(flow: Flow, entry: Entry) -> bool:
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
