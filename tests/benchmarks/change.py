"""What a change costs: ``python -m tests.benchmarks.change [PORTS] [HOSTS] [VPCS]`` prints the figures of this machine.

Switches have dummy datapaths; every VPC has ten subnets and ports on ten of the hosts, which are found by their
interfaces. The time of a change is from the call of ``Store.apply`` in a running process until the status in the store
says that all hosts have confirmed it.
"""

import statistics
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path

from controller.cli.common.waiting import wait_confirmed
from flows.model import AnyPort, Network, parse
from tests.properties.controller_process import Network as Hosts
from tests.switch import wait_until

_HOSTS_OF_VPC = 10
_SUBNETS = 10
_ONE_BY_ONE = 9
_PER_COMMAND = 250


def network(ports: int, hosts: int, vpcs: int) -> Network:
    """Ports in turn in VPCs, subnets and hosts; those that are added one by one come last."""
    lines = ["hosts:", *(f"  h{h}: {{tunnel_ip: {IPv4Address('192.168.0.1') + h}}}" for h in range(hosts)), "vpcs:"]
    for vpc in range(vpcs):
        subnets = ", ".join(f"s{subnet}: {{cidr: 10.{subnet}.0.0/16}}" for subnet in range(_SUBNETS))
        lines.append(f"  v{vpc}: {{id: {vpc}, subnets: {{{subnets}}}}}")
    lines.append("ports:")
    for number in range(ports):
        row, subnet = divmod(number // vpcs, _SUBNETS)
        address = IPv4Address("10.0.0.10") + (subnet << 16) + row
        lines.append(f"  p{number}: {{vpc: v{number % vpcs}, ips: [{address}]}}")
    return parse("\n".join(lines), "network.yaml")[0]


def host_of(number: int, vpcs: int) -> str:
    """Where the interface of a port is."""
    return f"h{number % vpcs * _HOSTS_OF_VPC + number // vpcs // _SUBNETS % _HOSTS_OF_VPC}"


def plug(hosts: Hosts, numbers: range, vpcs: int) -> None:
    """Put interfaces for ports on their hosts, many in one command."""
    of_host: dict[str, list[str]] = {}
    for number in numbers:
        of_host.setdefault(host_of(number, vpcs), []).append(f"p{number}")
    for host, ports in of_host.items():
        for at in range(0, len(ports), _PER_COMMAND):
            commands = [
                word
                for port in ports[at : at + _PER_COMMAND]
                for word in (
                    *("--", "add-port", "br-int", port, "--", "set", "interface", port, "type=dummy"),
                    f"external_ids:iface-id={port}",
                )
            ]
            hosts.switches[host].vsctl(*commands)


class Measured:
    """The processes of the control plane: what they have used so far."""

    def __init__(self, hosts: Hosts) -> None:
        self._hosts = hosts
        self.clocks = 0.0

    @property
    def pids(self) -> tuple[int, ...]:
        server = Path(self._hosts.store.directory / "ovsdb-server.pid").read_text()
        return self._hosts.pid, int(server)

    def memory(self) -> int:
        """Resident memory of the controller and of its store's server, in MiB."""
        pages = (int(Path(f"/proc/{pid}/statm").read_text().split()[1]) for pid in self.pids)
        return sum(pages) * 4 // 1024

    def processor(self) -> float:
        """Seconds of processor time that the controller has used."""
        fields = Path(f"/proc/{self._hosts.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / 100

    @contextmanager
    def timed(self, what: str) -> Iterator[None]:
        """Print how long a block took."""
        wall, processor = time.perf_counter(), self.processor()
        yield
        wall, processor = time.perf_counter() - wall, self.processor() - processor
        print(f"{what:50} {wall:8.3f} s, controller {processor:6.2f} s of processor", flush=True)


def change(hosts: Hosts, model: Network, ports: dict[str, AnyPort]) -> float:
    """Apply; seconds until all have confirmed."""
    new = model.with_ports(ports)
    start = time.perf_counter()
    generation = hosts.store.apply(new)
    assert wait_confirmed(hosts.store, generation, 600)
    return time.perf_counter() - start


def are_bound(hosts: Hosts, ports: int) -> bool:
    """Whether so many interfaces carry the mark of the host that has their port."""
    find = ("--bare", "--columns=name", "find", "Interface", "external_ids:ovs-vpc-bound!=none")
    return sum(len(switch.vsctl(*find).split()) for switch in hosts.switches.values()) >= ports


def measure(hosts: Hosts, ports: int, vpcs: int) -> None:
    """Print all figures."""
    model = network(ports + _ONE_BY_ONE, len(hosts.switches), vpcs)
    names = list(model.ports)
    hosts.store.apply(model.with_ports({}))
    hosts.settle()
    plug(hosts, range(len(names)), vpcs)
    seen = ports + _ONE_BY_ONE
    wait_until(lambda: sum(len(h["interfaces"]) for h in hosts.status().values()) == seen, "interfaces", 600)
    measured = Measured(hosts)
    with measured.timed(f"{ports} ports: applied, confirmed, bound"):
        seconds = change(hosts, model, {name: model.ports[name] for name in names[:ports]})
        print(f"{ports} ports: confirmed {seconds:40.3f} s")
        wait_until(lambda: are_bound(hosts, ports), "the ports to be bound", 600)
    hosts.settle()
    processor, added = measured.processor(), []
    for count in range(ports, ports + _ONE_BY_ONE):
        added.append(change(hosts, model, {name: model.ports[name] for name in names[: count + 1]}))
        time.sleep(0.3)  # what is done at leisure belongs to the change too, but not to the next one
    print(f"one port: median {statistics.median(added):.3f} s of {' '.join(f'{one:.3f}' for one in added)}")
    print(f"one port: controller {(measured.processor() - processor) / _ONE_BY_ONE:.3f} s of processor")
    print(f"memory: {measured.memory()} MiB; flows of h0: {hosts.status()['h0']['flows']}")
    with measured.timed("the same with nothing to do, 5 s"):
        time.sleep(5)
    hosts.stop_controller()
    start = time.perf_counter()
    hosts.start_controller()
    wait_until(lambda: _is_new(hosts, start), "the new one", 60)
    print(f"restart: confirmed after {time.perf_counter() - start:.3f} s")


def _is_new(hosts: Hosts, start: float) -> bool:
    written = hosts.store.read_status().get("written", 0)
    began = time.time() - (time.perf_counter() - start)
    return bool(written > began and all(host["settled"] for host in hosts.status().values()))


def main(ports: int = 1000, hosts: int = 10, vpcs: int = 1) -> None:
    network_of_hosts = Hosts(f"h{number}" for number in range(hosts))
    try:
        measure(network_of_hosts, ports, vpcs)
    finally:
        network_of_hosts.stop()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
