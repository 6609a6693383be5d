"""The facts of a host on which its flows depend, from its database."""

from controller.ovsdb.contract.physical import physical_ofports
from controller.ovsdb.contract.settings import HostSettings
from controller.ovsdb.database.host_database import HostDatabase, datapath_type
from flows.inputs.facts import HostFacts
from flows.model.contract import tunnel_port


def facts(seen: HostDatabase, settings: HostSettings) -> HostFacts | None:
    """The facts; None until the switch runs the integration bridge (it reports the id itself)."""
    bridge = seen.integration
    if bridge is None or not bridge.datapath_id:
        return None
    tunnel = seen.interfaces.by_name.get(tunnel_port(settings.encapsulation))
    return HostFacts(
        datapath_id=int(bridge.datapath_id[0], 16),
        datapath_type=datapath_type(bridge),
        tunnel_ofport=None if tunnel is None else tunnel.ofport,
        interfaces=seen.interfaces.instances,
        physical=frozenset(physical_ofports(seen, settings).items()),
    )
