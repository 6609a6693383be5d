"""The groups and meters that the flows of one switch refer to: each as long as any of its flows needs it."""

from collections.abc import Mapping

from flows.openflow.groups_and_meters import GroupOrMeter, Key, key_of
from flows.pipeline.rules import Application


class Referred:
    """Collects them, application by application."""

    def __init__(self) -> None:
        self._entries: dict[Key, GroupOrMeter] = {}
        self._users: dict[Key, dict[Application, int]] = {}
        """How often each application was added."""

    @property
    def entries(self) -> Mapping[Key, GroupOrMeter]:
        """All of them, to be looked at only."""
        return self._entries

    @property
    def users(self) -> Mapping[Key, Mapping[Application, int]]:
        """What refers to each, to be looked at only."""
        return self._users

    def other(self, application: Application) -> Application | None:
        """An application that wants something else under a number that this one refers to; None: there is none."""
        for entry in application.refers_to:
            if self._entries.get(key_of(entry), entry) != entry:
                return next(iter(self._users[key_of(entry)]))
        return None

    def add(self, application: Application) -> None:
        """One more application. None that is there may want anything else."""
        for entry in application.refers_to:
            self._entries[key_of(entry)] = entry
            users = self._users.setdefault(key_of(entry), {})
            users[application] = users.get(application, 0) + 1

    def remove(self, application: Application) -> None:
        """One less."""
        for entry in application.refers_to:
            users = self._users[key_of(entry)]
            users[application] -= 1
            if not users[application]:
                del users[application]
            if not users:
                del self._users[key_of(entry)], self._entries[key_of(entry)]
