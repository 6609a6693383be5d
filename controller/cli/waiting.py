"""Waiting for hosts to confirm a generation of the model."""

import time

from controller.store import Store

_INTERVAL = 0.05


def wait_confirmed(store: Store, generation: int, seconds: float) -> bool:
    """Whether every host of the model confirms a generation within some seconds."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if not unconfirmed(store, generation):
            return True
        time.sleep(_INTERVAL)
    return False


def unconfirmed(store: Store, generation: int) -> dict[str, str]:
    """The hosts that have not confirmed a generation, each with the reason as far as it is known."""
    status = store.read_status()
    if not status or status["generation"] < generation:
        return {"controller": "it has not seen the change yet"}
    return {name: _reason(host) for name, host in status["hosts"].items() if host["confirmed"] < generation}


def _reason(host: dict[str, object]) -> str:
    if host["problem"]:
        return str(host["problem"])
    if not host["database"]:
        return "its database cannot be reached"
    if not host["switch"]:
        return "its switch is not connected"
    return "its switch has not confirmed yet"
