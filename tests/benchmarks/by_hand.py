"""Two bridges with as few flows as do the work: run in a lab as ``python -m tests.benchmarks.by_hand LAB_DIRECTORY``.

Frames go by destination MAC address to the port here or into the tunnel to its host, and ARP goes to everybody. That
is what a switch costs at least: no tenants, no port security, no routing.
"""

import signal
import sys
from pathlib import Path

from flows.model import Network, VpcPort, parse
from flows.model.interfaces import interface_name
from tests.benchmarks.processes import run

_TUNNEL = 65000


def flows(network: Network, host: str) -> list[str]:
    """The flows of one host, in the words of ovs-ofctl."""
    ports = [port for port in network.ports.values() if isinstance(port, VpcPort)]
    here = [port for port in ports if port.host == host]
    others = [other for name, other in network.hosts.items() if name != host]
    local = ",".join(f"output:{_name(port)}" for port in here)
    away = ",".join(f"set_field:{other.tunnel_ip}->tun_dst,output:{_TUNNEL}" for other in others)
    lines = [f"priority=20,arp,arp_op=1,in_port={_TUNNEL},actions={local}"]
    lines.append(f"priority=10,arp,arp_op=1,actions={','.join(filter(None, [local, away]))}")
    for port in ports:
        if port.host == host:
            lines.append(f"dl_dst={port.mac},actions=output:{_name(port)}")
        elif port.host is not None:
            address = network.hosts[port.host].tunnel_ip
            lines.append(f"dl_dst={port.mac},actions=set_field:{address}->tun_dst,output:{_TUNNEL}")
    return lines


def _name(port: VpcPort) -> str:
    return f'"{interface_name(port.name)}"'


def _make_bridge(directory: Path) -> None:
    tunnel = ["--", "add-port", "br-int", "tun", "--", "set", "Interface", "tun", "type=geneve"]
    tunnel += ["options:remote_ip=flow", "options:key=1", f"ofport_request={_TUNNEL}"]
    bridge = ["add-br", "br-int", "--", "set", "Bridge", "br-int", "datapath_type=netdev", "fail_mode=secure"]
    run(["ovs-vsctl", f"--db=unix:{directory}/db.sock", *bridge, *tunnel])


def _add_flows(network: Network, host: str, directory: Path) -> None:
    for port in network.ports.values():
        if port.host == host:
            wait = ["--timeout=20", "wait-until", "Interface", interface_name(port.name), "ofport>0"]
            run(["ovs-vsctl", f"--db=unix:{directory}/db.sock", *wait])
    file = directory / "by-hand.flows"
    file.write_text("\n".join(flows(network, host)) + "\n")
    run(["ovs-ofctl", "--names", "add-flows", f"unix:{directory}/br-int.mgmt", str(file)])


def main() -> None:
    """Make the bridges at once and the flows once the ports are plugged in; then wait for the end of the lab."""
    lab = Path(sys.argv[1])
    network, _ = parse((lab / "network.yaml").read_text(), "network.yaml")
    directories = {host: lab / "hosts" / host for host in network.hosts}
    for directory in directories.values():
        _make_bridge(directory)
    for host, directory in directories.items():
        _add_flows(network, host, directory)
    signal.pause()


if __name__ == "__main__":
    main()
