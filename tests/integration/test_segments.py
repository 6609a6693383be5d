"""Segments over tunnels: three hosts, two tenants, six instances, and the pipeline as it can be read (S13, S14)."""

import re
from collections.abc import Callable

import pytest
from scapy.all import ICMP

from controller.cli.lab.ping import ping_all, plugged
from flows.model.contract import TUNNEL_OFPORT
from tests.integration.frames import BROADCAST, MULTICAST, Frames, Got
from tests.integration.learned import Learned, entry, learned
from tests.integration.test_vpc import network
from tests.integration.vpclab import VpcLab, tunnelled
from tests.scenario import SHIPPED

pytestmark = pytest.mark.lab
Labs = Callable[[str], VpcLab]

OVER = [
    pytest.param("gre", marks=pytest.mark.system("S13")),
    pytest.param("vxlan", marks=pytest.mark.system("S14")),
    pytest.param("geneve", marks=pytest.mark.system("S13")),
]
SIX = ["red1", "red2", "red3", "black1", "black2", "black3"]
HOSTS = ["host1", "host2", "host3"]
STRANGER, VISITOR, OTHER = (f"02:00:5e:00:00:0{number}" for number in (1, 2, 3))
"""MAC addresses of nobody's port: those of machines behind an instance."""


@pytest.fixture
def lab(labs: Labs, encapsulation: str) -> VpcLab:
    return labs(network("three-hosts", encapsulation))


@pytest.fixture
def watch(lab: VpcLab, watches: Callable[..., Frames]) -> Frames:
    return watches(lab.lab, lab.network, *SIX, *HOSTS, hurried=True)


def test_the_vxlan_file_is_the_same_over_vxlan() -> None:
    file = (SHIPPED / "three-hosts-vxlan.yaml").read_text()
    assert file.partition("encapsulation:")[2] == network("three-hosts", "vxlan").partition("encapsulation:")[2] + "\n"


@pytest.mark.parametrize("encapsulation", OVER)
def test_every_pair_is_as_the_model_says(lab: VpcLab) -> None:
    ports = plugged(lab.store, lab.network)
    pairs = ping_all(lab.lab, lab.network, ports, ports)
    assert [pair for pair in pairs if not pair.is_right] == []
    assert len(pairs) == 30
    assert len([pair for pair in pairs if pair.answered]) == 12


@pytest.mark.parametrize("encapsulation", OVER)
def test_each_tenant_has_its_tunnel_id(lab: VpcLab) -> None:
    """The same address in both, so that only the tunnel id tells them apart."""
    for tenant, key in (("red", 1), ("black", 2)):
        other = "black2" if tenant == "red" else "red2"
        with lab.capture("host1") as packets, lab.capture(other) as stray:
            assert lab.ping(f"{tenant}1", f"{tenant}2").lost == 0
        seen = {(t.key, t.outer_source, t.outer_target) for t in tunnelled(packets) if ICMP in t.inner}
        assert seen == {(key, "192.168.50.1", "192.168.50.2"), (key, "192.168.50.2", "192.168.50.1")}
        assert not [packet for packet in stray if ICMP in packet]


@pytest.mark.parametrize("encapsulation", OVER)
def test_the_learned_entry(lab: VpcLab, watch: Frames) -> None:
    """Field by field what the learn action of table 10 makes of one frame from host2 (192.168.50.2 is c0a83202)."""
    watch.check("red2", BROADCAST, {"host1": 1, "host3": 1, "red1": (), "red3": ()}, source=STRANGER)
    found = entry(lab, "host1", STRANGER)
    assert found is not None
    assert found.vlan in local_vlans(lab, "host1")
    assert found == Learned(
        vlan=found.vlan,
        mac=STRANGER,
        priority=1,
        timeout=300,
        actions="load:0->NXM_OF_VLAN_TCI[],load:0x1->NXM_NX_TUN_ID[],load:0xc0a83202->NXM_NX_TUN_IPV4_DST[],"
        f"output:{TUNNEL_OFPORT}",
    )


@pytest.mark.parametrize("encapsulation", OVER)
def test_flooded_until_learned(watch: Frames) -> None:
    everywhere: Got = {"host2": 1, "host3": 1, "red2": (), "red3": ()}
    for target in (BROADCAST, MULTICAST, "33:33:00:00:00:01", VISITOR):
        watch.check("red1", target, everywhere)
    watch.check("red3", BROADCAST, {"host1": 1, "host2": 1, "red1": (), "red2": ()}, source=VISITOR)
    watch.check("red1", VISITOR, {"host3": 1, "red3": ()})
    watch.check("red2", VISITOR, {"host3": 1, "red3": ()})
    # From where the receiver is, a frame goes nowhere.
    watch.check("red3", VISITOR, {})
    # The other tenant has learned nothing of it.
    watch.check("black1", VISITOR, {"host2": 2, "host3": 2, "black2": (), "black3": ()})


@pytest.mark.parametrize("encapsulation", OVER)
def test_one_mac_in_two_tenants(lab: VpcLab, watch: Frames) -> None:
    watch.check("red2", BROADCAST, {"host1": 1, "host3": 1, "red1": (), "red3": ()}, source=OTHER)
    watch.check("black3", BROADCAST, {"host1": 2, "host2": 2, "black1": (), "black2": ()}, source=OTHER)
    watch.check("red1", OTHER, {"host2": 1, "red2": ()})
    watch.check("black1", OTHER, {"host3": 2, "black3": ()})
    assert len([one for one in learned(lab, "host1") if one.mac == OTHER]) == 2


@pytest.mark.parametrize("encapsulation", OVER)
def test_the_sources_tables(lab: VpcLab) -> None:
    """The numbers of its tables mean what they mean there."""
    tables = set(re.findall(r"table=(\d+),", lab.run("host1", "ovs-ofctl", "dump-flows", "br-int")))
    assert {"0", "1", "2", "3", "10", "20", "21"} <= tables
    rows = lab.run("host1", "ovs-ofctl", "--no-stats", "dump-flows", "br-int", "table=10")
    assert "NXM_OF_ETH_DST[]=NXM_OF_ETH_SRC[]" in rows
    assert "load:NXM_NX_TUN_ID[]->NXM_NX_TUN_ID[]" in rows
    flood = lab.run("host1", "ovs-ofctl", "--no-stats", "dump-flows", "br-int", "table=21")
    assert "0xc0a83202" in flood or "192.168.50.2" in flood


def local_vlans(lab: VpcLab, host: str) -> set[int]:
    """The local VLANs into which a host's switch puts frames of its instances."""
    rows = lab.run(host, "ovs-ofctl", "--no-stats", "dump-flows", "br-int", "table=21")
    return {int(vlan) for vlan in re.findall(r"dl_vlan=(\d+)", rows)}
