"""``ovs-vpc lab status``."""

from typing import TYPE_CHECKING

from controller.cli.common.consoles import out
from controller.cli.common.output import FAILED, JsonOption, print_json
from controller.cli.common.state import OldArgument, ThisLabOption, lab_store
from controller.cli.common.tables import print_table
from controller.cli.common.waiting import unconfirmed

if TYPE_CHECKING:
    from controller.status.status import Status


def status(
    as_json: JsonOption = False,
    lab: ThisLabOption = None,
    old: OldArgument = None,
) -> None:
    """Show a lab: its hosts, what their switches have confirmed, and where its ports are.

    Exit code 0: every host has confirmed the model. 1: not every one.
    """
    from controller.status.status import parse_status
    from mininet_topos.client.lab import Lab

    found = Lab.find(lab)
    store = lab_store(found)
    document = store.read_status()
    report = parse_status(document)
    generation = report.generation
    missing = unconfirmed(store, generation)
    if as_json:
        print_json({"lab": found.name, **document, "missing": missing})
        raise SystemExit(FAILED if missing else 0)
    tunnels = f", {found.network.encapsulation} tunnels" if found.network.hosts or not found.network.switches else ""
    out.print(f"lab {found.name}: generation {generation} of the model{tunnels}")
    rows = []
    for host, known in report.hosts.items():
        ports = [port for port, _, _ in known.interfaces if report.ports.get(port) == host]
        address = str(found.network.hosts[host].tunnel_ip) if host in found.network.hosts else ""
        state = missing.get(host) or ("yes" if known.switch else "yes, but it is not connected now")
        rows.append((host, address, known.datapath or "", str(known.flows), " ".join(ports), state))
    if rows:
        print_table(("host", "tunnel address", "datapath", "flows", "ports", "confirmed"), rows)
    for host, known in report.hosts.items():
        for segment in known.cut_off:
            out.print(f"{host}: segment {segment} is cut off there: all local VLANs of the host are in use")
        reached = {network for network, _ in known.physical}
        declared = found.network.hosts[host].physical if host in found.network.hosts else {}
        for network in declared.keys() - reached:
            out.print(f"{host}: the physical network {network} cannot be reached; the controller's log says why")
    _show_switches(report, missing)
    if missing:
        raise SystemExit(FAILED)


def _show_switches(report: "Status", missing: dict[str, str]) -> None:
    """Plain switches with their machines, and the links between them that carry no frames."""
    if not report.switches:
        return
    rows = []
    for name, known in report.switches.items():
        ports = " ".join(port for port, _, _ in known.interfaces)
        state = missing.get(name) or ("yes" if known.switch else "yes, but it is not connected now")
        rows.append((name, str(known.flows), ports, state))
    print_table(("switch", "flows", "ports", "confirmed"), rows)
    carrying = sorted({link for link, _ in report.open_links})
    out.print(f"links that carry frames: {', '.join(carrying) or 'none'}")
