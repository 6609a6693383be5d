"""Ranges find what comparing each with each finds."""

from ipaddress import IPv4Address, IPv4Network
from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from flows.model.ranges import Ranges

_cidrs = st.builds(
    lambda address, length: IPv4Network((address, length), strict=False),
    st.integers(0, 255) | st.integers(2**32 - 256, 2**32 - 1),
    st.sampled_from([0, 1, 24, 28, 30, 31, 32]),
)


@given(st.lists(_cidrs, max_size=12))
def test_overlaps(cidrs: list[IPv4Network]) -> None:
    pairs = Ranges(zip(cidrs, range(len(cidrs)), strict=True)).overlaps
    every = {(one, two) for one, two in combinations(range(len(cidrs)), 2) if cidrs[one].overlaps(cidrs[two])}
    assert set(pairs) <= every
    assert len(set(pairs)) == len(pairs)
    # Whatever overlaps anything is named, once for each range that lies in a wider one.
    assert {index for pair in pairs for index in pair} == {index for pair in every for index in pair}


@given(st.lists(_cidrs, max_size=12), _cidrs)
def test_lookup(cidrs: list[IPv4Network], wanted: IPv4Network) -> None:
    ranges = Ranges((cidr, cidr) for cidr in cidrs)
    overlapping = ranges.overlapping(wanted)
    assert overlapping is None or overlapping.overlaps(wanted)
    assert (overlapping is None) == (not any(cidr.overlaps(wanted) for cidr in cidrs))
    address = IPv4Address(wanted.network_address)
    holding = ranges.holding(address)
    assert holding is None or address in holding
    assert (holding is None) == (not any(address in cidr for cidr in cidrs))
