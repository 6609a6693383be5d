"""Stable numbers: kept while a name exists, and never given to another."""

from hypothesis import given
from hypothesis import strategies as st

from controller.store.rows.allocate import NumberAllocator

NAMES = st.lists(st.sampled_from("abcdefgh"), unique=True)


@given(st.lists(NAMES))
def test_a_number_belongs_to_one_name_for_ever(steps: list[list[str]]) -> None:
    numbers = NumberAllocator({})
    owner: dict[int, str] = {}
    for names in steps:
        before = numbers.of
        numbers = numbers.allocate(names)
        assert list(numbers.of) == names
        for name, number in numbers.of.items():
            assert number >= 1
            assert before.get(name, number) == number
            assert owner.setdefault(number, name) == name
            # A name that was away gets a new number: what it had may still be in a switch.
            assert name in before or number not in before.values()
