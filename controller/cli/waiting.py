"""Waiting for hosts and plain switches to confirm a generation of the model."""

import time
from collections.abc import Collection, Mapping
from typing import Any

from controller.store import Store

_INTERVAL = 0.05


def wait_confirmed(store: Store, generation: int, seconds: float) -> bool:
    """Whether every host and switch of the model confirms a generation within some seconds."""
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
        known = nodes(store.read_status()).values()
        seen = {iface_id for node in known for iface_id, _, _ in node["interfaces"]}
        if seen.issuperset(ports) and all(node["settled"] for node in known):
            return True
        time.sleep(_INTERVAL)
    return False


def unconfirmed(store: Store, generation: int) -> dict[str, str]:
    """The hosts and switches that have not confirmed a generation, each with the reason as far as it is known."""
    status = store.read_status()
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
