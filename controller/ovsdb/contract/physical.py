"""The interfaces by which a host reaches physical networks: put on the integration bridge, and taken off again.

The controller removes only ports that it put there itself: it marks them. An interface that the host's owner has put
on the bridge is used as it is, and stays.
"""

from collections.abc import Iterator, Mapping

from controller.ovsdb.contract.settings import HostSettings
from controller.ovsdb.contract.writer import Writer
from controller.ovsdb.database.columns import Row
from controller.ovsdb.database.host_database import IFACE_ID, PHYSICAL_MARK, HostDatabase
from flows.model.contract import INTEGRATION_BRIDGE


def keep_physical(seen: HostDatabase, bridge: Row, settings: HostSettings, write: Writer) -> None:
    """Puts every declared interface on the bridge that is not there, and takes off those that are declared no more."""
    wanted = {interface: network for network, interface in settings.physical}
    for ours in seen.interfaces.physical.values():
        if ours.name in wanted:
            write.put_key(ours.row, "external_ids", PHYSICAL_MARK, wanted[ours.name], ours.name)
        elif port := seen.ports.get(ours.name):
            write.remove(bridge, "ports", port, f"port {ours.name} to the physical network {ours.physical}")
    for interface, network in wanted.items():
        if interface not in seen.interfaces.by_name and interface not in seen.elsewhere:
            bridge.verify("ports")
            port = write.add_port(interface, "")
            port.interfaces[0].external_ids = {PHYSICAL_MARK: network}
            bridge.addvalue("ports", port)


def pin_physical(seen: HostDatabase, settings: HostSettings, write: Writer) -> None:
    """Pins the port number of each, as that of an instance: flows that name it must never reach another port."""
    for _, name in settings.physical:
        interface = seen.interfaces.by_name.get(name)
        if interface is not None and interface.ofport is not None and interface.ofport_request is None:
            interface.row.verify("ofport")
            interface.row.verify("ofport_request")
            write.put(interface.row, "ofport_request", [interface.ofport], name)


def physical_ofports(seen: HostDatabase, settings: HostSettings) -> Mapping[str, int]:
    """The OpenFlow port number by which each physical network is reached, as far as it is."""
    found = {}
    for network, name in settings.physical:
        interface = seen.interfaces.by_name.get(name)
        if interface is not None and interface.ofport is not None and interface.iface_id is None:
            found[network] = interface.ofport
    return found


def physical_problems(seen: HostDatabase, settings: HostSettings) -> Iterator[str]:
    """Why a physical network cannot be reached."""
    for network, name in settings.physical:
        interface = seen.interfaces.by_name.get(name)
        if interface is None and name in seen.elsewhere:
            yield f"the physical network {network} cannot be reached: {name} is on bridge {seen.elsewhere[name]}"
        elif interface is not None and interface.error is not None:
            yield f"the physical network {network} cannot be reached: {interface.error}"
        elif interface is not None and interface.iface_id is not None:
            yield (
                f"the physical network {network} cannot be reached: {name} says that it is port {interface.iface_id} "
                f"(external_ids:{IFACE_ID} on {INTEGRATION_BRIDGE})"
            )
