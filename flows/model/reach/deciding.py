"""The objects of the model that decide who reaches whom."""

from dataclasses import dataclass

from flows.model.objects.types import Declared, Origin


@dataclass(frozen=True, slots=True)
class Decider:
    """An object of the model that decides who reaches whom."""

    what: str
    origin: Origin

    def __str__(self) -> str:
        return f"{self.what} ({self.origin})"


def decider(item: Declared, of: str = "") -> Decider:
    """An object as what decides. ``of``: what it is a part of."""
    return Decider(f"{item} of {of}" if of else str(item), item.origin)
