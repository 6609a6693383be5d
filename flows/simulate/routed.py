"""Packets between plain switches that pass routers: traced LAN by LAN.

A router has no flows. What it does is taken from the model: it hands the packet to its next hop.
"""

from flows.compile.declared import Snapshot, switch_node
from flows.model import SwitchPort, derived_mac
from flows.model.interfaces import interface_name
from flows.model.objects.lans import LanHop, Leg
from flows.simulate.extract import extract
from flows.simulate.traffic import Traffic, frame_of_hop
from flows.simulate.world import PortLocation, World


def is_routed(snapshot: Snapshot, source: SwitchPort, target: SwitchPort) -> bool:
    """Whether a packet from one machine to another leads over routers, and so into no single trace."""
    if source.ip is None or target.ip is None:
        return False
    way = snapshot.network.lans.way(source, target)
    return bool(way) and not isinstance(way, str)


def arrives(snapshot: Snapshot, world: World, source: SwitchPort, target: SwitchPort, traffic: Traffic) -> bool:
    """Whether a packet that leads over routers gets from each of its hops to the next."""
    hops = snapshot.network.lans.hops(source, target)
    return not isinstance(hops, str) and all(_passes(snapshot, world, hop, source, target, traffic) for hop in hops)


def _passes(
    snapshot: Snapshot, world: World, hop: LanHop, source: SwitchPort, target: SwitchPort, traffic: Traffic
) -> bool:
    frame = frame_of_hop(source, target, traffic, _mac(snapshot, hop.out), _mac(snapshot, hop.into))
    journey = world.send(_place(snapshot, hop.out), extract(frame))
    return _place(snapshot, hop.into) in {arrival.place for arrival in journey.arrivals}


def _mac(snapshot: Snapshot, leg: Leg) -> str:
    port = snapshot.network.ports.get(leg.name)
    return derived_mac(leg.name) if port is None else port.mac_address


def _place(snapshot: Snapshot, leg: Leg) -> PortLocation:
    plugs = {plug.name: plug.ofport for plug in snapshot.switches[leg.switch].plugs}
    return PortLocation(switch_node(leg.switch), plugs[interface_name(leg.name)])
