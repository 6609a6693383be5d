"""Waiting for hosts to confirm a generation of the model."""

import time
from collections.abc import Collection

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


def wait_plugged(store: Store, ports: Collection[str], seconds: float) -> bool:
    """Whether the controller sees ports plugged in, and every switch holds what follows, within some seconds.

    A host confirms a generation of the model by what was plugged in at that time; ports may come later.
    """
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        hosts = store.read_status().get("hosts", {}).values()
        seen = {iface_id for host in hosts for iface_id, _, _ in host["interfaces"]}
        if seen.issuperset(ports) and all(host["settled"] for host in hosts):
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
