"""Instances that lost their place on br-int: ``lab ping`` counts them, and the lab plugs them in again."""

import json
from collections.abc import Callable

import pytest

from controller.cli.lab import ping as lab_ping
from controller.cli.lab import plug as lab_plug
from controller.status.misfits import unplugged
from controller.status.status import read_status
from mininet_topos.client.lab import Lab
from mininet_topos.errors import LabError
from tests.integration.test_move import LEFT
from tests.integration.vpclab import VpcLab
from tests.scenario import SHIPPED
from tests.switch import wait_until

pytestmark = pytest.mark.lab

PEERED = (SHIPPED / "peered-vpcs.yaml").read_text()


def ping(capsys: pytest.CaptureFixture[str], source: str | None, *, as_json: bool) -> tuple[object, str]:
    """``lab ping``: its exit code and what it prints."""
    with pytest.raises(SystemExit) as ended:
        lab_ping.ping(source, as_json=as_json)
    return ended.value.code, capsys.readouterr().out


@pytest.fixture
def lab(labs: Callable[[str], VpcLab], monkeypatch: pytest.MonkeyPatch) -> VpcLab:
    found = labs(PEERED)
    # The labs of tests are not where a user's are.
    monkeypatch.setattr(Lab, "find", lambda *_: found.lab)
    return found


def missing(lab: VpcLab) -> dict[str, str]:
    return unplugged(lab.network, read_status(lab.store))


def reaches(lab: VpcLab, source: str, target: str) -> bool:
    ports = lab.network.ports
    return lab_ping.ping_all(lab.lab, lab.network, [ports[source]], [ports[target]])[0].answered


def all_reach(lab: VpcLab) -> bool:
    ports = lab_ping.plugged(lab.store, lab.network)
    pairs = lab_ping.ping_all(lab.lab, lab.network, ports, ports)
    return len(pairs) == 12 and all(pair.is_right for pair in pairs)


def delete_bridge(lab: VpcLab) -> None:
    lab.run("host87", "ovs-vsctl", "del-br", "br-int")


def take_off(lab: VpcLab) -> None:
    lab.run("host87", "ovs-vsctl", "del-port", "blue2", "--", "del-port", "green1")


def cut(lab: VpcLab) -> None:
    for port in ("blue2", "green1"):
        lab.run("host87", "ovs-vsctl", "del-port", port)
        lab.run("host87", "ip", "link", "del", port)
    lab.lab.unplug("green1")


@pytest.mark.parametrize("harm", [delete_bridge, take_off, cut], ids=lambda harm: harm.__name__)
def test_instances_without_a_place_are_counted_and_plugged_in_again(
    lab: VpcLab, capsys: pytest.CaptureFixture[str], harm: Callable[[VpcLab], None]
) -> None:
    """br-int is deleted, interfaces are taken off it, cables are cut."""
    lab.allow(f"{LEFT}|connection (failed|dropped)|Connection refused")
    harm(lab)
    wait_until(lambda: missing(lab) == {"blue2": "host87", "green1": "host87"}, "the ports to be missed")
    code, printed = ping(capsys, None, as_json=False)
    assert code == 1
    assert "blue2 is not plugged in anywhere, failed: 6 pairs; ovs-vpc migrate blue2 host87 plugs it in" in printed
    assert "12 pairs: " in printed
    code, printed = ping(capsys, "blue2", as_json=True)
    assert code == 1
    assert [pair["unplugged"] for pair in json.loads(printed)] == [["blue2"], ["blue2", "green1"], ["blue2"]]
    for port in ("blue2", "green1"):
        lab.lab.plug(port, "host87")
    wait_until(lambda: missing(lab) == {}, "nobody to be missed")
    wait_until(lambda: all_reach(lab), "all to reach each other")


def test_plugged_and_unplugged_by_hand(lab: VpcLab, capsys: pytest.CaptureFixture[str]) -> None:
    """Out, back to where the model says, to another host than it says, and back: each told as it is."""
    lab.allow(f"{LEFT}|Network is down|No such device")
    lab_plug.unplug("blue2")
    assert missing(lab) == {"blue2": "host87"}
    assert not reaches(lab, "blue1", "blue2")
    with pytest.raises(LabError, match="port 'blue2' is not plugged in anywhere"):
        lab_plug.unplug("blue2")
    lab_plug.plug("blue2")
    assert reaches(lab, "blue1", "blue2")
    lab_plug.plug("blue2", "host86")
    assert not reaches(lab, "blue1", "blue2")
    lab_plug.plug("blue2")
    assert all_reach(lab)
    told = capsys.readouterr().out.splitlines()
    assert told[:3] == [
        "blue2 is not plugged in anywhere; to plug it in again: ovs-vpc lab plug blue2",
        "blue2 is plugged into host87",
        "blue2 is plugged into host86",
    ]
    assert "says host87, so it gets nothing there; to move it: ovs-vpc migrate blue2 host86" in "".join(told[3:-1])
    assert told[-1] == "blue2 is plugged into host87"
    for wrong in (("blue3", None), ("blue2", "host88")):
        with pytest.raises(SystemExit):
            lab_plug.plug(*wrong)
    assert all_reach(lab)
