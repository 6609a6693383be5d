"""Flows as a switch reports them."""

from collections.abc import Iterable

from controller.openflow.decode import REPORTED, Entry


def reported(entries: Iterable[Entry]) -> bytes:
    """A part of the answer of a switch that holds these."""
    return b"".join(map(_reported, entries))


def _reported(entry: Entry) -> bytes:
    length = REPORTED.size + len(entry.content)
    special = 0 if entry.is_plain else 1
    return REPORTED.pack(length, entry.table, entry.priority, special, entry.cookie, entry.packets) + entry.content
