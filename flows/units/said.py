"""What units and rules say of objects: the reason for a flow, and numbers that are printed by name."""

from dataclasses import dataclass, field

from flows.model import Origin
from flows.model.objects.types import Declared


@dataclass(frozen=True, slots=True)
class Why:
    """The object of the model that an application is there for."""

    what: str
    origin: Origin = field(hash=False)  # hashed with every unit: the name tells nearly all apart

    def __str__(self) -> str:
        return f"{self.what} ({self.origin})"


def why(obj: Declared) -> Why:
    """An object of the model as a reason."""
    return Why(str(obj), obj.origin)


class Named(int):
    """A number that a sentence prints by name: a VPC's tag, a port's OpenFlow number.

    Equal to a plain number, but not to the same number with another name: units that read otherwise are others.
    """

    name: str

    def __new__(cls, value: int, name: str) -> "Named":
        made = super().__new__(cls, value)
        made.name = name
        return made

    def __eq__(self, other: object) -> bool:
        if isinstance(other, Named):
            return int(self) == int(other) and self.name == other.name
        return int.__eq__(self, other)

    __hash__ = int.__hash__

    def __str__(self) -> str:
        return self.name

    __repr__ = __str__

    def __format__(self, spec: str) -> str:
        return format(self.name, spec)


class Several(tuple[Named, ...]):
    """Some numbers that a sentence prints by their names, one after the other."""

    __slots__ = ()

    def __str__(self) -> str:
        return ", ".join(str(one) for one in self)

    def __format__(self, spec: str) -> str:
        return format(str(self), spec)
