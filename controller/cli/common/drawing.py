"""A network as a picture for the terminal."""

from collections.abc import Iterator
from typing import Any

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from flows.model import AnyPort, Host, Network, SwitchPort, VpcPort

_COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "red")


def draw(network: Network) -> RenderableType:
    """Hosts as boxes with their ports, the underlay below them, then the VPCs, what connects them, and the segments.

    Then plain switches as boxes with their machines, and the links and routers between them.
    """
    names = [f"VPC {vpc}" for vpc in network.vpcs] + [f"segment {segment}" for segment in network.segments]
    colours = {name: _COLOURS[number % len(_COLOURS)] for number, name in enumerate(names)}
    boxes = [
        Panel(
            Group(
                *(_port(port, colours) for port in network.ports.values() if port.host == name),
                *(Text(f"{interface} ── {physical}", style="dim") for physical, interface in host.physical.items()),
            ),
            title=name,
            subtitle=_place(network, host),
            padding=(0, 1),
        )
        for name, host in network.hosts.items()
    ]
    underlay = Text(f"══ {network.encapsulation} tunnels over the underlay, MTU {network.underlay.mtu} ══", style="dim")
    overlay: list[RenderableType] = [
        Columns(boxes),
        underlay,
        *_racks(network),
        *_vpcs(network, colours),
        *_peerings(network),
        *_segments(network, colours),
    ]
    return Group(*(overlay if network.hosts or not network.switches else []), *_switches(network))


def plain(network: Network) -> dict[str, Any]:
    """The same for a script: what there is, and what connects it."""
    return {
        "encapsulation": network.encapsulation,
        "hosts": {name: str(host.tunnel_ip) for name, host in network.hosts.items()},
        "switches": list(network.switches),
        "vpcs": {
            name: {subnet.name: str(subnet.cidr) for subnet in vpc.subnets.values()}
            for name, vpc in network.vpcs.items()
        },
        "segments": list(network.segments),
        "ports": {
            port.name: {
                "in": port.where,
                "on": port.switch if isinstance(port, SwitchPort) else port.host,
                "addresses": [str(ip) for ip in (port.ips if isinstance(port, VpcPort) else filter(None, [port.ip]))],
            }
            for port in network.ports.values()
        },
        "peerings": {name: list(peering.between) for name, peering in network.peerings.items()},
        "links": {name: list(link.between) for name, link in network.links.items()},
        "routers": {
            name: {leg.switch: str(leg.ip) for leg in router.interfaces.values()}
            for name, router in network.routers.items()
        },
    }


def _switches(network: Network) -> Iterator[RenderableType]:
    if network.switches:
        yield Columns(
            [
                Panel(
                    Group(*(_machine(port) for port in network.switch_ports.values() if port.switch == name)),
                    title=name,
                    subtitle="plain switch",
                    padding=(0, 1),
                )
                for name in network.switches
            ]
        )
    for link in network.links.values():
        vlans = f", VLANs {', '.join(map(str, link.trunk))}" if link.trunk else ""
        yield Text(f"link {link.name}: {' <-> '.join(link.between)}{vlans}")
    for router in network.routers.values():
        legs = ", ".join(f"{leg.ip} on {leg.switch}{_vlan(leg.vlan)}" for leg in router.interfaces.values())
        routes = "".join(f"; {route.to} via {route.via}" for route in router.routes)
        yield Text(f"router {router.name}: {legs}{routes}")


def _machine(port: SwitchPort) -> Text:
    trunk = f" trunk {', '.join(map(str, port.trunk)) or 'of every VLAN'}" if port.trunk is not None else ""
    return Text(f"{port.name}  {port.ip or ''}{_vlan(port.vlan)}{trunk}")


def _vlan(vlan: int) -> str:
    return f" VLAN {vlan}" if vlan else ""


def _place(network: Network, host: Host) -> str:
    rack = network.underlay.rack_of(host.tunnel_ip)
    return f"{host.tunnel_ip} in {rack.name}" if rack else str(host.tunnel_ip)


def _racks(network: Network) -> Iterator[Text]:
    for rack in network.underlay.racks.values():
        yield Text(f"rack {rack.name}: {rack.cidr}, router {rack.router}", style="dim")


def _port(port: AnyPort, colours: dict[str, str]) -> Text:
    ips = port.ips if isinstance(port, VpcPort) else filter(None, [port.address])
    text = "  ".join([port.name, *filter(None, [", ".join(map(str, ips))]), port.where])
    return Text(text, style=colours.get(port.where, ""))


def _vpcs(network: Network, colours: dict[str, str]) -> Iterator[Text]:
    for vpc in network.vpcs.values():
        subnets = ", ".join(f"{subnet.name} {subnet.cidr}" for subnet in vpc.subnets.values())
        yield Text(f"VPC {vpc.name} (id {vpc.id}): {subnets}", style=colours[f"VPC {vpc.name}"])


def _peerings(network: Network) -> Iterator[Text]:
    for peering in network.peerings.values():
        yield Text(f"peering {peering.name}: {' <-> '.join(peering.between)}")


def _segments(network: Network, colours: dict[str, str]) -> Iterator[Text]:
    for segment in network.segments.values():
        physical = segment.physical
        way = f"VLAN {physical.vlan} of {physical.network}" if physical else f"id {segment.id}"
        tag = f", tag {segment.vlan} on trunks" if segment.vlan is not None else ""
        floods = ", floods" if segment.flood_only else ""
        yield Text(f"segment {segment.name} ({way}{tag}{floods})", style=colours[f"segment {segment.name}"])
