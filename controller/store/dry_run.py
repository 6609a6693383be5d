"""What a change of the model would do to the store, before it is made."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from controller.store.content import NUMBERED, Stored
from controller.store.rows.changes import Changes
from controller.store.vlans import Vlans
from flows.inputs.tags import Tags


@dataclass(frozen=True, slots=True)
class DryRun:
    """What a network would change if it were made the model."""

    stored: Stored | None
    """The model as it is."""
    changes: Changes
    tags: Tags
    """The numbers as they would be then; with the VLANs that hosts have given so far."""
    vlans: Vlans
    """The same VLANs, by the numbers of segments."""

    @property
    def generation(self) -> int:
        """That of the model as it is; 0: there is none."""
        return self.stored.generation if self.stored else 0


def numbered(pool: str, made: Changes, numbers: Mapping[str, Iterable[str]]) -> dict[str, None]:
    """The names that a pool must number after this change. ``numbers``: what each pool numbers now."""
    names = dict.fromkeys(numbers.get(pool, ()))
    for key, change in made.items():
        if key.table == NUMBERED[pool] and change.new is None:
            names.pop(key.path, None)
        elif key.table == NUMBERED[pool] and change.old is None:
            names[key.path] = None
    return names
