"""The tree of links: no ring, nothing cut off that need not be, the same one whoever computes it."""

from itertools import combinations

from hypothesis import given
from hypothesis import strategies as st

from flows.inputs.facts import Plug, SwitchFacts
from flows.inputs.tree import LinkVlan, named_vlans, tree, working
from flows.model import Link


def link(name: str, one: str, two: str, *trunk: int) -> Link:
    return Link(name=name, between=(one, two), trunk=trunk or None)


def ring(size: int) -> list[Link]:
    return [link(f"l{number}", f"s{number}", f"s{(number + 1) % size}") for number in range(size)]


def everything(links: list[Link]) -> frozenset[LinkVlan]:
    return tree(links, {link.name for link in links})


def names(ways: frozenset[LinkVlan]) -> set[str]:
    return {name for name, _ in ways}


def test_ring_has_one_link_that_waits() -> None:
    assert names(everything(ring(4))) == {"l0", "l1", "l3"}


def test_ring_without_a_link_needs_all_others() -> None:
    links = ring(4)
    assert names(tree(links, {"l0", "l2", "l3"})) == {"l0", "l2", "l3"}


def test_of_parallel_links_the_first_carries() -> None:
    assert names(everything([link("b", "s1", "s2"), link("a", "s2", "s1")])) == {"a"}


def test_parts_that_are_not_connected_each_have_a_tree() -> None:
    assert names(everything([*ring(3), link("x", "t1", "t2"), link("y", "t1", "t2")])) == {"l0", "l2", "x"}


def test_vlans_take_their_own_ways() -> None:
    """Two links of different VLANs are no ring."""
    links = [link("red", "s1", "s2", 101), link("blue", "s1", "s2", 102), link("spare", "s1", "s2", 101)]
    assert everything(links) == {("red", 101), ("blue", 102)}


def test_link_of_every_vlan_comes_first() -> None:
    links = [link("a", "s1", "s2", 101), link("b", "s1", "s2")]
    assert everything(links) == {("b", None), ("b", 101)}


def test_link_works_when_both_ends_are_live() -> None:
    links = [link("l", "s1", "s2")]

    def facts(*ends: tuple[str, str, bool]) -> dict[str, SwitchFacts]:
        return {switch: SwitchFacts(frozenset({Plug(name, 1, is_live)})) for switch, name, is_live in ends}

    assert links[0].end("s1") == "s1.l"
    assert working(links, facts(("s1", "s1.l", True), ("s2", "s2.l", True))) == {"l"}
    assert working(links, facts(("s1", "s1.l", True), ("s2", "s2.l", False))) == frozenset()
    assert working(links, facts(("s1", "s1.l", True))) == frozenset()


@given(st.lists(st.tuples(*[st.integers(0, 5)] * 2, st.sets(st.integers(0, 2), max_size=2)), max_size=14), st.randoms())
def test_any_network(drawn: list[tuple[int, int, set[int]]], random: "object") -> None:
    links = [link(f"l{at}", f"s{a}", f"s{b}", *sorted(vlans)) for at, (a, b, vlans) in enumerate(drawn) if a != b]
    found = everything(links)
    shuffled = list(links)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert everything(shuffled) == found
    for vlan in (None, *named_vlans(links)):
        able = [one for one in links if (not one.trunk if vlan is None else one.carries(vlan))]
        open_ = [one for one in able if (one.name, vlan) in found]
        # As many parts as before, by as few links as can be: no ring, and nothing cut off.
        switches = {switch for one in links for switch in one.between}
        assert parts(able, switches) == parts(open_, switches) == len(switches) - len(open_)


def parts(links: list[Link], switches: set[str]) -> int:
    """How many parts a network has."""
    part = {switch: switch for switch in switches}
    for one in links:
        first, second = (part[switch] for switch in one.between)
        part = {switch: first if where == second else where for switch, where in part.items()}
    return len(set(part.values()))


def test_two_links_are_never_opened_before_a_third_is_blocked() -> None:
    """What is open in both of two trees is never a ring."""
    links = ring(5)
    trees = [names(tree(links, {one.name for one in links if one.name != gone})) for gone in ["", "l0", "l2"]]
    for before, after in combinations(trees, 2):
        assert len(before & after) <= 4
