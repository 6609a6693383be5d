"""How long a plan takes: ``python -m tests.benchmarks.plan`` prints the figures of this machine.

A network of 5,000 ports on 50 hosts is in the store, with the report of a controller that has seen every port plugged
in. Then one port changes its address, or one route goes, and ``ovs-vpc plan`` says what that would do.
"""

import os
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from controller.store import Store
from flows.compile.declared import host_facts
from flows.model import Network, parse

_HOSTS, _PORTS = 50, 5000


def network(vpcs: int) -> str:
    """5,000 ports in so many VPCs, those next to each other peered; each VPC on every host, as far as its ports go."""
    each = _PORTS // vpcs
    lines = ["encapsulation: geneve", "hosts:"]
    lines += [f"  h{host}: {{tunnel_ip: 192.0.2.{host + 1}}}" for host in range(_HOSTS)]
    lines += ["vpcs:"]
    peerings = [(vpc, vpc + 1) for vpc in range(0, vpcs - 1, 2)]
    for vpc in range(vpcs):
        peer = vpc ^ 1
        routes = f"{{to: 10.{peer}.0.0/16, via: p{min(vpc, peer)}}}" if peer < vpcs else ""
        lines.append(f"  v{vpc}: {{id: {vpc + 1}, subnets: {{s: {{cidr: 10.{vpc}.0.0/16, routes: [{routes}]}}}}}}")
    lines.append("ports:")
    for port in range(_PORTS):
        vpc, number = divmod(port, each)
        ip = f"10.{vpc}.{(number + 2) // 250}.{(number + 2) % 250 + 2}"
        lines.append(f"  x{port}: {{vpc: v{vpc}, ips: [{ip}], host: h{port % _HOSTS}}}")
    lines.append("peerings:")
    lines += [f"  p{one}: {{between: [v{one}/s, v{other}/s]}}" for one, other in peerings]
    return "\n".join([*lines, ""])


def status(network: Network) -> dict[str, Any]:
    """What a controller reports that has seen every port plugged in."""
    facts = host_facts(network)
    hosts = {
        name: {
            "datapath": seen.datapath_type,
            "tunnel": seen.tunnel_ofport,
            "interfaces": sorted((i.iface_id, i.name, i.ofport) for i in seen.interfaces),
            "physical": [],
            "located": sorted(i.iface_id for i in seen.interfaces),
        }
        for name, seen in facts.items()
    }
    progress: dict[str, Any] = {name: {} for name in hosts}
    return {"generation": 1, "hosts": hosts, "progress": progress, "switches": {}, "open_links": []}


_CHANGES: dict[str, Callable[[str], str]] = {
    "one port": lambda text: text.replace("  x7: {vpc: v0, ips: [10.0.0.11]", "  x7: {vpc: v0, ips: [10.0.200.9]"),
    "one route": lambda text: text.replace("routes: [{to: 10.1.0.0/16, via: p0}]", "routes: []", 1),
}


def _seconds(command: list[str]) -> float:
    """Of the processor, that a command takes: the machine may be busy with other things."""
    before = os.times()
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    after = os.times()
    assert done.returncode in (0, 2), done.stderr
    return after.children_user + after.children_system - before.children_user - before.children_system


def main() -> None:
    """Print the figures."""
    print(f"{_PORTS} ports on {_HOSTS} hosts; seconds of the processor for a whole command")
    for vpcs in (2, 50):
        with tempfile.TemporaryDirectory() as name:
            state, file = Path(name) / "state", Path(name) / "network.yaml"
            text = network(vpcs)
            old, _ = parse(text, str(file))
            with Store(state) as store:
                store.apply(old)
                store.write_status(status(old))
                file.write_text(text)
                validate = [sys.executable, "-m", "controller", "validate", str(file)]
                print(f"{vpcs} VPCs: validate {_seconds(validate):.1f}", end="")
                command = [sys.executable, "-m", "controller", "plan", str(file), "--state", str(state)]
                print(f", plan of nothing {_seconds(command):.1f}", end="", flush=True)
                for what, change in _CHANGES.items():
                    changed = change(text)
                    assert changed != text, what
                    file.write_text(changed)
                    print(f", of {what} {_seconds(command):.1f}", end="", flush=True)
            print()


if __name__ == "__main__":
    main()
