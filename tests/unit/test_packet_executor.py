"""By which of its lookups a packet goes on, and which are only looks aside: a trace shows the first."""

import pytest
from scapy.layers.inet import ICMP, IP
from scapy.layers.l2 import Ether

from flows.model import GATEWAY_MAC
from flows.openflow.fields import IN_PORT
from flows.pipeline.page import table_name
from flows.simulate.extract import extract
from flows.simulate.switch import Switch
from tests.scenario import SCENARIOS, compiled, load, plugged

NETWORK = load(SCENARIOS / "announced.yaml")


def shown(port: str, to: str, ttl: int = 64) -> tuple[list[str], bool]:
    """The tables on a packet's way through host h2, and whether it ends with the controller."""
    sender = NETWORK.ports[port]
    ofport = next(i.ofport for i in plugged(NETWORK)["h2"].interfaces if i.iface_id == port)
    frame = Ether(src=sender.mac_address, dst=GATEWAY_MAC) / IP(src=str(sender.address), dst=to, ttl=ttl) / ICMP()
    switch = Switch(compiled(NETWORK, "h2").flows.values())
    walk = switch.receive(extract(bytes(frame)).having((IN_PORT, ofport)))
    assert walk.controller, "the controller is told of it"
    return [table_name(step.table) for step in walk.steps if not step.aside], walk.ends_at_controller


@pytest.mark.parametrize(
    ("to", "last"), [("10.0.0.4", "deliver"), ("10.0.0.77", "route_table")], ids=["delivered", "dropped"]
)
def test_a_packet_of_which_the_controller_is_told_has_its_way_all_the_same(to: str, last: str) -> None:
    """The flow that looks a packet up twice hid its way behind the second lookup, which tells the controller."""
    tables, ends_at_controller = shown("roamer", to)
    assert tables[:3] == ["classify", "classify", "port_security"]
    assert tables[-1] == last
    assert not ends_at_controller


def test_a_packet_whose_ttl_is_used_up_ends_with_the_controller() -> None:
    tables, ends_at_controller = shown("roamer", "10.9.9.9", ttl=1)
    assert tables[-1] == "gateway"
    assert ends_at_controller
