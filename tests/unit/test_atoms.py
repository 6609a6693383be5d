"""Rules cut into atoms, against each rule by itself."""

import itertools
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from flows.model import ANYBODY, InRule, Who
from flows.model.atoms import Atom, admitted, atoms, icmp_masks, port_masks
from flows.model.objects.security_group import NOBODY
from flows.model.services import ICMP, TCP, UDP, of_ports

_PORT = st.integers(1, 20)
_RANGE = st.tuples(_PORT, _PORT).map(lambda pair: f"{min(pair)}-{max(pair)}") | _PORT.map(str)
_REMOTES = st.none() | st.lists(st.sampled_from(["a", "b", "10.0.0.0/8", "0.0.0.0/0"]), min_size=1, max_size=2)
_WHAT: st.SearchStrategy[Any] = (
    st.just({})
    | st.sampled_from([{"protocol": "tcp"}, {"protocol": "47"}, {"protocol": "icmp"}])
    | st.tuples(st.sampled_from(["tcp", "udp"]), st.lists(_RANGE, min_size=1, max_size=3)).map(
        lambda pair: dict([pair])
    )
    | st.lists(st.sampled_from(["ping", "3", "3/4", "8", "0/7", "unreachable"]), min_size=1).map(
        lambda kinds: {"icmp": kinds}
    )
)


def rule(what: dict[str, object], remote: object = None) -> InRule:
    return InRule.model_validate({"(name)": "1", **what, **({} if remote is None else {"from": remote})})


_RULES = st.lists(st.tuples(_WHAT, _REMOTES).map(lambda pair: rule(*pair)), max_size=6)
SERVICES = [
    *((protocol, port) for protocol in (TCP, UDP) for port in range(25)),
    *((ICMP, kind * 256 + code) for kind in (0, 3, 4, 8) for code in (0, 1, 4, 7, 255)),
    *((protocol, 0) for protocol in (0, 47, 132, 255)),
]


def by_rules(rules: list[InRule], service: tuple[int, int]) -> Who:
    """Whom the rules admit, each asked by itself."""
    found = NOBODY
    for one in rules:
        if of_ports(*service, service[1]) <= one.services:
            found |= one.who
    return found


@given(_RULES)
@settings(deadline=None)
def test_atoms_say_what_the_rules_say(rules: list[InRule]) -> None:
    made = atoms(rules)
    for service in SERVICES:
        assert admitted(made, *service) == by_rules(rules, service)


@given(_RULES)
@settings(deadline=None)
def test_atoms_with_ports_are_disjoint(rules: list[InRule]) -> None:
    made = [(atom.protocol, *atom.ports) for atom in atoms(rules) if atom.ports is not None]
    for (one, first, last), (other, begin, end) in itertools.combinations(made, 2):
        assert one != other or last < begin or end < first
    assert len({(atom.protocol, atom.ports) for atom in atoms(rules)}) == len(atoms(rules))


def _is_wider(one: Who, other: Who) -> bool:
    return one.anybody or (not other.anybody and other.groups <= one.groups and other.ranges <= one.ranges)


@given(_RULES, st.tuples(_WHAT, _REMOTES).map(lambda pair: rule(*pair)), st.integers(0, 6))
@settings(deadline=None)
def test_a_rule_more_never_narrows(rules: list[InRule], more: InRule, at: int) -> None:
    """And so one less never widens. An allow that changes what its neighbour does is OVN's report 241."""
    before, after = atoms(rules), atoms([*rules[:at], more, *rules[at:]])
    for service in SERVICES:
        old, new = (admitted(made, *service) for made in (before, after))
        assert _is_wider(new, old)


@given(_RULES, st.randoms(use_true_random=False))
@settings(deadline=None)
def test_the_order_of_rules_does_not_matter(rules: list[InRule], random) -> None:  # type: ignore[no-untyped-def]
    shuffled = rules[:]
    random.shuffle(shuffled)
    assert atoms(shuffled) == atoms(rules)


def test_an_example() -> None:
    rules = [rule({"tcp": ["80"]}, ["a"]), rule({"tcp": ["1-1024"]}, ["b"]), rule({}, ["c"])]
    a, b, c = (Who(groups=frozenset({name})) for name in "abc")
    assert atoms(rules) == [
        Atom(None, None, c),
        Atom(TCP, (1, 79), b | c),
        Atom(TCP, (80, 80), a | b | c),
        Atom(TCP, (81, 1024), b | c),
    ]
    assert atoms([*rules, rule({})]) == [Atom(None, None, ANYBODY)]


def test_matches_of_ports_and_messages() -> None:
    assert [(one.value, one.mask) for one in port_masks((80, 83))] == [(80, 0xFFFC)]
    ((kind, code),) = icmp_masks((3 * 256, 3 * 256 + 255))
    assert ((kind.value, kind.mask), (code.value, code.mask)) == ((3, 0xFF), (0, 0))
    ((kind, code),) = icmp_masks((8 * 256, 8 * 256))
    assert ((kind.value, kind.mask), (code.value, code.mask)) == ((8, 0xFF), (0, 0xFF))
