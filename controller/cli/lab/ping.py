"""``ovs-vpc lab ping``: does every pair of ports reach each other just as the model says?"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer
from rich.markup import escape

from controller.cli.common.consoles import err, out
from controller.cli.common.output import FAILED, JsonOption, fail, print_json
from controller.cli.common.state import ThisLabOption, complete_port, lab_store
from controller.cli.common.tables import print_matrix
from mininet_topos.waiting import patience

if TYPE_CHECKING:
    from controller.store import Store
    from flows.model import AnyPort, Network
    from mininet_topos.client.lab import Lab
    from mininet_topos.probes.comparing import Pair
    from mininet_topos.probes.probe import Probe


def ping(
    source: Annotated[str | None, typer.Argument(help="A port. Default: all.", autocompletion=complete_port)] = None,
    target: Annotated[
        str | None, typer.Argument(help="Another port. Default: all.", autocompletion=complete_port)
    ] = None,
    as_json: JsonOption = False,
    lab: ThisLabOption = None,
) -> None:
    """Ping from every port to every other, and compare with what the model says must be reachable.

    A port that should answer and does not is asked three times. A port that is not plugged in reaches no other. Ports
    that never were on a host are left out.

    Exit code 0: everything is as the model says. 1: something is not.
    """
    from controller.status.misfits import unplugged
    from controller.status.status import read_status
    from flows.model.problem import counted, did_you_mean
    from mininet_topos.client.lab import Lab
    from mininet_topos.probes.comparing import summary

    found = Lab.find(lab)
    store = lab_store(found)
    stored = store.load()
    if stored is None:
        fail("no model was applied yet")
    missing = unplugged(stored.network, read_status(store))
    there = {port.name for port in plugged(store, stored.network)} | missing.keys()
    ports = [port for port in stored.network.ports.values() if port.name in there and port.address]
    for name in (source, target):
        if name is not None and name not in (port.name for port in ports):
            fail(f"port '{name}' is not plugged in{did_you_mean(name, [port.name for port in ports])}")
    sources = [port for port in ports if source in (None, port.name)]
    targets = [port for port in ports if target in (None, port.name)]
    what = f"pinging from {counted(len(sources), 'port')} to {len(targets)}"
    with err.status(what) as status:
        pairs, unsent = _ping(
            found, stored.network, sources, targets, missing, lambda n: status.update(f"{what}: {n} pairs so far")
        )
    wrong = [pair for pair in pairs if not pair.is_right]
    if unsent and wrong:
        _tell_full(unsent)
    if as_json:
        print_json([asdict(pair) | {"is_right": pair.is_right} for pair in pairs])
        raise SystemExit(FAILED if wrong else 0)
    _show(pairs, [port.name for port in sources], [port.name for port in targets])
    _show_wrong([pair for pair in wrong if not pair.unplugged])
    for name in sorted({name for pair in wrong for name in pair.unplugged}):
        failed = sum(name in pair.unplugged for pair in wrong)
        mend = f"ovs-vpc migrate {name} {missing[name]} plugs it in"
        out.print(f"[red]{name} is not plugged in anywhere[/red], failed: {counted(failed, 'pair')}; {mend}")
    out.print(summary(pairs))
    if wrong:
        raise SystemExit(FAILED)


def plugged(store: "Store", network: "Network") -> "list[AnyPort]":
    """The ports with an address that the controller sees plugged in, in the order of the model."""
    from controller.status.status import read_status

    seen = read_status(store).seen
    return [port for port in network.ports.values() if port.name in seen and port.address]


def ping_all(
    lab: "Lab",
    network: "Network",
    sources: "Sequence[AnyPort]",
    targets: "Sequence[AnyPort]",
    unplugged: "Collection[str]" = (),
) -> "list[Pair]":
    """Ping from each of some ports to each of some ports, itself left out. ``unplugged``: those that cannot answer."""
    return _ping(lab, network, sources, targets, unplugged, lambda _: None)[0]


def _ping(
    lab: "Lab",
    network: "Network",
    sources: "Sequence[AnyPort]",
    targets: "Sequence[AnyPort]",
    unplugged: "Collection[str]",
    progress: Callable[[int], None],
) -> "tuple[list[Pair], int]":
    """The same; and how many pings could not be sent, for the kernel had no room to note whom they are for."""
    from mininet_topos.probes.comparing import compare
    from mininet_topos.probes.neighbours import kernel_table

    unsent, refused = 0, kernel_table().refused

    def probe(probes: "Sequence[Probe]") -> list[bool]:
        nonlocal unsent
        found = lab.probe(probes, wait=patience(1.0), progress=progress)
        unsent += found.unsent
        return found.answered

    pairs = compare(network, sources, targets, probe, unplugged=unplugged)
    return pairs, max(unsent, kernel_table().refused - refused)


def _tell_full(unsent: int) -> None:
    """Other namespaces of this machine filled the table that the pings need, too."""
    from mininet_topos.probes.neighbours import kernel_table

    table = kernel_table()
    err.print(
        f"the kernel's neighbour table was full {unsent} times, so packets were not sent; missing answers may come "
        f"from that. All namespaces of this machine, other labs included, share its {table.limit} entries; "
        f"{table.entries} are in use now. To enlarge it, run as root of the machine: "
        f"sysctl -w net.ipv4.neigh.default.gc_thresh3={max(8 * table.limit, 8192)}",
        style="yellow",
    )


def _show(pairs: "list[Pair]", sources: list[str], targets: list[str]) -> None:
    """Every pair, where that can be read; what is wrong is told anyhow."""
    by_pair = {(pair.source, pair.target): pair for pair in pairs}
    rows = [[source, *(_cell(by_pair.get((source, target))) for target in targets)] for source in sources]
    if not print_matrix(("from \\ to", *targets), rows):
        out.print(
            f"{len(sources)} x {len(targets)} ports do not fit here, so only failures are shown; --json shows all"
        )


def _show_wrong(wrong: "Sequence[Pair]") -> None:
    """What is not as the model says: the targets of one source together, when it is for one reason."""
    groups: dict[tuple[str, bool, str], list[str]] = {}
    for pair in wrong:
        groups.setdefault((pair.source, pair.answered, pair.expected.reason), []).append(pair.target)
    for (source, answered, reason), targets in groups.items():
        verb = "reaches" if answered else "does not reach"
        should = "should not" if answered else "should"
        out.print(f"[red]{source} {verb} {', '.join(targets)}, but {should}[/red]: {escape(reason)}")


def _cell(pair: "Pair | None") -> str:
    if pair is None:
        return ""
    text = "yes" if pair.answered else "no"
    return text if pair.is_right else f"[red]{text}![/red]"
