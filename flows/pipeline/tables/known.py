"""Which addresses count towards the limit of their segment?

The switch itself keeps one flow here for each address that a segment has learned on this host, with a cookie of the
segment, and does not make more than the segment's ``max_macs`` of them. A frame's sender is looked up here after it
was counted (a resubmit): one that is known is admitted. Only admitted senders are learned in table unicast; one that
moves is known already, and followed also when there is no room for new ones.

A sender that was counted this very moment is not found yet. It is admitted by what the counting says, unless the miss
finds that there is no packet, and so nothing was counted: then what the counting says is not true (ADR 10).
"""

from collections.abc import Callable

from flows.pipeline.page import KNOWN

TABLE = KNOWN
UNITS: dict[type, Callable[..., object]] = {}
