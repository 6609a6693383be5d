"""Racks in the model: what they are, and every way to declare them wrongly."""

from ipaddress import IPv4Address, IPv4Network

import pytest

from flows.model import InvalidModel, Rack, Underlay, parse

TEXT = """
underlay:
  mtu: 9000
  racks:
    rack1: {cidr: 10.174.1.0/24}
    rack2: {cidr: 10.174.2.0/24, router: 10.174.2.254}
hosts:
  h1: {tunnel_ip: 10.174.1.11}
  h2: {tunnel_ip: 10.174.2.11}
"""


def _underlay(text: str) -> Underlay:
    return parse(text, "n.yaml")[0].underlay


def _errors(text: str) -> list[str]:
    with pytest.raises(InvalidModel) as caught:
        parse(text, "n.yaml")
    return [str(problem) for problem in caught.value.problems]


def test_racks() -> None:
    underlay = _underlay(TEXT)
    assert underlay.mtu == 9000
    assert {rack.name: (rack.cidr, rack.router) for rack in underlay.racks.values()} == {
        "rack1": (IPv4Network("10.174.1.0/24"), IPv4Address("10.174.1.1")),
        "rack2": (IPv4Network("10.174.2.0/24"), IPv4Address("10.174.2.254")),
    }
    assert underlay.racks["rack2"].origin.line == 6
    assert underlay.rack_of(IPv4Address("10.174.2.7")) is underlay.racks["rack2"]
    assert underlay.rack_of(IPv4Address("10.174.3.7")) is None


@pytest.mark.parametrize("racks", ["", "  racks:\n", "  racks: {}\n"])
def test_without_racks_hosts_may_be_anywhere(racks: str) -> None:
    hosts = "hosts:\n  h1: {tunnel_ip: 10.9.8.7}\n  h2: {tunnel_ip: 192.168.1.0}\n"
    assert _underlay(f"underlay:\n  mtu: 1500\n{racks}{hosts}").racks == {}


@pytest.mark.parametrize(("cidr", "router"), [("10.0.0.0/8", "10.0.0.1"), ("10.1.2.4/31", "10.1.2.4")])
def test_first_address_is_the_router(cidr: str, router: str) -> None:
    assert Rack.model_validate({"name": "r", "cidr": cidr}).router == IPv4Address(router)


@pytest.mark.parametrize(
    ("right", "wrong", "errors"),
    [
        (
            "10.174.1.11",
            "10.174.3.11",
            [
                "n.yaml:8:19: error: 10.174.3.11 of host 'h1' is in no rack; "
                "the racks: rack1 10.174.1.0/24, rack2 10.174.2.0/24"
            ],
        ),
        (
            "10.174.2.11",
            "10.174.2.254",
            ["n.yaml:9:19: error: 10.174.2.254 is the router of rack 'rack2'; a host needs its own"],
        ),
        (
            "10.174.1.11",
            "10.174.1.1",
            ["n.yaml:8:19: error: 10.174.1.1 is the router of rack 'rack1'; a host needs its own"],
        ),
        (
            "10.174.1.11",
            "10.174.1.0",
            ["n.yaml:8:19: error: 10.174.1.0 is the network address of 10.174.1.0/24, the range of rack 'rack1'"],
        ),
        (
            "10.174.1.11",
            "10.174.1.255",
            ["n.yaml:8:19: error: 10.174.1.255 is the broadcast address of 10.174.1.0/24, the range of rack 'rack1'"],
        ),
        (
            "10.174.2.0/24, router: 10.174.2.254",
            "10.174.0.0/16",
            ["n.yaml:6:19: error: 10.174.0.0/16 overlaps 10.174.1.0/24 of rack 'rack1'"],
        ),
        (
            "10.174.2.254",
            "10.174.1.2",
            ["n.yaml:6:42: error: the router 10.174.1.2 is outside 10.174.2.0/24, the range of its rack"],
        ),
        (
            "10.174.2.254",
            "10.174.2.255",
            [
                "n.yaml:6:42: error: 10.174.2.255 is the broadcast address of 10.174.2.0/24; "
                "a router needs an address of its own inside it"
            ],
        ),
        ("router", "routr", ["n.yaml:6:34: error: unknown key 'routr'; did you mean 'router'?"]),
        ("racks", "rack", ["n.yaml:4:3: error: unknown key 'rack'; did you mean 'racks'?"]),
    ],
)
def test_errors(right: str, wrong: str, errors: list[str]) -> None:
    assert _errors(TEXT.replace(right, wrong)) == errors


@pytest.mark.parametrize(
    ("cidr", "error"),
    [
        ("0.0.0.0/0", "0.0.0.0/0 cannot be a rack"),
        ("224.0.0.0/24", "224.0.0.0/24 cannot be a rack: 224.0.0.0/4 is for multicast"),
        (
            "10.174.1.7/24",
            "10.174.1.7/24 is an address inside a range, not the range itself; the range is 10.174.1.0/24",
        ),
        ("10.174.1.9/32", "10.174.1.9/32 has one address, which its router takes; the smallest rack is a /31"),
        ("10.174.1.0", "'10.174.1.0' is not a range: write its first address and prefix length, like 10.174.1.0/24"),
    ],
)
def test_ranges_that_no_rack_can_have(cidr: str, error: str) -> None:
    assert error in _errors(TEXT.replace("10.174.1.0/24", cidr))[0]


def test_a_rack_that_cannot_be_read_hides_no_host_and_accuses_none() -> None:
    """A host in a broken rack is not said to be in no rack; other errors are still found."""
    errors = _errors(TEXT.replace("10.174.1.0/24", "10.174.1.0/33").replace("10.174.2.11", "10.174.2.0"))
    assert [error.partition(": error: ")[0] for error in errors] == ["n.yaml:5:19", "n.yaml:9:19"]
