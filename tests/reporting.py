"""Flows as a switch reports them."""

from collections.abc import Iterable

from controller.openflow.decode import REPORTED, ReportedFlow


def reported(entries: Iterable[ReportedFlow]) -> bytes:
    """A part of the answer of a switch that holds these."""
    return b"".join(map(_reported, entries))


def _reported(entry: ReportedFlow) -> bytes:
    length = REPORTED.size + len(entry.content)
    special = 0 if entry.is_plain else 1
    return REPORTED.pack(length, entry.table, entry.priority, special, entry.cookie, entry.packets) + entry.content
