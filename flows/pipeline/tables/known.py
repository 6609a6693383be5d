"""Which addresses count towards the limit of their segment?

The switch itself keeps one flow here for each address that a segment has learned on this host, with a cookie of the
segment. It makes no more than the segment's ``max_macs`` of them. A frame's sender is looked up here after it was
counted (a resubmit): one that is known is admitted. Only admitted senders are learned in table unicast. A sender that
moves is known already, so it is followed even when there is no room for new ones.

A sender that was counted this very moment is not found yet. It is admitted when the counting says that there was room.
If the miss finds that there is no packet, nothing was counted, and the sender is not admitted (ADR 10).
"""

from collections.abc import Callable

from flows.pipeline.page import KNOWN

TABLE = KNOWN
UNITS: dict[type, Callable[..., object]] = {}
