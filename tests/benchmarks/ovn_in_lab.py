"""OVN as the controller of a lab: run in it as ``python -m tests.benchmarks.ovn_in_lab LAB_DIRECTORY``.

As the lab does with its controller, it starts an ovn-controller again half a second after its death.
"""

import os
import sys
import time
from pathlib import Path

from flows.model import Network, VpcPort, parse
from mininet_topos.inside.supervisor import RESTART_DELAY
from tests.benchmarks.ovn import OvnCentral, OvnController, host_settings, port_words, subnet_words
from tests.benchmarks.ovn_acls import group_words
from tests.benchmarks.processes import run


def declare(central: OvnCentral, network: Network) -> None:
    """Make a network file's VPCs, ports and security groups in OVN: a router for each VPC, a switch for each subnet."""
    words = []
    for vpc in network.vpcs.values():
        words += ["--", "lr-add", vpc.name]
        for number, subnet in enumerate(vpc.subnets.values()):
            gateway = f"{subnet.gateway}/{subnet.cidr.prefixlen}"
            words += subnet_words(vpc.name, f"{vpc.name}-{subnet.name}", gateway, number)
    for port in network.ports.values():
        assert isinstance(port, VpcPort)
        of = network.subnet_of(port.vpc, port.address)
        assert of is not None
        words += port_words(f"{port.vpc}-{of.name}", port.name, port.mac, str(port.address))
    central.nbctl(*words, *group_words(network))


def main() -> None:
    """Start everything, and keep every ovn-controller running."""
    lab = Path(sys.argv[1])
    network, _ = parse((lab / "network.yaml").read_text(), "network.yaml")
    central = OvnCentral(lab / "controller" / "ovn")
    controllers = []
    for host in network.hosts.values():
        directory = lab / "hosts" / host.name
        settings = host_settings(host.name, str(host.tunnel_ip), central.target("sb"), "netdev")
        run(["ovs-vsctl", f"--db=unix:{directory}/db.sock", "--no-wait", *settings])
        controllers.append(OvnController(directory))
    declare(central, network)
    while True:
        died, _ = os.wait()
        time.sleep(RESTART_DELAY)
        next(controller for controller in controllers if controller.daemon.pid == died).daemon.start()


if __name__ == "__main__":
    main()
