"""``ovs-vpc demo``: two VPCs that cannot talk, a peering, and then they can. With real packets."""

import re
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

import typer
from rich.markup import escape

import mininet_topos
from controller.cli.drawing import draw
from controller.cli.lab.up import build
from controller.cli.output import fail, out, read_network
from controller.cli.state import controller_state
from controller.cli.waiting import wait_confirmed
from controller.compiled import compiled
from controller.store import Store
from flows.plan import Desired
from mininet_topos.lab import Lab

_NETWORKS = Path(mininet_topos.__file__).parent / "networks"
_UNPEERED, _PEERED = _NETWORKS / "unpeered-vpcs.yaml", _NETWORKS / "peered-vpcs.yaml"
_HERE, _THERE = "host86", "host87"
_SECONDS = 15


def demo(name: Annotated[str, typer.Option(help="Name of the lab that it builds.")] = "demo") -> None:
    """Build two hosts and two VPCs, show that they cannot talk, peer them, and watch the packets. Takes seconds.

    Exit code 0: everything went as the model says. 1: something did not.
    """
    network, text = read_network(_UNPEERED)
    _step("The network: two VPCs on two hosts, not peered")
    out.print(draw(network))
    lab = build(network, text, str(_UNPEERED), name)
    try:
        _show(lab)
    finally:
        lab.down()
    out.print("\nThe lab is gone again: nothing is left of it on this machine.")


def _show(lab: Lab) -> None:
    store = Store(controller_state(lab))
    _step("Inside a VPC, from host to host: blue1 pings blue2")
    _ping(lab, "10.0.1.142", reaches=True)
    _step("Unpeered VPCs cannot talk: blue1 pings green1")
    _ping(lab, "172.16.0.47", reaches=False)

    before = {host: _desired(store, host) for host in (_HERE, _THERE)}
    _step(f"ovs-vpc apply {_PEERED.name}: the peering, and a route in each subnet")
    _, text = read_network(_PEERED)
    if not wait_confirmed(store, store.apply(text, str(_PEERED)), _SECONDS):
        fail("the peering was not confirmed by both hosts")
    out.print("confirmed by both hosts")

    _step("Peered, the same ping; the tunnel keys are read from the packets between the hosts")
    with _keys(lab) as keys:
        _ping(lab, "172.16.0.47", reaches=True)
    for source, target, key in keys:
        out.print(f"  {source} -> {target}: tunnel key {key}")
    if [key for _, _, key in keys] != [6774, 6289]:
        fail(f"the tunnel keys should have been 6774 and then 6289, not {[key for _, _, key in keys]}")

    for host in (_HERE, _THERE):
        _step(f"What made the difference on {host}")
        _show_difference(before[host], _desired(store, host))


def _step(title: str) -> None:
    out.print(f"\n[bold]{title}[/bold]")


def _ping(lab: Lab, target: str, *, reaches: bool) -> None:
    command = ["ping", "-n", "-c", "1", "-W", "1", target]
    done = lab.run("blue1", command, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        if "bytes from" in line or "packet loss" in line:
            out.print(f"  {escape(line)}", style="green" if "bytes from" in line else "")
    if (done.returncode == 0) != reaches:
        fail(f"this ping should {'' if reaches else 'not '}have been answered")


@contextmanager
def _keys(lab: Lab) -> Iterator[list[tuple[str, str, int]]]:
    """(from, to, tunnel key) of the GRE packets that pass the first host's NIC while a block runs."""
    keys: list[tuple[str, str, int]] = []
    # An inner ICMP packet stands behind the outer IP (20), GRE (8) and inner Ethernet (14) headers.
    inner_icmp = "ip proto 47 and ip[40:2] = 0x0800 and ip[51] = 1"
    # As root (-Z): a tcpdump that gives its rights up would outlive the command that started it.
    tcpdump_command = ["tcpdump", "-Z", "root", "-l", "-n", "-v", "--immediate-mode", "-i", "eth0", inner_icmp]
    command = lab.command(_HERE, tcpdump_command)
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as tcpdump:
        assert tcpdump.stdout is not None
        assert tcpdump.stderr is not None
        tcpdump.stderr.readline()
        yield keys
        time.sleep(0.3)
        tcpdump.terminate()
        seen = re.findall(
            r"([\d.]+) > ([\d.]+): GREv0, Flags \[key present\], key=(0x[0-9a-f]+)", tcpdump.stdout.read()
        )
    keys += [(source, target, int(key, 16)) for source, target, key in seen]


def _desired(store: Store, host: str) -> Desired:
    stored = store.load()
    desired = compiled(stored, store.read_status(), host) if stored else None
    if desired is None:
        fail(f"the controller knows nothing of {host}")
    return desired


def _show_difference(before: Desired, after: Desired) -> None:
    for sign, more, less in (("-", before, after), ("+", after, before)):
        flows = [flow for cookie, flow in more.flows.items() if cookie not in less.flows]
        for flow in sorted(flows, key=lambda flow: flow.table):
            for application in more.applications[flow.cookie]:
                where = f"{application.rule.table.name:13}"
                out.print(f"  {sign} {where} {escape(application.sentence)}", style="red" if sign == "-" else "green")
