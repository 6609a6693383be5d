"""Flows as people paste them: read line by line, and put together again where a terminal broke them."""

from collections.abc import Callable
from textwrap import wrap

import pytest

from flows.explain.explain import Pasted, flows_of, read_line

ONE = (
    ' cookie=0x761cf10cdb207432, duration=286.432s, table=classify, n_packets=1, n_bytes=0, priority=1000,in_port="b1",'
    'vlan_tci=0x0000/0x1fff actions=load:0x2->NXM_NX_REG0[],load:0x2->NXM_NX_REG1[],resubmit(,"port_security")'
)
OTHER = " cookie=0x769f18e44ae76894, duration=286.563s, table=classify, n_packets=0, n_bytes=0, priority=0 actions=drop"
TRACE = """\
Flow: in_port=1,vlan_tci=0x0000,dl_type=0x0000

bridge("br-int")
----------------
 0. in_port=1,vlan_tci=0x0000/0x1fff, priority 1000, cookie 0x76319e8ba4a3d2be
    set_field:0x2->reg0
    goto_table:30
30. No match.
    drop

Final flow: reg0=0x2,in_port=1,vlan_tci=0x0000,dl_type=0x0000
Datapath actions: drop
"""


def hard(line: str, width: int) -> list[str]:
    """A line as a terminal breaks it."""
    return [line[at : at + width] for at in range(0, len(line), width)]


@pytest.mark.parametrize("width", [20, 37, 60, 79, 80, 81, 132, 1000])
@pytest.mark.parametrize("broken", [hard, wrap])
def test_broken_lines(broken: Callable[[str, int], list[str]], width: int) -> None:
    found = [read_line(text) for text in flows_of("\n".join([*broken(ONE, width), *broken(OTHER, width)]))]
    whole = [read_line(line) for line in (ONE, OTHER)]
    assert [(one and (one.cookie, one.place, one.packets)) for one in found] == [
        (one and (one.cookie, one.place, one.packets)) for one in whole
    ]


def test_what_begins_anew_is_not_put_together() -> None:
    lines = [OTHER, "table=1,priority=3 actions=drop", "table=nowhere,actions=drop", "0x1", "7", "what"]
    assert flows_of("\n".join(lines)) == lines


def test_headers_and_empty_lines() -> None:
    assert flows_of(f"NXST_FLOW reply (xid=0x4):\n\n{ONE}\r\n\r\nOFPST_FLOW reply (OF1.4) (xid=0x2):\n") == [ONE]
    assert flows_of("\n \n") == []


def test_of_a_whole_trace_the_flows_count() -> None:
    (line,) = flows_of(TRACE)
    found = read_line(line)
    assert found is not None
    assert found.cookie == 0x76319E8BA4A3D2BE


def test_cookies_have_64_bits() -> None:
    assert read_line(str(2**64)) is None
    assert read_line("007") == Pasted("007", 7, None)
    largest = read_line(str(2**64 - 1))
    assert largest is not None
    assert largest.cookie == 2**64 - 1


@pytest.mark.parametrize("number", ["²", "٣", "9" * 5000, "-1", "0x1", "1000"])
def test_what_is_no_number(number: str) -> None:
    assert read_line(f"table={number},priority=3 actions=drop") is None
    found = read_line(f"cookie=0x1, n_packets={number * 10}, table=3, priority={number * 10} actions=drop")
    assert found is not None
    assert found.packets is None
    assert found.place == (3, 32768, frozenset())
