"""Flows in one switch that are not ours. They are reported and never changed: they can take packets away from ours.

The switch reports each as it comes and goes. Those that were there before are read when it connects; now and then all
are read again, for in tables with learned flows nothing is reported.
"""

import logging
from collections import Counter
from collections.abc import Iterable, Iterator

from controller.openflow.decode import REMOVED, ReportedFlow, Update
from controller.openflow.encode import FOREIGN, Flows
from flows.openflow.flow import COOKIE_OWNER
from flows.openflow.learn import LEARNED_OWNER
from flows.pipeline.page import NAMES, table_name

_OURS = (COOKIE_OWNER, LEARNED_OWNER)
_REPORTED = 5
"""So many cookies are named; that is enough to show a script that adds thousands."""

_log = logging.getLogger(__name__)


class ForeignFlows:
    """What is known of them, and what was said of them."""

    def __init__(self, name: str) -> None:
        """``name`` of the node, for the log."""
        self._name = name
        self.problems: frozenset[str] = frozenset()
        """Each kind in a sentence, as it was said last."""
        self._of: dict[Flows, dict[tuple[int, int, bytes], ReportedFlow]] = {}
        """For each request, the flows that it asks for, by their places."""

    def __bool__(self) -> bool:
        return any(self._of.values())

    def clear(self) -> None:
        """Nothing is known any more."""
        self._of.clear()

    def read(self, which: Flows, entries: Iterable[ReportedFlow]) -> None:
        """All that one of the requests asks for was read."""
        self._of[which] = {_place(entry): entry for entry in entries}

    def updated(self, update: Update) -> None:
        """Somebody else changed a flow."""
        entry = update.entry
        if entry is None:
            return
        place = _place(entry)
        for flows in self._of.values():
            flows.pop(place, None)
        if update.event != REMOVED and entry.cookie >> 56 not in _OURS:
            which = next(which for which in FOREIGN if which.asks_for(entry.cookie))
            self._of.setdefault(which, {})[place] = entry

    def tell(self, bridge: str | None) -> None:
        """Say once of each kind that it is there, or is gone. ``bridge``: its name; None: it is not connected."""
        found = frozenset() if bridge is None else frozenset(self.sentences(bridge))
        for sentence in sorted(found - self.problems):
            _log.warning("%s: problem: %s", self._name, sentence)
        for sentence in sorted(self.problems - found):
            _log.info("%s: solved: %s", self._name, sentence)
        self.problems = found

    def sentences(self, bridge: str) -> Iterator[str]:
        """Those in the tables of the pipeline, and the command that removes them."""
        found = Counter(
            (entry.cookie, entry.table)
            for flows in self._of.values()
            for entry in flows.values()
            if entry.table in NAMES
        )
        for (cookie, table), number in sorted(found.items())[:_REPORTED]:
            flows = "1 flow that is not ours takes" if number == 1 else f"{number} flows that are not ours take"
            yield (
                f"in table {table_name(table)} {flows} packets away from ours (cookie {cookie:#x}): "
                f"'ovs-ofctl del-flows {bridge} cookie={cookie:#x}/-1' removes what has this cookie"
            )
        if len(found) > _REPORTED:
            yield f"there are {len(found) - _REPORTED} more cookies of flows that are not ours"


def _place(entry: ReportedFlow) -> tuple[int, int, bytes]:
    return entry.table, entry.priority, entry.match
