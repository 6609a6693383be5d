"""Groups of IPv4 and IPv6 cost the datapath nothing each: one cached flow for all of them, and one miss at most."""

from collections.abc import Iterator

import pytest

from flows.model import parse
from tests.scenario import compiled
from tests.switching.bench import Bench
from tests.switching.frame import Frame

MODEL = """
encapsulation: vxlan
hosts: {h1: {tunnel_ip: 192.0.2.1}}
segments:
  learns: {id: 1, vlan: 101}
  floods: {id: 2, vlan: 102, flood_only: true}
ports:
  floods1: {segment: floods, host: h1}
  floods2: {segment: floods, host: h1}
  learns1: {segment: learns, host: h1}
  learns2: {segment: learns, host: h1}
"""
FLOODS, LEARNS = (1, 2), (3, 4)
"""The OpenFlow ports: in the order of their names."""
SENDER, BROADCAST = 0x020000000001, 0xFFFFFFFFFFFF
IPV6, IPV4 = 0x3333FF000000, 0x01005E000000


@pytest.fixture(scope="module")
def bench() -> Iterator[Bench]:
    with Bench((*FLOODS, *LEARNS)) as bench:
        bench.load(compiled(parse(MODEL, "groups.yaml")[0], "h1"))
        yield bench


@pytest.mark.parametrize("first", [IPV6, IPV4], ids=["IPv6", "IPv4"])
@pytest.mark.parametrize(("port", "receiver"), [FLOODS, LEARNS], ids=["flood_only", "learning"])
def test_one_cached_flow_for_all_groups(bench: Bench, port: int, receiver: int, first: int) -> None:
    bench.send(port, Frame(SENDER, BROADCAST))
    bench.settle()
    before = missed(bench)
    for number in range(64):
        assert set(bench.send(port, Frame(SENDER, first + 251 * number))) == {receiver}
    assert missed(bench) - before <= 1


def missed(bench: Bench) -> int:
    """How many packets went the slow path."""
    return int(bench.control("dpif/show").split("missed:")[1].split()[0])
