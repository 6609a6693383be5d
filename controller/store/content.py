"""The model as objects, kept up to date: what a change does not touch is not built again."""

from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from itertools import islice
from typing import Any

from controller.store.errors import InvalidContent, Unreachable
from controller.store.rows.mapping import sections, tables
from controller.store.rows.replica import Replica
from controller.store.rows.rows import NETWORK, Key, in_order, network_of, object_of
from controller.store.server.database import Database
from controller.store.vlans import Vlans
from flows.inputs.tags import Tags
from flows.model import Network
from flows.model.objects.types import Declared

NUMBERED = {"vpcs": "Vpc", "subnets": "Subnet", "segments": "Segment", "groups": "SecurityGroup"}
"""What each apply numbers: the pool, as :class:`Tags` calls it, and the table of the objects."""


@dataclass(frozen=True, slots=True)
class Stored:
    """What was applied last."""

    generation: int
    """Counts changes, from 1."""
    network: Network
    tags: Tags
    """With the VLANs that the controller had given last when this was read."""
    vlans: Vlans
    """The same VLANs, also of segments that are gone and may still be in a switch."""
    changed: Set[str] | None = None
    """The ports that may differ from the last news; None: all of them."""


class Content:
    """The objects that the rows of a replica stand for."""

    def __init__(self, replica: Replica) -> None:
        self._replica = replica
        self._settings: Network | None = None
        self._objects: dict[str, dict[str, Declared]] = {section: {} for section in sections()}
        self._stale: set[Key] = set()
        self._changed: set[str] | None = None
        self._numbered: tuple[object, object, Tags] | None = None
        """The numbers and VLANs of the replica, and the tags that they make."""

    def unlike(self, network: Network) -> Iterator[tuple[str, str]]:
        """The objects (section and name) that may be others in a network than in the database.

        Where the database's object is known there is no need to compare rows.
        """
        stale = {(tables()[key.table].section, key.path) for key in self._stale}
        for section, known in self._objects.items():
            items: Mapping[str, Declared] = getattr(network, section)
            names = {name for of, name in stale if of == section}
            yield from ((section, name) for name in names | (known.keys() - items.keys()))
            for name, item in items.items():
                if name not in names and not _are_same(known.get(name), item):
                    yield section, name

    def put(self, network: Network) -> None:
        """Note that the database holds just this network, its generation left out."""
        self._objects = {section: dict(getattr(network, section)) for section in sections()}
        self._stale = {NETWORK}
        self._changed = None

    def touch(self, keys: Iterable[Key]) -> None:
        """Note that rows are different."""
        for key in keys:
            if key in self._replica:
                self._stale.add(self._replica.owner(key))
            elif tables()[key.table].section is not None or key == NETWORK:
                self._stale.add(key)
            # A part that is gone makes the row different that held it.

    def stored(self) -> Stored | None:
        """The model; None when nothing was ever applied. Raises :class:`InvalidContent`."""
        changed: dict[str, dict[str, Declared | None]] = {}
        settings = self._settings
        for key in self._stale:
            section = tables()[key.table].section
            item = self._object(key) if key in self._replica else None
            if section is None:
                settings = item
            elif item is not None or changed.get(section, {}).get(key.path) is None:
                # A port that is of another kind now has left one table and come to another.
                changed.setdefault(section, {})[key.path] = item
        for section, items in changed.items():
            self._objects[section] = _with(self._objects[section], items)
        if self._changed is not None:
            self._changed.update(changed.get("ports", ()))
        self._settings = settings
        self._stale.clear()
        if settings is None:
            return None
        network = network_of(settings, self._objects)
        return Stored(self._replica.generation, network, self._tags(), Vlans(self._replica.vlans))

    def take_changed(self) -> Set[str] | None:
        """The ports that may be others in :meth:`stored` than they were at the last call; None: all of them."""
        changed, self._changed = self._changed, set()
        return changed

    def _object(self, key: Key) -> Any:
        try:
            return object_of(key, self._replica.values)
        except ValueError as error:
            raise InvalidContent(f"the store's entry for {key} is not valid: {error}") from None

    def _tags(self) -> Tags:
        """The numbers. Few changes give any, so most find the same as the one before."""
        numbers, vlans = self._replica.numbers, self._replica.vlans
        if self._numbered is None or self._numbered[0] is not numbers or self._numbered[1] is not vlans:
            of = {pool: {name: number for name, (_, number) in rows.items()} for pool, rows in numbers.items()}
            pools = {pool: of.get(pool, {}) for pool in NUMBERED}
            tags = Tags(**pools, vlans=Vlans(vlans).named(pools["segments"]))
            self._numbered = numbers, vlans, tags
        return self._numbered[2]


class CurrentContent(Content):
    """The same, brought up to date by asking the database."""

    def __init__(self, database: Database) -> None:
        super().__init__(database.replica)
        self._database = database

    def look(self, seconds: float | None = None) -> set[Key]:
        """Find out which rows are different. ``seconds``: wait so long for any; None: only ask."""
        if seconds is not None:
            return self._look(seconds)
        try:
            return self._look(None)
        except Unreachable:
            # The server was restarted since it was asked last, perhaps.
            return self._look(None)

    def _look(self, seconds: float | None) -> set[Key]:
        touched = self._database.look(seconds)
        self.touch(touched)
        return touched


def _are_same(one: Declared | None, other: Declared) -> bool:
    return one is other or (type(one) is type(other) and one.__dict__ == other.__dict__)


def _with(items: dict[str, Declared], changed: Mapping[str, Declared | None]) -> dict[str, Any]:
    """Objects by name with some of them changed or gone, in the order in which they were written."""
    new = {**items, **changed}
    for name in [name for name, item in changed.items() if item is None]:
        del new[name]
    there = {name: item for name, item in changed.items() if item is not None}
    moved = [item for name, item in there.items() if name not in items or items[name].origin != item.origin]
    if not moved or _come_last(moved, items):
        return new
    return {item.name: item for item in in_order(new.values())}


def _come_last(added: list[Declared], items: dict[str, Declared]) -> bool:
    """Whether what is added was written behind everything else, in this order."""
    last = list(islice(reversed(items.values()), 1))
    return not any(item.name in items for item in added) and in_order([*last, *added]) == [*last, *added]
