"""From a flow as somebody pasted it to what it does: a cookie, a line of ``ovs-ofctl dump-flows``, or a flow's text.

A flow is known by its cookie, which is the same wherever the flow is the same. Without a cookie it is known by its
place: table, priority and match.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from flows.compile.desired import Desired
from flows.openflow.flow import COOKIE_OWNER
from flows.openflow.groups_and_meters import keys_in
from flows.openflow.learn import LEARNED_OWNER
from flows.pipeline.page import NUMBERS, UNICAST, table_name

_DEFAULT_PRIORITY = 32768
"""OpenFlow's, which ``ovs-ofctl`` leaves out."""

FlowKey = tuple[int, int, frozenset[str]]
"""What makes it one flow: the table, the priority and the terms of the match."""


@dataclass(frozen=True, slots=True)
class Pasted:
    """A flow as somebody pasted it."""

    text: str
    cookie: int | None
    place: FlowKey | None
    packets: int | None = None
    """How many it saw, if the text says so."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a flow is there for."""

    sentence: str
    table: str
    because_of: tuple[str, ...]


def flows_of(text: str) -> list[str]:
    """The flows of a pasted text, each in one piece, without what else is printed around them.

    Terminals and mail programs break the long lines of ``ovs-ofctl``: what does not begin a flow continues the one
    before. Of a whole ``ofproto/trace`` only the lines with a cookie count.
    """
    lines = [line for line in text.splitlines() if line.strip() and _HEADER not in line]
    if any(line.startswith("Flow: ") for line in lines):
        return [line for line in lines if ", cookie 0x" in line]
    found: list[str] = []
    for line in lines:
        if found and _continues(found[-1], line):
            found[-1] += line
        else:
            found.append(line)
    return found


_HEADER = "_FLOW reply "
"""In the first line of what ``ovs-ofctl dump-flows`` prints."""
_BEGINS = re.compile(r"\s*(cookie=0x[0-9a-fA-F]+(, |,?$)|0x[0-9a-fA-F]+\s*$|[0-9]+\. )")
"""A flow of a dump (the cookie of a ``learn`` action has no blank after its comma), a cookie, a line of a trace."""


def _continues(flow: str, line: str) -> bool:
    """Whether a line is the rest of a flow that ``ovs-ofctl`` printed: these begin with their cookies."""
    if not flow.lstrip().startswith("cookie=") or _BEGINS.match(line):
        return False
    return "actions=" not in flow or "actions=" not in line


def read_line(line: str) -> Pasted | None:
    """A pasted flow; None when the text is none."""
    text = line.strip()
    if re.fullmatch(r"0x[0-9a-fA-F]{1,16}|[0-9]{1,20}", text):
        number = int(text, 16 if text.startswith("0x") else 10)
        return Pasted(text, number, None) if number < 2**64 else None
    cookie = re.search(r"\bcookie[= ](0x[0-9a-fA-F]{1,16})\b", text.partition("actions=")[0])
    place = _place(text)
    if cookie is None and place is None:
        return None
    packets = re.search(r"\bn_packets=([0-9]{1,20})\b", text)
    return Pasted(text, int(cookie[1], 16) if cookie else None, place, int(packets[1]) if packets else None)


def _place(text: str) -> FlowKey | None:
    before, found, _ = text.partition("actions=")
    table = re.search(r'\btable=(?:"([^"]*)"|([^,\s]*))', before)
    if not found or table is None:
        return None
    name = table[1] or table[2]
    number = int(name) if re.fullmatch("[0-9]{1,3}", name) else NUMBERS.get(name)
    if number is None:
        return None
    priority = re.search(r"\bpriority=([0-9]{1,5})\b", before)
    return number, int(priority[1]) if priority else _DEFAULT_PRIORITY, _terms(before)


_COUNTERS = ("duration", "n_packets", "n_bytes", "idle_age", "hard_age")
_FLAGS = ("send_flow_rem", "check_overlap", "reset_counts")
_ABOUT = {"cookie", "table", "priority", "idle_timeout", "hard_timeout", "importance", *_COUNTERS, *_FLAGS}
"""What ``ovs-ofctl`` prints before the actions that is no match."""


def _terms(match: str) -> frozenset[str]:
    terms = (term.strip().replace('"', "") for term in re.split(r"[,\s]+", match))
    return frozenset(term for term in terms if term and term.partition("=")[0] not in _ABOUT)


class Explainer:
    """Knows every flow that one switch must hold."""

    def __init__(self, desired: Desired, names: Mapping[str, int]) -> None:
        """``names``: the OpenFlow port of each interface, for matches that name it."""
        self._desired = desired
        self._names = names

    def meaning(self, pasted: Pasted) -> Meaning | None:
        """What a flow does here; None when it is no desired flow of this switch."""
        if pasted.cookie is not None and pasted.cookie >> 56 == LEARNED_OWNER:
            return learned_meaning(self._desired, pasted.cookie)
        cookie = pasted.cookie
        if cookie is None and pasted.place is not None:
            table, priority, terms = pasted.place
            cookie = self._places.get((table, priority, frozenset(map(self._numbered, terms))))
        if cookie is None or cookie not in self._desired.flows:
            return None
        reasons = self._desired.applications[cookie]
        sentences = dict.fromkeys(reason.sentence for reason in reasons)
        because_of = dict.fromkeys(str(reason.why) for reason in reasons)
        flow = self._desired.flows[cookie]
        referred = map(self._desired.what, keys_in(flow))
        return Meaning("; ".join([*sentences, *referred]), table_name(flow.table), tuple(because_of))

    def _numbered(self, term: str) -> str:
        name, _, value = term.partition("=")
        return f"in_port={self._names[value]}" if name == "in_port" and value in self._names else term

    @cached_property
    def _places(self) -> Mapping[FlowKey, int]:
        return {
            (flow.table, flow.priority, _terms(flow.text().partition(" actions=")[0])): cookie
            for cookie, flow in self._desired.flows.items()
        }


def learned_meaning(desired: Desired, cookie: int) -> Meaning | None:
    """What a flow is there for that a switch learned by its flows; None when it learns none with this cookie."""
    if cookie not in desired.learned:
        return None
    teacher = desired.learned[cookie][0]
    learn = next(learn for learn in teacher.flow.shape.learns if learn.cookie == cookie)
    if learn.table == UNICAST.number:
        return Meaning(teacher.sentence, UNICAST.name, (str(teacher.why),))
    vlan = teacher.values.get("vlan", "its VLAN")  # a trunk of all VLANs takes it from the frame
    return Meaning(f"this address counts towards the limit of {vlan}", table_name(learn.table), (str(teacher.why),))


def stranger(pasted: Pasted) -> str:
    """What can be said of a flow that no switch should have."""
    if pasted.cookie is None:
        return "the current model has no such flow"
    match pasted.cookie >> 56:
        case n if n == COOKIE_OWNER:
            return "ours, but stale: it is from an older model or version. A connected controller deletes it"
        case n if n == LEARNED_OWNER:
            return "learned by a flow of ours that no longer exists: its segment, port or version is gone"
        case _:
            return (
                "foreign: its cookie is not one of ours, so another program added it; the controller never changes it"
            )
