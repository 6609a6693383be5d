"""Problems on a host that the controller cannot repair: one sentence each."""

from collections.abc import Iterator, Set

from controller.ovsdb.contract.integration_bridge import FLOW_RESTORE_WAIT
from controller.ovsdb.contract.physical import physical_problems
from controller.ovsdb.contract.settings import HostSettings
from controller.ovsdb.database.host_database import IFACE_ID, HostDatabase
from flows.model.contract import INTEGRATION_BRIDGE, PHYSICAL_BRIDGE, TUNNEL_OFPORT, tunnel_port


def problems(seen: HostDatabase, settings: HostSettings) -> Iterator[str]:
    """The present problems of one host."""
    tunnel = tunnel_port(settings.encapsulation)
    if seen.physical is None:
        yield (
            f"the host has no bridge {PHYSICAL_BRIDGE}, which holds its NIC and its tunnel address: "
            f"the datapath type of {INTEGRATION_BRIDGE} is a guess, and tunnels may not work"
        )
    for name in (INTEGRATION_BRIDGE, tunnel):
        if name in seen.elsewhere:
            yield f"{name} cannot be made: bridge {seen.elsewhere[name]} has a port of that name"
    if seen.switch.other_config.get(FLOW_RESTORE_WAIT) == "true":
        yield (
            f"Open_vSwitch other_config:{FLOW_RESTORE_WAIT} is set: "
            "a switch that starts now connects to no controller and uses no new flows until it is cleared"
        )
    yield from _interface_problems(seen, tunnel, {interface for _, interface in settings.physical})
    yield from physical_problems(seen, settings)
    yield from _underlay_problems(seen, settings)
    yield from _port_problems(seen, settings)


def _underlay_problems(seen: HostDatabase, settings: HostSettings) -> Iterator[str]:
    for name, nic in seen.underlay.items():
        if nic.is_down:
            yield f"{name} on {PHYSICAL_BRIDGE} is down, so nothing gets to other hosts: 'ip link set dev {name} up'"
        elif not nic.has_link and name != PHYSICAL_BRIDGE:
            yield f"{name} on {PHYSICAL_BRIDGE} has no link, so nothing gets to other hosts: look at its cable"
        if name in seen.stale:
            yield (
                f"{name} was made again, and {PHYSICAL_BRIDGE} still has the device that is gone: "
                f"'ovs-vsctl del-port {PHYSICAL_BRIDGE} {name} -- add-port {PHYSICAL_BRIDGE} {name}'"
            )
        if nic.mtu is not None and nic.mtu < settings.underlay_mtu:
            yield (
                f"{name} on {PHYSICAL_BRIDGE} carries packets of {nic.mtu} bytes, and not of {settings.underlay_mtu} "
                f"as the network file says: 'ovs-vsctl set Interface {name} mtu_request={settings.underlay_mtu}'"
            )


def _port_problems(seen: HostDatabase, settings: HostSettings) -> Iterator[str]:
    interfaces = seen.interfaces
    for column in ("stp_enable", "rstp_enable"):
        # Not repaired: Open vSwitch 3.1 was seen to go on with a tree that is switched off again at once.
        if seen.integration is not None and getattr(seen.integration, column):
            yield (
                f"{column} is set on {INTEGRATION_BRIDGE}, so its ports may pass nothing: "
                f"'ovs-vsctl set Bridge {INTEGRATION_BRIDGE} {column}=false'"
            )
    for name, interface in interfaces.down.items():
        whose = f"port {interface.iface_id}" if interface.iface_id else f"physical network {interface.physical}"
        yield f"{whose}: its interface {name} is down: 'ip link set dev {name} up'"
    for mtu, some in interfaces.by_mtu.items():
        for name, interface in some.items() if mtu < settings.instance_mtu else ():
            yield (
                f"port {interface.iface_id}: its interface {name} takes packets of {mtu} bytes, and not of "
                f"{settings.instance_mtu}: 'ovs-vsctl set Interface {name} mtu_request={settings.instance_mtu}'"
            )
    protected = sorted(seen.protected & interfaces.by_name.keys())
    if len(protected) > 1:
        yield (
            f"the ports {', '.join(protected)} of {INTEGRATION_BRIDGE} are protected, so nothing passes between them: "
            + " and ".join(f"'ovs-vsctl set Port {name} protected=false'" for name in protected)
        )


def _interface_problems(seen: HostDatabase, tunnel: str, physical: Set[str]) -> Iterator[str]:
    for name, interface in seen.interfaces.faulty.items():
        if name not in physical:
            yield f"the switch cannot use interface {name}: {interface.error}"
    present = seen.interfaces.by_name.get(tunnel)
    if present is not None and present.ofport not in (None, TUNNEL_OFPORT):
        yield f"tunnel port {tunnel} has the OpenFlow port number {present.ofport}, not {TUNNEL_OFPORT}"
    for iface_id, (taken, *others) in seen.interfaces.rivals.items():
        yield (
            f"several interfaces say that they are port {iface_id}: {taken} is taken, {', '.join(others)} not; "
            f"ovs-vsctl remove Interface {others[0]} external_ids {IFACE_ID}"
        )
