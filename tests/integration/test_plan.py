"""A plan against reality: what it says of who will reach whom is the difference of two full ``lab ping`` matrices."""

import json
import subprocess
import sys
from collections import Counter
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest

from controller.cli.common.waiting import unconfirmed, wait_confirmed, wait_plugged
from controller.cli.lab.ping import ping_all, plugged
from mininet_topos.waiting import patience
from tests.integration.vpclab import VpcLab
from tests.random_changes import Changing
from tests.scenario import ROOT

pytestmark = pytest.mark.lab

CHANGES, ALL_CHANGES = 4, 50


def matrix(lab: VpcLab) -> set[tuple[str, str]]:
    """Every pair of ports of which the first one's ping is really answered by the second."""
    ports = plugged(lab.store, lab.network)
    return {(pair.source, pair.target) for pair in ping_all(lab.lab, lab.network, ports, ports) if pair.answered}


def flows(lab: VpcLab) -> dict[str, set[str]]:
    """What each switch really holds of ours, without what it learned."""
    return {host: {one for one in lab.cookies(host) if one.startswith("0x76")} for host in lab.network.hosts}


def plan(lab: VpcLab, file: Path) -> dict[str, Any]:
    """What the command says."""
    command = [
        sys.executable,
        "-m",
        "controller",
        "plan",
        str(file),
        "--json",
        "--flows",
        "--state",
        str(lab.store.directory),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    told: dict[str, Any] = json.loads(done.stdout)
    assert done.returncode == (2 if told["objects"] else 0), done.stderr
    return told


def told_pairs(told: dict[str, Any], *, reach: bool) -> set[tuple[str, str]]:
    found: set[tuple[str, str]] = set()
    for change in told["reachability"]:
        if change["reach"] is reach:
            ports, others = change["ports"], change["others"]
            some = permutations(ports, 2) if ports == others else ((one, other) for one in ports for other in others)
            found |= {pair for one, other in some for pair in ((one, other), (other, one))}
    return found


def apply(lab: VpcLab, text: str) -> None:
    """Apply a network as ``ovs-vpc apply`` does: the instances follow."""
    lab.lab.follow(text)
    lab.apply(text)
    ports = list(lab.network.ports)
    assert wait_plugged(lab.store, ports, patience(30)), ports
    stored = lab.store.load()
    assert stored is not None
    assert wait_confirmed(lab.store, stored.generation, patience(10)), unconfirmed(lab.store, stored.generation)


def compare(changing: Changing, number: int, tmp_path: Path) -> None:
    """Hold some random changes of a network, one after the other, against what a plan says of each."""
    lab = VpcLab(changing.text)
    # The lab takes ports away while their switch still looks at them.
    lab.allow(r"(netdev_linux|dpif_netdev)\|(WARN|ERR)\|.*(Network is down|No such device)")
    file = tmp_path / "network.yaml"
    try:
        wait_plugged(lab.store, list(lab.network.ports), patience(30))
        reached, differences = matrix(lab), 0
        for _ in range(number):
            how = changing.change()
            file.write_text(changing.text)
            told = plan(lab, file)
            held = flows(lab)
            apply(lab, changing.text)
            now = matrix(lab)
            assert told_pairs(told, reach=True) == now - reached, (how, told)
            assert told_pairs(told, reach=False) == reached - now, (how, told)
            differences += len(now ^ reached)
            compare_flows(told, held, flows(lab))
            reached = now
        assert differences, "no change made a difference"
        lab.examine()
    finally:
        lab.down()


def compare_flows(told: dict[str, Any], before: dict[str, set[str]], after: dict[str, set[str]]) -> None:
    """The plan counts just the flows that came and went: at once, and when instances had followed."""
    for host in before.keys() | after.keys():
        words = [part[host]["words"] for part in (told["flows"], told["later"]["flows"]) if host in part]
        come, gone = (Counter(one for some in words for one in some[kind]) for kind in ("added", "removed"))
        counts = (come - gone).total(), (gone - come).total()
        assert counts == (len(after[host] - before[host]), len(before[host] - after[host])), (host, told)


def test_a_plan_says_what_pings_find(tmp_path: Path) -> None:
    compare(Changing(7), CHANGES, tmp_path)


@pytest.mark.full
@pytest.mark.timeout(3600)
def test_a_plan_says_what_pings_find_on_50_changes(tmp_path: Path) -> None:
    compare(Changing(11), ALL_CHANGES, tmp_path)
