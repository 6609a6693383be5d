"""``ovs-vpc show``: what is declared, and where it is."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.markup import escape

from controller.cli.common.consoles import out
from controller.cli.common.output import JsonOption, print_json
from controller.cli.common.state import LabOption, StateOption, find_target
from controller.cli.common.tables import print_table
from controller.status.status import HostStatus, NodeStatus, Status, SwitchStatus, read_status

if TYPE_CHECKING:
    from controller.store import Stored
    from flows.model import AnyPort, Host, Network, Rule


def show(as_json: JsonOption = False, state: StateOption = None, lab: LabOption = None) -> None:
    """Show the model that was applied last: hosts, VPCs, segments, switches, ports and where they are, peerings.

    Security groups are shown with their rules and their members.
    """
    target = find_target(state, lab)
    description = describe(target.model(), read_status(target.store))
    if as_json:
        print_json(description)
        return
    out.print(f"generation {description['generation']} of the model, {description['encapsulation']} tunnels")
    for section in (
        "hosts",
        "subnets",
        "segments",
        "switches",
        "links",
        "routers",
        "ports",
        "peerings",
        "security groups",
    ):
        rows = description[section]
        if rows:
            columns = [key.replace("_", " ") for key in rows[0]]
            print_table(columns, [[escape(_cell(value)) for value in row.values()] for row in rows], section)


def describe(stored: "Stored", status: Status) -> dict[str, Any]:
    """The model and what is known of it, as plain data: a list of rows for each kind of object."""
    network = stored.network
    return {
        "generation": stored.generation,
        "encapsulation": network.encapsulation,
        "hosts": [
            {
                "host": name,
                "tunnel address": str(host.tunnel_ip),
                "connected": status.hosts.get(name, HostStatus()).switch,
                "physical networks": _physical(host, status.hosts.get(name, HostStatus())),
            }
            for name, host in network.hosts.items()
        ],
        "subnets": _subnets(network),
        "segments": _segments(stored, status),
        "switches": _switches(network, status),
        "links": _links(network, status),
        "routers": _routers(network),
        "ports": _ports(network, status),
        "peerings": [
            {"peering": peering.name, "between": list(peering.between)} for peering in network.peerings.values()
        ],
        "security groups": _security_groups(network),
    }


def _subnets(network: "Network") -> list[dict[str, object]]:
    return [
        {
            "vpc": vpc.name,
            "id": vpc.id,
            "subnet": subnet.name,
            "range": str(subnet.cidr),
            "gateway": str(subnet.gateway),
            "routes": [f"{route.to} via {route.via}" for route in subnet.routes],
        }
        for vpc, subnet in network.ends.values()
    ]


def _physical(host: "Host", reported: HostStatus) -> list[str]:
    reached = {network for network, _ in reported.physical}
    return [
        f"{network} by {interface}" + ("" if network in reached else " (not reached)")
        for network, interface in host.physical.items()
    ]


def _segments(stored: "Stored", status: Status) -> list[dict[str, object]]:
    vlans = stored.tags.vlans
    return [
        {
            "segment": segment.name,
            "between hosts": f"VLAN {segment.physical.vlan} of {segment.physical.network}"
            if segment.physical
            else f"tunnel key {segment.id}",
            "tag on trunks": segment.vlan,
            "learning": "no: it floods" if segment.flood_only else f"{segment.max_macs} MACs, {segment.ageing} s",
            "local VLANs": [
                *(f"{host} {vlans[host][segment.name]}" for host in vlans if segment.name in vlans[host]),
                *(f"{host}: cut off" for host, known in status.hosts.items() if segment.name in known.cut_off),
            ],
        }
        for segment in stored.network.segments.values()
    ]


def _switches(network: "Network", status: Status) -> list[dict[str, object]]:
    return [
        {
            "switch": name,
            "datapath id": f"{switch.datapath_id:016x}",
            "connected": status.switches.get(name, SwitchStatus()).switch,
        }
        for name, switch in network.switches.items()
    ]


def _links(network: "Network", status: Status) -> list[dict[str, object]]:
    """Every link, and whether it carries frames: of a ring one does not."""
    carrying = {link for link, _ in status.open_links}
    return [
        {
            "link": name,
            "between": list(link.between),
            "VLANs": list(link.trunk) if link.trunk else "all",
            "carries frames": name in carrying,
        }
        for name, link in network.links.items()
    ]


def _routers(network: "Network") -> list[dict[str, object]]:
    return [
        {
            "router": name,
            "addresses": [str(interface.ip) for interface in router.interfaces.values()],
            "routes": [f"{route.to} via {route.via}" for route in router.routes],
        }
        for name, router in network.routers.items()
    ]


def _addresses(port: "AnyPort") -> list[str]:
    from flows.model import VpcPort

    return [str(ip) for ip in (port.ips if isinstance(port, VpcPort) else filter(None, [port.ip]))]


def _ports(network: "Network", status: Status) -> list[dict[str, object]]:
    nodes: list[tuple[str, NodeStatus]] = [*status.hosts.items(), *status.switches.items()]
    plugged = {(iface_id, place) for place, known in nodes for iface_id, _, _ in known.interfaces}
    return [
        {
            "port": port.name,
            "in": port.where,
            "addresses": _addresses(port),
            "mac": port.mac_address,
            "on": status.ports.get(port.name),
            "plugged in": (port.name, status.ports.get(port.name)) in plugged,
        }
        for port in network.ports.values()
    ]


def _security_groups(network: "Network") -> list[dict[str, object]]:
    def described(rules: "Sequence[Rule] | None") -> object:
        return "not declared" if rules is None else [rule.sentence for rule in rules] or "nothing"

    return [
        {
            "security group": name,
            "vpc": group.vpc,
            "in": described(group.inbound),
            "out": described(group.outbound),
            "log": group.log,
            "members": [port.name for port in network.members[name]],
        }
        for name, group in network.security_groups.items()
    ]


def _cell(value: object) -> str:
    match value:
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(str, value)) or "-"
        case None:
            return "-"
        case _:
            return str(value)
