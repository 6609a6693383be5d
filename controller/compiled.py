"""What a host's or plain switch shall hold, from the store and the controller's own report of the facts."""

from collections.abc import Mapping
from typing import Any

from controller.status import reported_facts
from controller.store import Stored
from flows.compile import compile
from flows.facts import Plug, SwitchFacts
from flows.locate import Locations
from flows.plan import Desired
from flows.view import view
from flows.view_switch import view_switch


def compiled(stored: Stored, status: Mapping[str, Any], host: str) -> Desired | None:
    """Compile one host from scratch; None when the controller has not seen the host yet."""
    facts = reported_facts(host, status.get("hosts", {}).get(host, {}))
    if facts is None:
        return None
    locations = Locations(status["ports"], frozenset())
    return compile(view(stored.network, stored.tags, locations, facts, host))


def compiled_switch(stored: Stored, status: Mapping[str, Any], switch: str) -> Desired | None:
    """Compile one plain switch from scratch; None when it never connected to this controller."""
    facts = reported_switch_facts(status).get(switch)
    if facts is None:
        return None
    links = frozenset((link, vlan) for link, vlan in status["open_links"])
    located = frozenset(
        (port, name) for name, known in status["switches"].items() for port, _, _ in known["interfaces"]
    )
    return compile(view_switch(stored.network, switch, facts, links, located))


def reported_switch_facts(status: Mapping[str, Any]) -> dict[str, SwitchFacts]:
    """The facts of the plain switches that connected to this controller."""
    return {
        name: SwitchFacts(frozenset(Plug(plug, ofport, is_live) for plug, ofport, is_live in known["plugs"]))
        for name, known in status.get("switches", {}).items()
        if known["plugs"]
    }
