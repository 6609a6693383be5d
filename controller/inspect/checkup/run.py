"""Commands on the host that is looked at."""

from collections.abc import Sequence
from typing import Protocol


class Run(Protocol):
    """Runs a command on the host."""

    def __call__(self, argv: Sequence[str], seconds: float = ..., /) -> str | None:
        """Its output, None when it failed. Raises :class:`SilentError` when it does not end in so many seconds."""


class SilentError(Exception):
    """A command did not end in its time."""
