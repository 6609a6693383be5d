"""Tunnel keys: whatever travels between hosts under a key shares one key space."""

from collections.abc import Iterator

from flows.model.check.checker import Checker
from flows.model.file.source import Path
from flows.model.objects.host import KEY_BITS
from flows.model.problem import Problem


def tunnel_keys(c: Checker) -> Iterator[Problem]:
    encapsulation = c.network.encapsulation
    largest = 2 ** KEY_BITS[encapsulation] - 1
    seen: dict[int, str] = {}
    for path, owner, key in _keys(c):
        if c.is_broken(path):
            continue
        first = seen.setdefault(key, owner)
        if first != owner:
            yield c.error(
                path, f"{first} has the id {key} too; each needs its own, because it is the key in the tunnels"
            )
        if key > largest and not c.is_broken(("encapsulation",)):
            yield c.error(path, f"{key} does not fit into the key of {encapsulation} tunnels; the largest is {largest}")


def _keys(c: Checker) -> Iterator[tuple[Path, str, int]]:
    """Everything that has a tunnel key: where the key stands, whose it is, the key."""
    for name, vpc in c.network.vpcs.items():
        yield ("vpcs", name, "id"), f"vpc '{name}'", vpc.id
    for name, segment in c.network.segments.items():
        if segment.id is not None:
            yield ("segments", name, "id"), f"segment '{name}'", segment.id
