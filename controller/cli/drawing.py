"""A network as a picture for the terminal."""

from collections.abc import Iterator

from rich.columns import Columns
from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.text import Text

from flows.model import AnyPort, Host, Network, VpcPort

_COLOURS = ("cyan", "green", "magenta", "yellow", "blue", "red")


def draw(network: Network) -> RenderableType:
    """Hosts as boxes with their ports, the underlay below them, then the VPCs and what connects them."""
    colours = {vpc: _COLOURS[number % len(_COLOURS)] for number, vpc in enumerate(network.vpcs)}
    boxes = [
        Panel(
            Group(*(_port(port, colours) for port in network.ports.values() if port.host == name)),
            title=name,
            subtitle=_place(network, host),
            padding=(0, 1),
        )
        for name, host in network.hosts.items()
    ]
    underlay = Text(f"══ {network.encapsulation} tunnels over the underlay, MTU {network.underlay.mtu} ══", style="dim")
    return Group(Columns(boxes), underlay, *_racks(network), *_vpcs(network, colours), *_peerings(network))


def _place(network: Network, host: Host) -> str:
    rack = network.underlay.rack_of(host.tunnel_ip)
    return f"{host.tunnel_ip} in {rack.name}" if rack else str(host.tunnel_ip)


def _racks(network: Network) -> Iterator[Text]:
    for rack in network.underlay.racks.values():
        yield Text(f"rack {rack.name}: {rack.cidr}, router {rack.router}", style="dim")


def _port(port: AnyPort, colours: dict[str, str]) -> Text:
    if not isinstance(port, VpcPort):
        return Text(f"{port.name}  {port.address or ''}  {port.where}")
    text = f"{port.name}  {', '.join(map(str, port.ips))}  {port.vpc}"
    return Text(text, style=colours[port.vpc])


def _vpcs(network: Network, colours: dict[str, str]) -> Iterator[Text]:
    for vpc in network.vpcs.values():
        subnets = ", ".join(f"{subnet.name} {subnet.cidr}" for subnet in vpc.subnets.values())
        yield Text(f"VPC {vpc.name} (id {vpc.id}): {subnets}", style=colours[vpc.name])


def _peerings(network: Network) -> Iterator[Text]:
    for peering in network.peerings.values():
        yield Text(f"peering {peering.name}: {' <-> '.join(peering.between)}")
