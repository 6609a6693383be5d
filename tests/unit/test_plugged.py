"""What ``status`` says of interfaces and ports that do not fit together."""

from typing import Any

import pytest

from controller.status.misfits import misfits, unplugged
from controller.status.status import parse_status
from flows.model import parse

TEXT = """
hosts: {h1: {tunnel_ip: 192.0.2.1}, h2: {tunnel_ip: 192.0.2.2}}
switches: {s1: {}, s2: {}}
vpcs: {v: {id: 1, subnets: {s: {cidr: 10.0.0.0/24}}}}
ports:
  c1: {vpc: v, ips: [10.0.0.11], host: h1}
  c2: {vpc: v, ips: [10.0.0.12]}
  m1: {switch: s1, ip: 192.168.1.1/24}
"""
NETWORK, _ = parse(TEXT, "n.yaml")


def status(*plugged: tuple[str, str, str], **more: Any) -> dict[str, Any]:
    """A status with interfaces (host, interface, iface-id), m1 at its switch."""
    hosts = {
        host: {
            "database": True,
            "interfaces": [(iface_id, name, 1) for at, name, iface_id in plugged if at == host],
            "lost": [],
        }
        for host in ("h1", "h2")
    }
    switches = {"s1": {"switch": True, "interfaces": [("m1", "m1", 1)], "lost": []}}
    return {"hosts": hosts, "switches": switches, "ports": {"c1": "h1", "c2": "h2", "m1": "s1"}, **more}


BOTH = (("h1", "tap1", "c1"), ("h2", "tap2", "c2"))


def said(reported: dict[str, Any]) -> list[tuple[bool, str]]:
    return [(misfit.is_wrong, str(misfit)) for misfit in misfits(NETWORK, parse_status(reported))]


def test_all_fits() -> None:
    assert said(status(*BOTH)) == []
    assert said({}) == [(False, note) for _, note in said({})], "nothing is known yet, so nothing is wrong"


@pytest.mark.parametrize(
    ("name", "is_wrong", "parts"),
    [
        ("c22", False, ["h1: interface tap9 says that it is port 'c22'", "did you mean 'c2'?", "iface-id=PORT"]),
        ("2f0c8b52-7d3e-4c7e-9f55-1d2b8a3c4d5e", False, ["which the model does not have", "declare the port"]),
        ("c2", True, ["says that it is port c2, which is on h2", "del-port br-int tap9", "ovs-vpc migrate c2 h1"]),
        ("m1", True, ["says that it is port m1, which is on plain switch s1", "del-port br-int tap9"]),
    ],
)
def test_an_interface_of_another_port_or_of_none(name: str, is_wrong: bool, parts: list[str]) -> None:
    ((wrong, sentence),) = said(status(*BOTH, ("h1", "tap9", name)))
    assert wrong == is_wrong
    assert [part for part in parts if part not in sentence] == []


def test_a_port_that_is_announced_to_move_may_be_on_both_hosts() -> None:
    network, _ = parse(TEXT.replace("host: h1}", "host: h1, moving_to: h2}"), "n.yaml")
    assert misfits(network, parse_status(status(*BOTH, ("h2", "tap9", "c1")))) == []


def test_a_thousand_interfaces_of_no_port_are_not_a_thousand_lines() -> None:
    found = said(status(*BOTH, *(("h1", f"tap{n}", f"x{n}") for n in range(1000))))
    assert len(found) == 21
    assert "980 interfaces say that they are ports which the model does not have" in found[-1][1]


def test_a_port_that_was_plugged_in_is_missed_and_one_that_never_was_is_noted() -> None:
    reported = status(BOTH[1])
    ((is_wrong, sentence),) = said(reported)
    assert (is_wrong, sentence.startswith("h1: not plugged in yet: c1; plug it in")) == (False, True)
    assert unplugged(NETWORK, parse_status(reported)) == {"c1": "h1"}
    reported["hosts"]["h1"]["lost"] = ["c1"]
    ((is_wrong, sentence),) = said(reported)
    assert is_wrong
    assert sentence.startswith(
        "h1: plugged in here before, but not plugged in anywhere now: c1; plug it in: ovs-vsctl add-port br-int"
    )
    reported["hosts"]["h1"]["database"] = False
    assert said(reported) == [], "what is there now is not known; that the database is gone is said elsewhere"


def test_a_port_that_is_declared_nowhere_and_plugged_in_nowhere() -> None:
    reported = status(BOTH[0])
    del reported["ports"]["c2"]
    ((is_wrong, sentence),) = said(reported)
    assert (is_wrong, sentence.startswith("not plugged in yet: c2; plug it in")) == (False, True)
    assert unplugged(NETWORK, parse_status(reported)) == {}


def test_a_machine_of_a_plain_switch() -> None:
    reported = status(*BOTH)
    reported["switches"]["s1"] = {"switch": True, "interfaces": [], "lost": ["m1"]}
    ((is_wrong, sentence),) = said(reported)
    assert is_wrong
    assert (
        "s1: plugged in here before, but not plugged in anywhere now: m1; plug it in: "
        "its interface on the switch is named m1" in sentence
    )
    reported["switches"]["s1"]["switch"] = False
    assert said(reported) == []
