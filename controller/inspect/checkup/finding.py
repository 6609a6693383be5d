"""One thing that a check of a host found."""

from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is wrong, and what mends it."""

    severity: Literal["error", "warning", "unchecked"]
    """An error stops traffic or the controller; what is unchecked could not be looked at from here."""
    what: str
    mend: str
    """A command for the host, or what to do there."""
