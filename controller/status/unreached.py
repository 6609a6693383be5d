"""Broken paths over the underlay, in words: for the log, ``status``, ``why-not`` and ``doctor``."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime

from controller.status.status import Status

_NAMED = 3
"""So many hosts are named in a sentence; of more the number is told."""


@dataclass(frozen=True, slots=True, order=True)
class Unreached:
    """One host that does not reach another over the underlay."""

    sender: str
    receiver: str
    since: float
    """Seconds since 1970."""
    small_only: bool
    """Whether small packets come through, and those of the underlay's MTU do not."""


def reported_unreached(status: Status) -> list[Unreached]:
    """What does not come through the underlay, out of what the controller reported."""
    return [
        Unreached(host, other, since, small_only)
        for host, known in status.hosts.items()
        for other, since, small_only in known.unreached
    ]


def sentences(ways: Iterable[Unreached]) -> Iterator[str]:
    """All of it, in as few sentences as tell it: a host that is cut off is told once, not by each of the others."""
    for one, other, group, is_one in _grouped(ways):
        when = datetime.fromtimestamp(min(way.since for way in group)).astimezone().isoformat(" ", "seconds")
        if group[0].small_only:
            verb = "reaches" if is_one else "reach"
            yield f"{one} {verb} {other} over the underlay with small packets only since {when}"
        else:
            yield f"{one} cannot reach {other} over the underlay since {when}"


def recovered(ways: Iterable[tuple[str, str]]) -> Iterator[str]:
    """The same of senders and receivers between whom packets come through again."""
    for one, other, _, is_one in _grouped(Unreached(*way, 0.0, False) for way in ways):
        yield f"{one} {'reaches' if is_one else 'reach'} {other} again"


def _grouped(ways: Iterable[Unreached]) -> Iterator[tuple[str, str, list[Unreached], bool]]:
    """Who does not reach whom; for which ways that stands; and whether the first is only one."""
    left = sorted(ways)
    senders = Counter((way.sender, way.small_only) for way in left)
    receivers = Counter((way.receiver, way.small_only) for way in left)
    groups: dict[tuple[str, bool, bool], list[Unreached]] = {}
    for way in left:
        by_receiver = receivers[way.receiver, way.small_only] > senders[way.sender, way.small_only]
        groups.setdefault((way.receiver if by_receiver else way.sender, by_receiver, way.small_only), []).append(way)
    for (host, by_receiver, _), group in groups.items():
        others = _names([way.sender if by_receiver else way.receiver for way in group])
        one, other = (others, host) if by_receiver else (host, others)
        yield one, other, group, not by_receiver or len(group) == 1


def _names(hosts: list[str]) -> str:
    if len(hosts) <= _NAMED:
        return ", ".join(hosts)
    return f"{', '.join(hosts[: _NAMED - 1])} and {len(hosts) - _NAMED + 1} other hosts"
