"""The interfaces of a host's bridge, of which few change at a time."""

import random

import pytest

from controller.ovsdb.database.interfaces import InterfaceRow, Interfaces
from flows.inputs.facts import Interface

NAMES = [f"tap{number}" for number in range(6)]


def interface(name: str, random: random.Random) -> InterfaceRow:
    """An interface of this name that says, is and has anything."""
    return InterfaceRow(
        row=None,
        name=name,
        iface_id=random.choice([None, "a", "b", "c"]),
        ofport=random.choice([None, 1, 2]),
        ofport_request=random.choice([None, 1]),
        mark=random.choice([None, "a", "b"]),
        physical=random.choice([None, "datacenter"]),
        error=random.choice([None, "no such device"]),
        is_down=random.choice([False, True]),
        mtu=random.choice([None, 1400, 1500]),
        is_own_mark=random.choice([False, True]),
    )


@pytest.mark.parametrize("seed", range(20))
def test_what_is_kept_up_to_date_is_what_is_found_anew(seed: int) -> None:
    source = random.Random(seed)
    now = {name: interface(name, source) for name in NAMES}
    kept = Interfaces(now.values())
    for _ in range(50):
        changed = {name: interface(name, source) for name in source.sample(NAMES, source.randint(1, 3))}
        now |= changed
        kept.put(changed.values())
        anew = Interfaces(now.values())
        assert vars(kept) == vars(anew)
        assert kept.instances == expected(now)


def expected(interfaces: dict[str, InterfaceRow]) -> frozenset[Interface]:
    """Of all working interfaces that say they are a port, the one with a mark of its own is, else the lowest name."""
    found: dict[str, Interface] = {}
    for has_port in (True, False):
        for name, one in sorted(interfaces.items(), key=lambda item: (item[1].mark != item[1].iface_id, item[0])):
            is_marked = one.mark == one.iface_id and one.is_own_mark
            if one.iface_id and one.ofport and one.iface_id not in found and is_marked == has_port:
                found[one.iface_id] = Interface(one.iface_id, name, one.ofport, bound=has_port)
    return frozenset(found.values())
