"""Changing the model in the database: all of a change or nothing, whoever else changes it at the same time."""

import getpass
import os
import time
from collections.abc import Mapping
from typing import Any
from uuid import uuid4

from controller.store import history
from controller.store.content import NUMBERED, CurrentContent
from controller.store.dry_run import numbered
from controller.store.errors import EditConflict, RequestFailed, Unreachable
from controller.store.recheck import recheck
from controller.store.rows.changes import Changes, Transaction
from controller.store.rows.rows import NETWORK, Key, build, references
from controller.store.rows.schema import GENERATION
from controller.store.rows.wire import error_of
from controller.store.server.database import Database

_ATTEMPTS = 5
"""Applies that others overtake again and again give up after so many times."""
_PAUSE = 0.05
"""Seconds between them."""
_NEWS_SECONDS = 2.0
"""Within which the server tells of what made it refuse something."""


class Committer:
    """Carries out changes."""

    def __init__(self, database: Database, content: CurrentContent) -> None:
        self._database = database
        self._content = content
        self.is_alone = False
        """Whether nobody else changed the model between the last comparison and what followed from it."""

    def commit(self, made: Changes, about: Mapping[str, str], only: int | None = None) -> int:
        """Carry out changes of the model, all or nothing; the generation it is now.

        ``only``: the generation that they are meant for, and no other.
        """
        replica = self._database.replica
        first = replica.generation
        self.is_alone = not made
        for _ in range(_ATTEMPTS):
            if only is not None and replica.generation != only:
                raise EditConflict(self._outdated(only))
            if not made:
                return replica.generation
            identity = str(uuid4())
            generation = replica.generation + 1
            try:
                error = self._attempt(made, {**about, "id": identity, "who": _who(), GENERATION: generation})
            except Unreachable:
                touched = self._look_after_loss()
                error = None if history.is_recorded(self._database, identity) else "the store was lost"
            else:
                touched = self._content.look() if error is None else self._wait_for_news(error)
            if error is None:
                self.is_alone = touched <= made.keys() | {NETWORK} and replica.generation == first + 1
                return generation
            self._overtaken(made, first, touched)
        raise EditConflict(
            "others change the model all the time, or the store is lost again and again; nothing was changed"
        )

    def _attempt(self, made: Changes, about: Mapping[str, Any]) -> str | None:
        """Send changes as one transaction; why it was refused, if it was."""
        transaction = Transaction(self._database.replica)
        transaction.change(made)
        self._number(transaction, made)
        transaction.count()
        history.record(transaction, self._database, about, made)
        return error_of(self._database.transact(transaction.operations))

    def _number(self, transaction: Transaction, made: Changes) -> None:
        """Number what is new, and forget the numbers of what is gone."""
        for pool, table in NUMBERED.items():
            if any(key.table == table and None in (change.old, change.new) for key, change in made.items()):
                transaction.number(pool, numbered(pool, made, self._database.replica.numbers))

    def _look_after_loss(self) -> set[Key]:
        try:
            return self._content.look()
        except Unreachable as error:
            raise Unreachable(
                f"it is not known whether the change took place ('ovs-vpc history' shows it): {error}"
            ) from None

    def _overtaken(self, made: Changes, first: int, touched: set[Key]) -> None:
        """Returns when a change that did not take place can be tried again. Raises the reason why it cannot."""
        if not touched:
            return
        affected = {*made, *(key for k, change in made.items() for key in references(k, change.new or {}))}
        if clashes := sorted(str(key) for key in touched & affected):
            raise EditConflict(self._clash(clashes, first))
        rows = {key: self._database.replica.values(key) for key in self._database.replica}
        rows |= {key: change.new for key, change in made.items() if change.new is not None}
        recheck(build({key: values for key, values in rows.items() if key not in made or made[key].new is not None}))

    def _outdated(self, planned: int) -> str:
        """What to say of a plan that was made for an earlier generation."""
        return (
            f"the model has changed since the plan, which was for generation {planned} ({self._since(planned)}); "
            "nothing was changed. Look at the new plan"
        )

    def _since(self, generation: int) -> str:
        """Who changed the model after a generation."""
        since = "; ".join(str(entry) for entry in history.entries(self._database) if entry.generation > generation)
        return since or "not by an ovs-vpc command"

    def _clash(self, clashes: list[str], first: int) -> str:
        objects = ", ".join(clashes[:10]) + (f" and {len(clashes) - 10} more" if len(clashes) > 10 else "")
        by = self._since(first)
        return f"somebody else changed {objects} meanwhile ({by}); nothing was changed. Look at it, and try again"

    def _wait_for_news(self, error: str) -> set[Key]:
        """What others changed, when the server has just refused something for that. Raises :class:`RequestFailed`."""
        touched: set[Key] = set()
        end = time.monotonic() + _NEWS_SECONDS
        while not touched and time.monotonic() < end:
            touched |= self._content.look(_PAUSE)
        if not touched:
            raise RequestFailed(f"the store refuses the change: {error}")
        return touched


def _who() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return f"user {os.getuid()}"
