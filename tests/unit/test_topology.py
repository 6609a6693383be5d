"""What a lab consists of."""

from ipaddress import IPv4Address, IPv4Interface

import pytest

from flows.model import Network, parse
from flows.model.interfaces import INTERFACE_NAME_LENGTH
from mininet_topos.errors import LabError
from mininet_topos.topology.topology import check_change, describe, instance_changes, interface_names

TEXT = """
encapsulation: vxlan
underlay: {mtu: 1600}
hosts:
  h1: {tunnel_ip: 192.168.50.1}
  h2: {tunnel_ip: 10.9.8.7}
vpcs:
  home: {id: 100, subnets: {lan: {cidr: 10.1.0.0/24}}}
ports:
  a: {vpc: home, ips: [10.1.0.11, 10.1.0.12], host: h1}
  b: {vpc: home, ips: [10.1.0.13]}
"""


def _network(text: str) -> Network:
    return parse(text, "network.yaml")[0]


def test_hosts_and_ports() -> None:
    topology = describe(_network(TEXT))
    assert [host.management_ip for host in topology.hosts.values()] == [
        IPv4Address("169.254.0.2"),
        IPv4Address("169.254.0.3"),
    ]
    assert topology.hosts["h2"].lan.mtu == 1600
    assert topology.hosts["h2"].mac == "0e:00:00:00:00:02"
    port = topology.ports["a"]
    assert port.addresses == (IPv4Interface("10.1.0.11/24"), IPv4Interface("10.1.0.12/24"))
    assert (str(port.gateway), port.mtu, port.interface) == ("10.1.0.1", 1550, "a")
    assert topology.ports_of("h1") == (port,)
    assert topology.ports["b"].host is None


RACKS = TEXT.replace(
    "underlay: {mtu: 1600}",
    "underlay: {racks: {host1: {cidr: 192.168.50.0/24, router: 192.168.50.9}, a-long-long-name: {cidr: 10.8.0.0/15}}}",
)


def test_a_lan_for_each_rack() -> None:
    topology = describe(_network(RACKS))
    (first, leg), (second, other) = topology.legs
    assert topology.lans == (first, second)
    assert (topology.hosts["h1"].lan, topology.hosts["h2"].lan) == (first, second)
    assert (leg.address, other.address) == (IPv4Interface("192.168.50.9/24"), IPv4Interface("10.8.0.1/15"))
    assert (first.name, second.name[:7]) == ("host1", "a-long.")
    macs = [leg.mac, other.mac, *(host.mac for host in topology.hosts.values())]
    assert len(set(macs)) == 4


def test_one_lan_has_no_router() -> None:
    assert describe(_network(TEXT)).legs == ()


PHYSICAL = """
hosts:
  h1: {tunnel_ip: 192.168.50.1, physical: {office: eth1, a-very-long-name-of-a-network: eth2}}
  h2: {tunnel_ip: 192.168.50.2, physical: {office: nic}}
segments:
  red: {physical: {network: office, vlan: 7}}
ports:
  eth1: {segment: red, host: h2, ip: 10.0.0.1/24, gateway: 10.0.0.9}
  b: {segment: red, host: h1}
"""


def test_a_lan_for_each_physical_network() -> None:
    topology = describe(_network(PHYSICAL))
    office, other = topology.physical
    assert (office.name, other.name[:7]) == ("office", "a-very.")
    assert topology.hosts["h1"].physical == (("eth1", office), ("eth2", other))
    assert topology.hosts["h2"].physical == (("nic", office),)
    # On any host, because a port may move there.
    assert topology.ports["eth1"].interface.startswith("eth1.")


def test_instances_of_segments() -> None:
    topology = describe(_network(PHYSICAL))
    port = topology.ports["eth1"]
    assert (port.addresses, str(port.gateway)) == ((IPv4Interface("10.0.0.1/24"),), "10.0.0.9")
    assert (topology.ports["b"].addresses, topology.ports["b"].gateway) == ((), None)


@pytest.mark.parametrize("interface", ["eth0", "mgmt0", "all"])
def test_interfaces_that_a_host_cannot_have(interface: str) -> None:
    with pytest.raises(LabError, match=f"host 'h2' has the interface '{interface}' for the physical network 'office'"):
        describe(_network(PHYSICAL.replace("office: nic", f"office: {interface}")))


def test_management_network_is_taken() -> None:
    with pytest.raises(LabError, match=r"host 'h1' has the tunnel address 169\.254\.7\.7"):
        describe(_network(TEXT.replace("192.168.50.1", "169.254.7.7")))
    rack = "underlay: {racks: {low: {cidr: 169.0.0.0/8}}}\nhosts: {h1: {tunnel_ip: 169.0.0.2}}"
    with pytest.raises(LabError, match=r"rack 'low' has the range 169\.0\.0\.0/8"):
        describe(_network(rack))


@pytest.mark.parametrize("name", ["vm1", "web-server-0001"])
def test_a_short_name_is_the_interface(name: str) -> None:
    assert interface_names([name]) == {name: name}


@pytest.mark.parametrize("name", ["web-server-00012", "eth0", "br-int", "17", "all", "local", "x" * 63])
def test_other_names_get_a_digest(name: str) -> None:
    interface = interface_names([name])[name]
    assert interface != name
    assert len(interface) <= INTERFACE_NAME_LENGTH
    assert interface.startswith(name[:6])


def test_interface_names_are_unique() -> None:
    ports = [f"a-rather-long-name-{number}" for number in range(500)]
    assert len(set(interface_names(ports).values())) == 500


HOSTS = """hosts:
  h1: {tunnel_ip: 192.0.2.1}
  h2: {tunnel_ip: 192.0.2.2}
switches: {s1: {}}
"""


def test_hosts_that_stay_keep_their_numbers() -> None:
    """A host that comes before them in the file, or goes, changes no other's address, nor a plain switch's."""
    before = describe(_network(HOSTS))
    known = {name: host.index for name, host in before.hosts.items()}
    text = HOSTS.replace("  h1: {tunnel_ip: 192.0.2.1}", "  h0: {tunnel_ip: 192.0.2.9}")
    after = describe(_network(text), known)
    assert {name: host.index for name, host in after.hosts.items()} == {"h0": 3, "h2": 2}, "h1 is still there"
    assert after.hosts["h2"] == before.hosts["h2"]
    assert after.plain == before.plain
    changes = instance_changes(before, after)
    assert (changes.hosts_made, changes.hosts_ended) == (("h0",), ("h1",))
    again = describe(_network(HOSTS), {name: host.index for name, host in after.hosts.items()})
    assert {name: host.index for name, host in again.hosts.items()} == {"h1": 1, "h2": 2}


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("192.0.2.2", "192.0.2.3", "a running lab cannot change host 'h2', only add and remove hosts"),
        ("{tunnel_ip: 192.0.2.2}", "{tunnel_ip: 192.0.2.2, physical: {office: eth1}}", "cannot change host 'h2'"),
        (
            "h2",
            "h3",
            "host 'h3' gets the tunnel address of 'h2', which is still there; apply a file without 'h2' first",
        ),
        ("s1", "s2", "a running lab cannot get other racks, switches, links or routers"),
        ("hosts:", "underlay: {racks: {a: {cidr: 192.0.2.0/24, router: 192.0.2.254}}}\nhosts:", "cannot change host"),
    ],
)
def test_what_a_running_lab_cannot_become(old: str, new: str, message: str) -> None:
    before = describe(_network(HOSTS))
    with pytest.raises(LabError, match=message):
        check_change(before, describe(_network(HOSTS.replace(old, new))))
