"""``ovs-vpc explain``: what a flow is there for, in a sentence."""

import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from controller.cli.common.output import FAILED, JsonOption, fail, print_json, tell
from controller.cli.common.state import LabOption, StateOption, Target, check_name, complete_place, find_target

if TYPE_CHECKING:
    from controller.store import Stored
    from flows.explain.explain import Explainer, Meaning, Pasted

_SHOWN = 10
"""So many lines that are no flows are named."""


@dataclass(frozen=True, slots=True)
class _Explained:
    pasted: "Pasted"
    meanings: "Mapping[str, Meaning]"
    """By host; of hosts for which it means the same only the first."""

    @property
    def table(self) -> str:
        from flows.pipeline.page import table_name

        for meaning in self.meanings.values():
            return meaning.table
        return table_name(self.pasted.place[0]) if self.pasted.place else ""


def explain(
    flows: Annotated[
        list[str] | None,
        typer.Argument(help="A cookie, a line of ovs-ofctl dump-flows, or a flow. Default: lines from standard input."),
    ] = None,
    host: Annotated[
        str | None,
        typer.Option(help="The host or plain switch that the flows are from.", autocompletion=complete_place),
    ] = None,
    as_json: JsonOption = False,
    state: StateOption = None,
    lab: LabOption = None,
) -> None:
    """Say in a sentence what a flow does, and the object (file and line) that it is there for.

    On a host: ovs-ofctl dump-flows br-int | ovs-vpc explain. Learned flows are explained too; flows of another program
    are called foreign. The flows are taken to be from the host that has most of them. A flow that means different
    things on several hosts is explained for each, unless --host names one.

    Exit code 0: every flow belongs to the current model. 1: some do not.
    """
    if not flows and sys.stdin.isatty():
        fail("give a cookie or a flow, or pipe the flows in: ovs-ofctl dump-flows br-int | ovs-vpc explain")
    pasted = _read(flows or [sys.stdin.read()])
    target = find_target(state, lab)
    stored = target.model()
    places = [*stored.network.hosts, *stored.network.switches]
    if host is not None:
        check_name("host", host, places)
        places = [host]
    explainers = dict(_explainers(target, stored, places))
    if not explainers:
        fail("the controller has not reached any host yet")
    explained = _explained(pasted, explainers)
    if as_json:
        print_json([_plain(one) for one in explained])
    else:
        for one in explained:
            _print(one)
    if not all(one.meanings for one in explained):
        raise SystemExit(FAILED)


def _read(texts: Sequence[str]) -> "list[Pasted]":
    """The flows of some texts; ends the command when there are other things, with these."""
    from flows.explain.explain import flows_of, read_line
    from flows.model.problem import shown

    found, wrong = [], []
    for line in (line for text in texts for line in flows_of(text)):
        pasted = read_line(line)
        if pasted is None:
            wrong.append(shown(line.strip()))
        else:
            found.append(pasted)
    if wrong:
        more = f" and {len(wrong) - _SHOWN} more" if len(wrong) > _SHOWN else ""
        fail("neither a cookie nor a flow (a flow has 'table=' and 'actions='): " + "; ".join(wrong[:_SHOWN]) + more)
    if not found:
        fail("there is no flow to explain")
    return found


def _explainers(target: Target, stored: "Stored", places: Sequence[str]) -> "Iterator[tuple[str, Explainer]]":
    from controller.inspect.compiled import compiled, compiled_switch
    from controller.status.status import HostStatus, read_status
    from flows.explain.explain import Explainer
    from flows.model.contract import tunnel_port

    status = read_status(target.store)
    for place in places:
        is_host = place in stored.network.hosts
        desired = (compiled if is_host else compiled_switch)(stored, status, place)
        if desired is None:
            continue
        known = status.hosts[place] if is_host else status.switches[place]
        names = {name: ofport for _, name, ofport in known.interfaces}
        if isinstance(known, HostStatus):
            if known.tunnel is not None:
                names[tunnel_port(stored.network.encapsulation)] = known.tunnel
            reached = stored.network.hosts[place].physical
            names |= {reached[network]: ofport for network, ofport in known.physical if network in reached}
        else:
            names |= {name: ofport for name, ofport, _ in known.plugs}
        yield place, Explainer(desired, names)


def _explained(pasted: "Sequence[Pasted]", explainers: "Mapping[str, Explainer]") -> list[_Explained]:
    """What the flows mean on the host that they are from: where most of them are known, so far as that is one."""
    known = {place: [explainer.meaning(flow) for flow in pasted] for place, explainer in explainers.items()}
    counts = {place: sum(meaning is not None for meaning in meanings) for place, meanings in known.items()}
    likely = [place for place, count in counts.items() if count == max(counts.values())]
    return [
        _Explained(flow, _different({place: known[place][index] for place in likely}))
        for index, flow in enumerate(pasted)
    ]


def _different(meanings: "Mapping[str, Meaning | None]") -> "dict[str, Meaning]":
    found: dict[str, Meaning] = {}
    for place, meaning in meanings.items():
        if meaning is not None and meaning not in found.values():
            found[place] = meaning
    return found


def _print(one: _Explained) -> None:
    from flows.explain.explain import stranger
    from flows.model.problem import counted

    seen = one.pasted.packets
    packets = "" if seen is None else f", {counted(seen, 'packet')}"
    head = f"{one.table}: " if one.table else ""
    if not one.meanings:
        tell(f"{head}{stranger(one.pasted)}{packets}  ({one.pasted.text})", "yellow")
        return
    for place, meaning in one.meanings.items():
        where = f"on {place}: " if len(one.meanings) > 1 else ""
        tell(f"{head}{where}{meaning.sentence}  [{'; '.join(meaning.because_of)}]{packets}")


def _plain(one: _Explained) -> dict[str, Any]:
    from flows.explain.explain import stranger

    return {
        "flow": one.pasted.text,
        "cookie": f"{one.pasted.cookie:#x}" if one.pasted.cookie is not None else None,
        "table": one.table or None,
        "packets": one.pasted.packets,
        "is_known": bool(one.meanings),
        "does": {place: meaning.sentence for place, meaning in one.meanings.items()} or stranger(one.pasted),
        "because_of": {place: list(meaning.because_of) for place, meaning in one.meanings.items()},
    }
