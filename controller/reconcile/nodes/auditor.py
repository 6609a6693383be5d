"""Looking closely at what switches reported, a little at each time: what else happens must not wait for all of it."""

from collections import deque
from collections.abc import Collection

from controller.reconcile.nodes.node import Node

AT_ONCE = 1 << 20
"""Bytes of reported flows that are looked at at one time: some 6,000 flows, or 12 milliseconds."""


class Auditor:
    """Takes nodes in turn."""

    def __init__(self) -> None:
        self._audited = 0
        """How many nodes come last: their turn was before."""

    def look(self, nodes: Collection[Node]) -> list[Node]:
        """Look at some flows. Returns the nodes of which some are not what they should be."""
        found, left, turn = [], AT_ONCE, deque(nodes)
        turn.rotate(-self._audited)
        for node in turn:
            known = node.drifted.count
            while left > 0 and (audited := node.audit()):
                left -= audited
            if node.drifted.count != known:
                found.append(node)
            if left <= 0:
                break
            self._audited = (self._audited + 1) % len(turn)
        return found
