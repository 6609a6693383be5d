"""Instances reach nothing but what the model says: not their host's kernel, and nobody by a tunnel of their own making.

The kind of fault: a second way for an instance's frames, beside the pipeline. On the userspace datapath ovs-vswitchd
reads from packet sockets, and the kernel's own stack gets each frame too. It may answer, take it in, or forward it.
What it forwards may look like a tunnel packet to another host.
"""

from collections.abc import Callable, Iterator

import pytest
from scapy.all import ARP, ICMP, IP, UDP, Ether, Packet
from scapy.layers.inet6 import ICMPv6EchoRequest, ICMPv6ND_NS, ICMPv6NDOptSrcLLAddr, IPv6
from scapy.layers.vxlan import VXLAN

from flows.model import GATEWAY_MAC
from tests.integration.vpclab import VpcLab

pytestmark = pytest.mark.lab

# The addresses of the instances are those of the hosts, which is allowed: an overlay has nothing to do with its
# underlay.
HOSTS_ADDRESSES = """
encapsulation: vxlan
hosts: {h1: {tunnel_ip: 192.168.50.1}, h2: {tunnel_ip: 192.168.50.2}}
vpcs:
  blue: {id: 100, subnets: {lan: {cidr: 192.168.48.0/20}}}
  green: {id: 0, subnets: {lan: {cidr: 10.2.0.0/24}}}
ports:
  a: {vpc: blue, ips: [192.168.50.2], host: h1}
  b: {vpc: blue, ips: [192.168.50.1], host: h2}
  c: {vpc: blue, ips: [192.168.50.30], host: h1}
  g: {vpc: green, ips: [10.2.0.11], host: h2}
"""

BROADCAST, ALL_NODES = "ff:ff:ff:ff:ff:ff", "33:33:00:00:00:01"


@pytest.fixture
def net(labs: Callable[[str], VpcLab]) -> Iterator[VpcLab]:
    """The network. Host h1's kernel forwards, as container engines make it, and has IPv6."""
    lab = labs(HOSTS_ADDRESSES)
    end = lab.lab.topology.ports["c"].interface
    for setting in ("net.ipv4.ip_forward=1", "net.ipv4.conf.all.rp_filter=0", f"net.ipv4.conf.{end}.rp_filter=0"):
        lab.run("h1", "sysctl", "-qw", setting)
    lab.run("h1", "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=0", "net.ipv6.conf.all.forwarding=1")
    yield lab
    lab.run("h1", "sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", "net.ipv4.ip_forward=0")


def host_end(net: VpcLab, port: str) -> str:
    """The MAC address of the end of a port's cable in h1."""
    return net.mac("h1", net.lab.topology.ports[port].interface)


def test_hosts_addresses_are_free_for_instances(net: VpcLab) -> None:
    """Each of two instances has the address of the other's host. Only the ARP proxy answers, with the gateway's MAC."""
    with net.capture("a") as packets:
        assert net.ping("a", "b").received == 3
        assert net.ping("b", "a").received == 3
    answers = {packet[ARP].hwsrc for packet in packets if ARP in packet and packet[ARP].op == 2}
    assert answers <= {GATEWAY_MAC, net.mac("a", "eth0")}


def test_the_kernel_hears_nothing(net: VpcLab) -> None:
    """Whatever an instance asks for, and by whatever address: its host's kernel gives no answer, and says nothing."""
    own, kernel = net.mac("c", "eth0"), host_end(net, "c")
    hosts = (str(net.lab.topology.hosts["h1"].management_ip), "192.168.50.1")
    questions: list[Packet] = [Ether(src=own, dst=BROADCAST) / ARP(psrc="0.0.0.0", pdst=ip) for ip in hosts]
    for mac in (kernel, BROADCAST):
        for ip in (*hosts, "255.255.255.255", "224.0.0.1"):
            questions.append(Ether(src=own, dst=mac) / IP(src="192.168.50.30", dst=ip) / ICMP())
    for mac in (kernel, ALL_NODES):
        questions.append(Ether(src=own, dst=mac) / IPv6(src="fe80::1", dst="ff02::1") / ICMPv6EchoRequest())
    for ip in link_locals(net):
        asked = IPv6(src="fe80::1", dst="ff02::1") / ICMPv6ND_NS(tgt=ip) / ICMPv6NDOptSrcLLAddr(lladdr=own)
        questions.append(Ether(src=own, dst=ALL_NODES) / asked)
    with net.capture("c") as packets:
        for question in questions:
            net.send("c", question)
    heard = [packet.summary() for packet in packets if packet.src not in (own, GATEWAY_MAC)]
    assert heard == []


def link_locals(net: VpcLab) -> list[str]:
    """The IPv6 addresses that h1's kernel has given itself."""
    lines = net.run("h1", "ip", "-6", "-o", "address", "show", "scope", "link").splitlines()
    return sorted({line.split()[3].partition("/")[0] for line in lines})


def test_no_tunnel_of_an_instances_own(net: VpcLab) -> None:
    """An instance packs a packet for another VPC into VXLAN and lets its host forward it: it never arrives.

    Its source is the instance, or the host itself.
    """
    inner = Ether(src=GATEWAY_MAC, dst=BROADCAST) / IP(src="10.2.0.99", dst="10.2.0.11") / ICMP()
    with net.capture("g") as packets:
        for source in ("192.168.50.30", "192.168.50.1"):
            outer = IP(src=source, dst="192.168.50.2") / UDP(sport=5555, dport=4789, chksum=0) / VXLAN(vni=0)
            net.send("c", Ether(src=net.mac("c", "eth0"), dst=host_end(net, "c")) / outer / inner, times=5)
    assert [packet.summary() for packet in packets if IP in packet] == []


def test_tunnel_packets_of_no_host(net: VpcLab) -> None:
    """Whoever is in the underlay sends a tunnel packet from an address that no other host has: dropped, and counted.

    The kind of fault: what only hosts send is taken from anybody. The same packet from the address of h1 passes.
    """
    refused = "by the tunnel port from an address that no other host has"
    before = net.dropped("h2", refused)
    inner = Ether(src=GATEWAY_MAC, dst=GATEWAY_MAC) / IP(src="10.2.0.99", dst="10.2.0.11") / ICMP()
    with net.capture("g") as packets:
        for last, number in ((99, 0), (2, 1), (1, 2)):
            outer = IP(src=f"192.168.50.{last}", dst="192.168.50.2") / UDP(sport=5555, dport=4789, chksum=0)
            frame = Ether(src="0e:00:00:00:00:77", dst=net.mac("h2")) / outer / VXLAN(vni=0) / inner
            frame[ICMP].seq = number
            net.send("underlay", frame, interface="lan")
    assert [packet[ICMP].seq for packet in packets if ICMP in packet] == [2]
    # The kernel may drop what claims to come from the host itself before it is a tunnel packet.
    assert net.dropped("h2", refused) - before in (1, 2)
