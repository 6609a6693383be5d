"""Was a frame for neither one station nor a group?

No frame comes here: every address is one or the other. The table stands where the classic pipeline has it.
"""

from collections.abc import Callable

from flows.pipeline.page import NEITHER

TABLE = NEITHER
UNITS: dict[type, Callable[..., object]] = {}
