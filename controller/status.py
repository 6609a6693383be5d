"""What the controller says of itself: what it reports, and how that is read again."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from flows.facts import HostFacts, Interface
from flows.model.contract import datapath_id

if TYPE_CHECKING:  # the command line reads this report, and need not load os-ken for it
    from controller.host import Host


def host_status(host: "Host") -> dict[str, Any]:
    """One host, as plain data."""
    facts = host.facts
    return {
        "database": host.has_database,
        "switch": host.session is not None,
        "wanted": host.wanted_generation,
        "confirmed": host.confirmed_generation,
        "settled": host.is_settled,
        "flows": host.flows,
        "problem": host.problem,
        "unproven": [str(address) for address in host.unproven],
        "datapath": facts.datapath_type if facts else None,
        "tunnel": facts.tunnel_ofport if facts else None,
        "interfaces": sorted((i.iface_id, i.name, i.ofport) for i in facts.interfaces) if facts else [],
        "physical": sorted(facts.physical) if facts else [],
    }


def reported_facts(host: str, reported: Mapping[str, Any]) -> HostFacts | None:
    """The facts of a host out of what was reported; None when the controller has not seen the host yet."""
    if reported.get("datapath") is None:
        return None
    return HostFacts(
        datapath_id(host),
        reported["datapath"],
        reported["tunnel"],
        frozenset(Interface(iface_id, name, ofport, bound=True) for iface_id, name, ofport in reported["interfaces"]),
        frozenset((network, ofport) for network, ofport in reported["physical"]),
    )
