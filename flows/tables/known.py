"""Which addresses count towards the limit of their segment?

Nothing is looked up here. The switch itself keeps one flow for each address that a segment has learned on this host,
with a cookie of the segment, and does not make more than the segment's ``max_macs`` of them. Only an address that has
one is learned in table unicast. One that moves has it already: it is followed also when there is no room for new ones.
"""

from collections.abc import Callable

from flows.pipeline import KNOWN

TABLE = KNOWN
UNITS: dict[type, Callable[..., object]] = {}
