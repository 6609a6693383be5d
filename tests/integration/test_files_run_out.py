"""More connections than the process may have files: it takes no more, and goes on once there is room again."""

import resource
import socket
from pathlib import Path

from tests.properties.controller_process import Network
from tests.switch import wait_until

MODEL = """
encapsulation: vxlan
hosts: {h1: {tunnel_ip: 192.0.2.1}}
vpcs: {blue: {id: 7, subnets: {web: {cidr: 10.0.0.0/16}}}}
ports: {a: {vpc: blue, ips: [10.0.0.11], host: h1}}
"""
STRANGERS = 12


def test_files_run_out() -> None:
    """Kind of fault: a thread that ends silently, and with it what the process is there for."""
    network = Network(["h1"])
    strangers: list[socket.socket] = []
    try:
        network.apply(MODEL)
        network.settle()
        before = resource.prlimit(network.pid, resource.RLIMIT_NOFILE)
        assert before[0] == before[1], "as many as the system allows"
        used = max(int(one.name) for one in Path("/proc", str(network.pid), "fd").iterdir())
        resource.prlimit(network.pid, resource.RLIMIT_NOFILE, (used + 2, before[1]))
        strangers += [socket.create_connection(("127.0.0.1", network.openflow_port)) for _ in range(STRANGERS)]
        wait_until(lambda: "no connection can be taken" in network.log(), "the log to say so")
        for stranger in strangers:
            stranger.close()
        resource.prlimit(network.pid, resource.RLIMIT_NOFILE, before)
        gone = network.log().count("out of reach")
        network.switches["h1"].restart_vswitchd()
        wait_until(lambda: network.log().count("out of reach") > gone, "the switch to be gone")
        network.settle()
        network.compare()
        assert network.log().count("no connection can be taken") == 1
    finally:
        for stranger in strangers:
            stranger.close()
        network.stop()
