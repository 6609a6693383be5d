"""``ovs-vpc demo``: two VPCs that cannot talk, a peering, and then they can. With real packets."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

import mininet_topos
from controller.cli.common.consoles import out
from controller.cli.common.output import fail, read_network
from controller.cli.common.state import OldOption, lab_store
from controller.cli.common.waiting import wait_confirmed
from controller.cli.lab.up import build
from mininet_topos.waiting import patience

if TYPE_CHECKING:
    from controller.store import Store
    from flows.compile.desired import Desired
    from mininet_topos.client.lab import Lab

_NETWORKS = Path(mininet_topos.__file__).parent / "networks"
_UNPEERED, _PEERED = _NETWORKS / "unpeered-vpcs.yaml", _NETWORKS / "peered-vpcs.yaml"
_HERE, _THERE = "host86", "host87"
_SECONDS = patience(15)
_IPV4, _GRE, _ICMP = b"\x08\x00", 47, 1


def demo(
    name: Annotated[str, typer.Option("--lab", help="Name of the lab that it builds.")] = "demo", old: OldOption = None
) -> None:
    """Build two hosts and two VPCs, show that they cannot talk, peer them, and watch the packets. Takes seconds.

    Exit code 0: everything went as the model says. 1: something did not.
    """
    from controller.cli.common.drawing import draw
    from mininet_topos.client.launch import undisturbed

    network, text = read_network(_UNPEERED)
    _step("The network: two VPCs on two hosts, not peered")
    out.print(draw(network))
    lab = build(network, text, str(_UNPEERED), name)
    store = lab_store(lab)
    try:
        _show(lab, store)
    finally:
        with undisturbed():
            store.close()
            lab.down()
    out.print("\nThe lab is gone again: nothing is left of it on this machine.")


def _show(lab: "Lab", store: "Store") -> None:
    _step("Inside a VPC, from host to host: blue1 pings blue2")
    _ping(lab, "10.0.1.142", reaches=True)
    _step("Unpeered VPCs cannot talk: blue1 pings green1")
    _ping(lab, "172.16.0.47", reaches=False)

    before = {host: _desired(store, host) for host in (_HERE, _THERE)}
    _step(f"ovs-vpc apply {_PEERED.name}: the peering, and a route in each subnet")
    network, _ = read_network(_PEERED)
    if not wait_confirmed(store, store.apply(network), _SECONDS):
        fail("the peering was not confirmed by both hosts")
    out.print("confirmed by both hosts")
    for host in (_HERE, _THERE):
        # The switch has the flows; it may not have looked yet at what it remembers of the ping that was not answered.
        lab.run(host, ["ovs-appctl", "revalidator/wait"], capture_output=True)

    _step("Peered, the same ping; the tunnel keys are read from the packets between the hosts")
    with lab.capture(_HERE) as frames:
        _ping(lab, "172.16.0.47", reaches=True)
    keys = _gre_keys(frames)
    for source, target, key in keys:
        out.print(f"  {source} -> {target}: tunnel key {key}")
    if [key for _, _, key in keys] != [6774, 6289]:
        fail(f"the tunnel keys should have been 6774 and then 6289, not {[key for _, _, key in keys]}")

    for host in (_HERE, _THERE):
        _step(f"What made the difference on {host}")
        _show_difference(before[host], _desired(store, host))


def _step(title: str) -> None:
    out.print(f"\n[bold]{title}[/bold]")


def _ping(lab: "Lab", target: str, *, reaches: bool) -> None:
    command = ["ping", "-n", "-c", "1", "-W", f"{patience(5 if reaches else 1):g}", target]
    done = lab.run("blue1", command, capture_output=True, text=True)
    for line in done.stdout.splitlines():
        if "bytes from" in line or "packet loss" in line:
            out.print(f"  {escape(line)}", style="green" if "bytes from" in line else "")
    if done.stderr:
        fail(f"ping does not run: {done.stderr.strip()}")
    if (done.returncode == 0) != reaches:
        fail(f"this ping should {'' if reaches else 'not '}have been answered")


def _gre_keys(frames: list[bytes]) -> list[tuple[str, str, int]]:
    """(from, to, tunnel key) of the GRE packets (RFC 2890) among some frames whose inside is an ICMP packet."""
    from ipaddress import IPv4Address

    keys = []
    for frame in frames:
        outer, gre, inner = frame[14:34], frame[34:42], frame[42:]
        if frame[12:14] == _IPV4 and outer[9] == _GRE and inner[12:14] == _IPV4 and inner[23] == _ICMP:
            source, target = IPv4Address(outer[12:16]), IPv4Address(outer[16:20])
            keys.append((str(source), str(target), int.from_bytes(gre[4:])))
    return keys


def _desired(store: "Store", host: str) -> "Desired":
    from controller.inspect.compiled import compiled
    from controller.status.status import read_status

    stored = store.load()
    desired = compiled(stored, read_status(store), host) if stored else None
    if desired is None:
        fail(f"the controller knows nothing of {host}")
    return desired


def _show_difference(before: "Desired", after: "Desired") -> None:
    for sign, more, less in (("-", before, after), ("+", after, before)):
        flows = [flow for cookie, flow in more.flows.items() if cookie not in less.flows]
        for flow in sorted(flows, key=lambda flow: flow.table):
            for application in more.applications[flow.cookie]:
                where = f"{application.rule.table.name:13}"
                out.print(f"  {sign} {where} {escape(application.sentence)}", style="red" if sign == "-" else "green")
