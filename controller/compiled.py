"""What a host's switch shall hold, from the store and the controller's own report of the facts."""

from collections.abc import Mapping
from typing import Any

from controller.status import reported_facts
from controller.store import Stored
from flows.compile import compile
from flows.locate import Locations
from flows.plan import Desired
from flows.view import view


def compiled(stored: Stored, status: Mapping[str, Any], host: str) -> Desired | None:
    """Compile one host from scratch; None when the controller has not seen the host yet."""
    facts = reported_facts(host, status.get("hosts", {}).get(host, {}))
    if facts is None:
        return None
    locations = Locations(status["ports"], frozenset())
    return compile(view(stored.network, stored.tags, locations, facts, host))
