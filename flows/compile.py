"""From one host's view to the flows that its switch shall hold."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flows.learning import Learn
from flows.model import Origin
from flows.openflow import Flow
from flows.pipeline import TABLES
from flows.plan import Desired
from flows.rules import Application, Why
from flows.tables import MODULES
from flows.view import Unit

ALWAYS = Why("the pipeline itself", Origin("flows/pipeline.py", 0))
"""The reason of misses, which are there without any object."""


class Conflict(Exception):  # noqa: N818 - a conflict of two objects, which the message names
    """Two objects want different flows with the same table, priority and match."""


_COMPILERS: dict[type, list[Callable[[Any], Iterator[Application]]]] = {}
for _module in MODULES:
    for _kind, _compiler in _module.UNITS.items():
        _COMPILERS.setdefault(_kind, []).append(_compiler)


def applications(unit: Unit) -> Iterator[Application]:
    """Every table's rule applications for one unit: depends on nothing but the unit."""
    for compiler in _COMPILERS[type(unit)]:
        yield from compiler(unit)


def misses() -> Iterator[Application]:
    """The misses of all tables: in every switch, whatever the model."""
    for table in TABLES:
        yield table.miss_rule(ALWAYS)


def compile(units: Iterable[Unit]) -> Desired:
    """Compile a view.

    The same flow wanted by several objects becomes one with all of them as reasons. Raises :class:`Conflict`
    when objects want different flows in the same place.
    """
    wanted: dict[int, list[Application]] = {}
    taken: dict[object, Application] = {}
    flows: dict[int, Flow] = {}
    for application in (*misses(), *(a for unit in units for a in applications(unit))):
        flow = application.flow
        first = taken.setdefault(flow.place, application)
        if first.flow.actions != flow.actions:
            raise Conflict(f"'{first.sentence}' for {first.why} and '{application.sentence}' for {application.why}")
        if flows.setdefault(flow.cookie, flow) != flow:
            raise Conflict(
                f"two flows have the cookie {flow.cookie:#x}: '{flow.text()}', '{flows[flow.cookie].text()}'"
            )
        wanted.setdefault(flow.cookie, []).append(application)
    in_order = {cookie: _in_order(reasons) for cookie, reasons in wanted.items()}
    learned: dict[int, list[Application]] = {}
    for cookie, reasons in in_order.items():
        for action in flows[cookie].actions:
            if isinstance(action, Learn) and action.full is None:
                learned.setdefault(action.cookie, []).extend(reasons)
    return Desired(flows, in_order, {cookie: _in_order(reasons) for cookie, reasons in learned.items()})


def _in_order(reasons: list[Application]) -> tuple[Application, ...]:
    """The reasons, each once, in an order that does not depend on the order of the units."""
    if len(reasons) == 1:
        return tuple(reasons)
    once = {(reason.why.what, str(reason.why.origin), reason.sentence): reason for reason in reasons}
    return tuple(once[key] for key in sorted(once))
