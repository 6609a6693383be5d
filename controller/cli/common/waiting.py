"""Waiting for hosts and plain switches to confirm a generation of the model."""

import time
from collections.abc import Callable, Collection, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
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
    said = store.read_progress()
    if not said or said["generation"] < generation:
        return False
    return all(node["confirmed"] >= generation for kind in ("progress", "switches") for node in said[kind].values())


def wait_connected(store: "Store", generation: int, seconds: float) -> dict[str, str]:
    """Wait until every host and switch that is connected, or was, has confirmed a generation, but not longer.

    Returns those that have not confirmed, each with the reason as far as it is known.
    """
    start = time.monotonic()
    seen = _connected(store.read_status())
    while not is_confirmed(store, generation):
        passed = time.monotonic() - start
        if passed > min(seconds, _ABSENT):
            status = store.read_status()
            missing = _unconfirmed(status, generation)
            seen |= _connected(status)
            if passed > seconds or (missing.keys() <= nodes(status).keys() and not missing.keys() & seen):
                return missing
        store.await_status(_INTERVAL)
    return {}


def _connected(status: Mapping[str, Any]) -> set[str]:
    """The hosts and switches that are connected: they are waited for, even if they are lost for a moment."""
    return {name for name, node in nodes(status).items() if node["switch"]}


def wait_plugged(store: "Store", ports: Collection[str], seconds: float) -> bool:
    """Whether the controller sees ports plugged in, and every switch holds what follows, within some seconds.

    A host confirms a generation of the model by what was plugged in at that time; ports may come later.
    """

    def is_plugged() -> bool:
        known = nodes(store.read_status()).values()
        seen = {iface_id for node in known for iface_id, _, _ in node["interfaces"]}
        return seen.issuperset(ports) and all(node["settled"] for node in known)

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
    return _unconfirmed(store.read_status(), generation)


def _unconfirmed(status: Mapping[str, Any], generation: int) -> dict[str, str]:
    if not status or status["generation"] < generation:
        return {"controller": "it has not seen the change yet"}
    return {name: _reason(node) for name, node in nodes(status).items() if node["confirmed"] < generation}


def nodes(status: Mapping[str, Any]) -> dict[str, Any]:
    """What the controller says of each host and each plain switch, by name."""
    hosts = dict(status.get("hosts", {}))
    return hosts | {
        f"switch {name}" if name in hosts else name: switch for name, switch in status.get("switches", {}).items()
    }


def _reason(host: dict[str, object]) -> str:
    if host["problem"]:
        return str(host["problem"])
    if not host.get("database", True):
        return "its database cannot be reached"
    if not host["switch"]:
        return "its switch is not connected"
    return "its switch has not confirmed yet"
