"""``ovs-vpc doctor``: is a host fit to join, and is it well?"""

import os
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from controller.cli.common.consoles import err, out
from controller.cli.common.output import FAILED, JsonOption, fail, print_json
from controller.cli.common.state import LabOption, StateOption, Target, check_name, complete_host, find_target
from controller.status.status import HostStatus, Status, read_status
from controller.status.unreached import Unreached, sentences
from flows.model.contract import OVSDB_PORT
from mininet_topos.directory import host_node

if TYPE_CHECKING:
    from controller.inspect.checkup import Finding
    from controller.inspect.checkup.run import Run
    from flows.model import Host, Network
    from mininet_topos.client.lab import Lab

_ICMP_AND_IP = 28
"""Bytes of the headers of a ping (RFC 791, RFC 792)."""
_ADDRESS = re.compile(r"unix:.+|tcp:.+:[0-9]+")
SECONDS = 5.0
"""How long a command on a host may take: one that asks a switch which hangs never ends."""
_STYLES = {"error": "red", "warning": "yellow", "unchecked": "dim"}


def doctor(
    host: Annotated[
        str | None, typer.Argument(help="A host of the model. Default: all.", autocompletion=complete_host)
    ] = None,
    db: Annotated[
        str | None,
        typer.Option(help=f"The host's database, as unix:PATH or tcp:ADDRESS:{OVSDB_PORT}. Needed before it joins."),
    ] = None,
    as_json: JsonOption = False,
    state: StateOption = None,
    lab: LabOption = None,
) -> None:
    """Check hosts against the host contract, before they join and after, and say how to mend what is wrong.

    It checks the version, the datapath, the NIC, whether full-size tunnel packets fit, what another controller left,
    and settings. It changes nothing. Without --db it asks the databases of a lab's hosts, and those of other hosts at
    tcp:TUNNEL_IP:6640. In a lab, or on the host with --db unix:PATH, it checks the switch's flows too. There it also
    tries whether the host's kernel takes in what instances send: for a second the host has one more cable. In a lab it
    sends full-size packets between the tunnel addresses.

    Exit code 0: no errors. 1: some host has one, or cannot be reached.
    """
    if db is not None and not _ADDRESS.fullmatch(db):
        fail(f"'{db}' is not the address of a database; write unix:PATH or tcp:ADDRESS:PORT")
    from flows.model import Network

    target = None if db is not None and host is None else find_target(state, lab)
    network = target.model().network if target is not None else Network()
    if host is not None and target is not None and db is None:
        check_name("host", host, list(network.hosts))
    names = [host] if host is not None or db is not None else list(network.hosts)
    if not names:
        fail("the network has no hosts")
    findings = {}
    for name in names:
        label = name or str(db)
        with err.status(f"looking at {label}"):
            findings[label] = list(examine(target, network, name, db))
    if as_json:
        print_json({label: [asdict(finding) for finding in found] for label, found in findings.items()})
    else:
        _print(findings)
    if any(finding.severity == "error" for found in findings.values() for finding in found):
        raise SystemExit(FAILED)


def examine(target: Target | None, network: "Network", name: str | None, db: str | None) -> "Iterator[Finding]":
    """What is wrong with a host: of the model, or the one behind a database, or both."""
    from controller.inspect.checkup import Finding, check, read_host
    from controller.status.misfits import misfits
    from controller.store import StoreError

    host = network.hosts.get(name) if name is not None else None
    lab = target.lab if target is not None and db is None else None
    try:
        seen = read_host(_database(lab, host, db), _run(lab, host, db))
    except StoreError as error:
        yield Finding("error", f"its database cannot be reached: {error}", "systemctl start openvswitch-switch")
        return
    if seen is None:
        yield Finding("error", "its database is empty", "ovs-vsctl --no-wait init")
        return
    status = read_status(target.store) if target is not None else Status()
    known = status.hosts.get(name) if name is not None else None
    yield from check(seen, network, host, is_reached=known is not None and known.database)
    if target is not None and host is not None:
        yield from _sessions(known, network, host)
        for misfit in misfits(network, status):
            if misfit.place == host.name:
                yield Finding("error" if misfit.is_wrong else "warning", misfit.what, misfit.mend)
        yield from _underlay(None if seen.is_silent else lab, network, host)


def _database(lab: "Lab | None", host: "Host | None", db: str | None) -> str:
    if db is not None:
        return db
    assert host is not None
    return f"unix:{lab.path}/hosts/{host.name}/db.sock" if lab else f"tcp:{host.tunnel_ip}:{OVSDB_PORT}"


def _run(lab: "Lab | None", host: "Host | None", db: str | None) -> "Run | None":
    """How a command is run on the host: in a lab, or here when its database is a socket of this machine."""

    def in_lab(argv: Sequence[str], seconds: float = SECONDS, /) -> str | None:
        assert lab is not None
        assert host is not None
        return _output(lab.command(host_node(host.name), argv), os.environ, seconds)

    def here(argv: Sequence[str], seconds: float = SECONDS, /) -> str | None:
        assert db is not None
        return _output(argv, os.environ | {"OVS_RUNDIR": str(Path(db.removeprefix("unix:")).parent)}, seconds)

    if lab is not None:
        return in_lab
    return here if db is not None and db.startswith("unix:") else None


def _output(argv: Sequence[str], environment: Mapping[str, str], seconds: float) -> str | None:
    """What a command prints; None when it fails. Raises :class:`SilentError` when it does not end."""
    from controller.inspect.checkup import SilentError

    try:
        done = subprocess.run(argv, env=environment, capture_output=True, text=True, timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        raise SilentError from None
    except OSError:
        return None
    return done.stdout if done.returncode == 0 else None


def _sessions(known: HostStatus | None, network: "Network", host: "Host") -> "Iterator[Finding]":
    """What the controller says of the host; None: nothing yet."""
    from controller.inspect.checkup import Finding

    if known is None:
        yield Finding("warning", "no controller has checked it yet", "ovs-vpc controller")
        return
    if not known.database:
        what = "the controller does not reach its database"
        yield Finding("error", what, f"ovs-vsctl set-manager ptcp:{OVSDB_PORT}:{host.tunnel_ip}")
    if not known.switch:
        what = "its switch is not connected to the controller"
        yield Finding("error", what, "ovs-vsctl list controller; systemctl restart openvswitch-switch")
    if known.problem:
        yield Finding("error", known.problem, "ovs-vpc status")
    for other, since, small_only in known.unreached:
        address = network.hosts[other].tunnel_ip if other in network.hosts else other
        (what,) = sentences([Unreached(host.name, other, since, small_only)])
        size = f"-M do -s {network.underlay.mtu - _ICMP_AND_IP} " if small_only else ""
        yield Finding("error", what, f"ping -c 3 {size}{address}")


def _underlay(lab: "Lab | None", network: "Network", host: "Host") -> "Iterator[Finding]":
    """Whether packets get to the other hosts, and such as large as the underlay's MTU in one piece."""
    from controller.inspect.checkup import Finding

    for other in network.hosts.values():
        if other.name == host.name:
            continue
        full = ["-M", "do", "-s", str(network.underlay.mtu - _ICMP_AND_IP)]
        if lab is None:
            what = f"not tried from here: whether packets of {network.underlay.mtu} bytes get to {other.name}"
            yield Finding("unchecked", what, " ".join(_ping(other, full)))
        elif not _comes_back(lab, host, _ping(other, full)):
            if _comes_back(lab, host, _ping(other, [])):
                what = f"packets of {network.underlay.mtu} bytes do not get to {other.name} ({other.tunnel_ip})"
                yield Finding("error", what, f"ip link set NIC mtu {network.underlay.mtu}")
            else:
                what = f"nothing gets to {other.name} ({other.tunnel_ip}) and back over the underlay"
                mend = f"ip route get {other.tunnel_ip}; ip -s link; and the same on {other.name}"
                yield Finding("error", what, mend)


def _ping(other: "Host", options: Sequence[str]) -> list[str]:
    return ["ping", "-n", "-c", "1", "-W", "2", *options, str(other.tunnel_ip)]


def _comes_back(lab: "Lab", host: "Host", ping: Sequence[str]) -> bool:
    return lab.run(host_node(host.name), ping, capture_output=True).returncode == 0


def _print(findings: "Mapping[str, Sequence[Finding]]") -> None:
    for label, found in findings.items():
        bad = sum(finding.severity != "unchecked" for finding in found)
        out.print(escape(f"{label}: {'all is well' if not bad else f'{bad} to look at'}"), style="bold")
        for finding in found:
            out.print(escape(f"  {finding.severity}: {finding.what}"), style=_STYLES[finding.severity])
            out.print(escape(f"      {finding.mend}"))
