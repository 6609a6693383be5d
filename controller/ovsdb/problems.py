"""What on a host is not as it should be and the controller cannot put right: one sentence each."""

from collections.abc import Iterator, Set

from controller.ovsdb.keep import FLOW_RESTORE_WAIT
from controller.ovsdb.physical import physical_problems
from controller.ovsdb.seen import IFACE_ID, Seen
from controller.ovsdb.settings import HostSettings
from flows.model.contract import INTEGRATION_BRIDGE, PHYSICAL_BRIDGE, TUNNEL_OFPORT, tunnel_port


def problems(seen: Seen, settings: HostSettings) -> Iterator[str]:
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
            "a switch that starts now dials no controller and takes no new flows into use until it is cleared"
        )
    yield from _interface_problems(seen, tunnel, {interface for _, interface in settings.physical})
    yield from physical_problems(seen, settings)


def _interface_problems(seen: Seen, tunnel: str, physical: Set[str]) -> Iterator[str]:
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
