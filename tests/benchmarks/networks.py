"""The network that both control planes are given: one router, some subnets, ports spread evenly over the hosts."""

from dataclasses import dataclass, replace
from ipaddress import IPv4Address
from typing import Self


@dataclass(frozen=True)
class BenchPort:
    """One port, without a host: it is where its interface is plugged in."""

    name: str
    host: str
    subnet: int
    ip: str
    mac: str


@dataclass(frozen=True)
class BenchNetwork:
    """``ports`` ports in ``subnets`` subnets of each group, every group a VPC of its own on ``hosts`` of the hosts.

    Beside these every host has a seed: one port that is there from the beginning, so that all hosts of a group are in
    touch. (ovs-vpc tries a new way between two hosts for a second before it gives up, and between dummy datapaths there
    is none. Real hosts answer at once.)
    """

    ports: int
    hosts: int = 10
    groups: int = 1
    subnets: int = 10

    @property
    def host_names(self) -> list[str]:
        return [f"h{number}" for number in range(self.hosts * self.groups)]

    def port(self, number: int) -> BenchPort:
        """The port of a number: one after the other in turn to groups, subnets and hosts."""
        place, group = divmod(number, self.groups)
        row, subnet = divmod(place, self.subnets)
        host = group * self.hosts + row % self.hosts
        mac = ":".join(f"{byte:02x}" for byte in (0x0A, 0, *number.to_bytes(4)))
        ip = IPv4Address("10.0.0.10") + (subnet << 16) + row
        return BenchPort(f"p{number}", f"h{host}", group * self.subnets + subnet, str(ip), mac)

    def all_ports(self) -> list[BenchPort]:
        return [self.port(number) for number in range(self.ports)]

    def seeds(self) -> list[BenchPort]:
        """The seed of each host, which ``ports`` does not count."""
        return [self._seed(number) for number in range(self.hosts * self.groups)]

    def _seed(self, host: int) -> BenchPort:
        group, place = divmod(host, self.hosts)
        mac = ":".join(f"{byte:02x}" for byte in (0x0A, 1, *host.to_bytes(4)))
        return BenchPort(f"seed{host}", f"h{host}", group * self.subnets, f"10.0.255.{place + 1}", mac)

    def with_ports(self, ports: int) -> Self:
        """The same with more ports or fewer."""
        return replace(self, ports=ports)

    def subnet(self, number: int) -> tuple[int, str, str]:
        """The group, range and gateway of a subnet."""
        group, place = divmod(number, self.subnets)
        return group, f"10.{place}.0.0/16", f"10.{place}.0.1"

    def yaml(self) -> str:
        """It as a network file."""
        lines = ["encapsulation: geneve", "hosts:"]
        lines += [f"  {name}: {{tunnel_ip: {self.tunnel_ip(name)}}}" for name in self.host_names]
        lines.append("vpcs:")
        for group in range(self.groups):
            lines += [f"  v{group}:", f"    id: {group + 1}", "    subnets:"]
            numbers = range(group * self.subnets, (group + 1) * self.subnets)
            lines += [f"      s{number}: {{cidr: {self.subnet(number)[1]}}}" for number in numbers]
        lines.append("ports:")
        for port in [*self.seeds(), *self.all_ports()]:
            group = self.subnet(port.subnet)[0]
            lines.append(f'  {port.name}: {{vpc: v{group}, ips: [{port.ip}], mac: "{port.mac}"}}')
        return "\n".join(lines) + "\n"

    @staticmethod
    def tunnel_ip(host: str) -> str:
        """The address of a host in the underlay."""
        return str(IPv4Address("192.168.0.1") + int(host[1:]))
