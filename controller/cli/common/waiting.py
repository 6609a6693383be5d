"""Waiting for hosts and plain switches to confirm a generation of the model."""

import time
from collections.abc import Callable, Collection
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from controller.status.status import NodeStatus, Status
    from controller.store import Store

_INTERVAL = 0.2
"""Seconds until another look at the status when the controller has nothing new to say."""
_ABSENT = 3.0
"""Seconds that a host or switch has to connect, which may be new, while all others have confirmed."""


def wait_served(store: "Store", seconds: float) -> bool:
    """Whether a controller runs on a store within some seconds. The store itself is not asked anything."""
    return until(store.is_served, time.sleep, seconds)


def wait_confirmed(store: "Store", generation: int, seconds: float) -> bool:
    """Whether every host and switch of the model confirms a generation within some seconds."""
    return until(lambda: is_confirmed(store, generation), store.await_status, seconds)


def is_confirmed(store: "Store", generation: int) -> bool:
    """Whether every host and switch of the model has confirmed a generation."""
    from controller.status.status import read_progress

    return read_progress(store).has_confirmed(generation)


def wait_connected(store: "Store", generation: int, seconds: float) -> dict[str, str]:
    """Wait until every host and switch that is connected, or was, has confirmed a generation, but not longer.

    Returns those that have not confirmed, each with the reason as far as it is known.
    """
    from controller.status.status import read_status

    start = time.monotonic()
    seen = _connected(read_status(store))
    while not is_confirmed(store, generation):
        passed = time.monotonic() - start
        if passed > min(seconds, _ABSENT):
            status = read_status(store)
            missing = _unconfirmed(status, generation)
            seen |= _connected(status)
            if passed > seconds or (missing.keys() <= status.nodes.keys() and not missing.keys() & seen):
                return missing
        store.await_status(_INTERVAL)
    return {}


def _connected(status: "Status") -> set[str]:
    """The hosts and switches that are connected: they are waited for, even if they are lost for a moment."""
    return {name for name, node in status.nodes.items() if node.switch}


def wait_plugged(store: "Store", ports: Collection[str], seconds: float) -> bool:
    """Whether the controller sees ports plugged in, and every switch holds what follows, within some seconds.

    A host confirms a generation of the model by what was plugged in at that time; ports may come later.
    """
    from controller.status.status import read_status

    def is_plugged() -> bool:
        status = read_status(store)
        return status.seen.issuperset(ports) and all(node.settled for node in status.nodes.values())

    return until(is_plugged, store.await_status, seconds)


def until(condition: Callable[[], bool], pause: Callable[[float], None], seconds: float) -> bool:
    """Whether a condition holds within some seconds. ``pause`` waits for news, at most for the seconds it is given."""
    end = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > end:
            return False
        pause(_INTERVAL)
    return True


def unconfirmed(store: "Store", generation: int) -> dict[str, str]:
    """The hosts and switches that have not confirmed a generation, each with the reason as far as it is known."""
    from controller.status.status import read_status

    return _unconfirmed(read_status(store), generation)


def _unconfirmed(status: "Status", generation: int) -> dict[str, str]:
    if status.generation < generation:
        return {"controller": "it has not seen the change yet"}
    return {name: _reason(node) for name, node in status.nodes.items() if node.confirmed < generation}


def _reason(node: "NodeStatus") -> str:
    from controller.status.status import HostStatus

    if node.problem:
        return node.problem
    if isinstance(node, HostStatus) and not node.database:
        return "its database cannot be reached"
    if not node.switch:
        return "its switch is not connected"
    return "its switch has not confirmed yet"
