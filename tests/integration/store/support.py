"""What the tests of the store share."""

import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

from controller.store.rows.schema import DATABASE
from controller.store.server.rpc import Connection
from flows.model import Network, parse

NETWORK = """
hosts: {h1: {tunnel_ip: 192.168.50.1}, h2: {tunnel_ip: 192.168.50.2}}
vpcs:
  blue: {id: 7, subnets: {web: {cidr: 10.0.1.0/24, routes: [{to: 10.0.2.0/24, via: b-g}]}}}
  green: {id: 0, subnets: {db: {cidr: 10.0.2.0/24, routes: [{to: 10.0.1.0/24, via: b-g}]}}}
segments: {red: {id: 9, vlan: 5}}
peerings: {b-g: {between: [blue/web, green/db]}}
ports:
  a: {vpc: blue, ips: [10.0.1.5, 10.0.1.4], host: h1}
  b: {vpc: green, ips: [10.0.2.5], host: h2}
  t: {trunk: [red]}
"""


def network(text: str = NETWORK, file: str = "network.yaml") -> Network:
    return parse(text, file)[0]


def with_ports(*lines: str) -> Network:
    """The network with more ports."""
    return network(NETWORK + "".join(f"  {line}\n" for line in lines))


def server_pid(directory: Path) -> int:
    return int((directory / "ovsdb-server.pid").read_text())


def kill_server(directory: Path) -> None:
    """Kill the store's server as a crash would."""
    pid = server_pid(directory)
    os.kill(pid, signal.SIGKILL)
    while _is_alive(pid):
        time.sleep(0.01)


def _is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def transact(directory: Path, *operations: Any) -> list[Any]:
    """Do something in the database behind the store's back."""
    connection = Connection(f"unix:{directory}/db.sock")
    try:
        results: list[Any] = connection.call("transact", [DATABASE, *operations], 10)
    finally:
        connection.close()
    return results


def run(*command: str, **options: Any) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60, **options)
    assert done.returncode == 0, f"{command}: {done.stderr}"
    return str(done.stdout)
