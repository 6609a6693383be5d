"""``ovs-vpc status`` where packets travel: tunnels that work, and one that does not."""

import json
import re
import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest

from tests.integration.vpclab import VpcLab
from tests.scenario import SHIPPED
from tests.switch import wait_until

pytestmark = pytest.mark.lab

PEERED = (SHIPPED / "peered-vpcs.yaml").read_text()


def status(lab: VpcLab) -> tuple[int, dict[str, Any]]:
    command = [sys.executable, "-m", "controller", "status", "--json", "--state", str(lab.store.directory)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    return done.returncode, json.loads(done.stdout)


def test_a_tunnel_that_does_not_work(labs: Callable[[str], VpcLab]) -> None:
    lab = labs(PEERED)
    assert status(lab)[0] == 0
    lab.allow("connection failed|Connection refused|connection dropped|Network is down")
    lab.run("host87", "ip", "link", "set", "eth0", "down")
    try:
        lab.lab.restart_switch("host86")  # it probes all paths again
        pattern = "host86 cannot reach .*host87.* over the underlay since"
        wait_until(lambda: any(re.search(pattern, one) for one in status(lab)[1]["wrong"]), "the report", 20)
        assert status(lab)[0] == 1
    finally:
        lab.run("host87", "ip", "link", "set", "eth0", "up")
    wait_until(lambda: status(lab)[0] == 0, "all to be well again", 30)
    log = (lab.lab.path / "controller" / "controller.log").read_text()
    assert re.search("WARNING tunnel: host86 cannot reach .*host87", log)
    assert re.search("INFO tunnel: host86 reaches .*host87.* again", log)


def test_metrics_on_loopback(labs: Callable[[str], VpcLab]) -> None:
    lab = labs(PEERED)
    read = "import urllib.request as u; print(u.urlopen('http://127.0.0.1:9476/metrics').read().decode())"
    told = lab.run("controller", sys.executable, "-c", read)
    assert 'ovs_vpc_host_confirmed_generation{host="host86"}' in told
