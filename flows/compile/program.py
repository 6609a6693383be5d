"""From one host's view to the flows that its switch must hold."""

from collections.abc import Callable, Iterable, Iterator
from typing import Any

from flows.compile.desired import Desired, DesiredChange
from flows.compile.groups_and_meters import Referred
from flows.model import Origin
from flows.openflow.flow import Flow
from flows.openflow.groups_and_meters import key_of
from flows.pipeline.page import TABLES
from flows.pipeline.rules import Application
from flows.pipeline.tables import MODULES
from flows.units.said import Why
from flows.units.unit import Unit

ALWAYS = Why("the pipeline itself", Origin("flows/pipeline/page.py", 0))
"""The reason of misses, which are there without any object."""


class FlowConflict(Exception):  # noqa: N818 - a conflict of two objects, which the message names
    """Two objects want different flows with the same table, priority and match, or different things of one number.

    A valid network file leads to no such flows. Rules that do different things differ by a port's number, an address of
    a VPC, a MAC address of a segment, a tunnel key, or a route of a subnet. The checks let each of these be there once.
    It takes facts that contradict themselves: two interfaces with one number.
    """


_COMPILERS: dict[type, list[Callable[[Any], Iterator[Application]]]] = {}
for _module in MODULES:
    for _kind, _compiler in _module.UNITS.items():
        _COMPILERS.setdefault(_kind, []).append(_compiler)


def applications(unit: Unit) -> Iterator[Application]:
    """Every table's rule applications for one unit: depends on nothing but the unit."""
    for compiler in _COMPILERS[type(unit)]:
        yield from compiler(unit)


MISSES = tuple(table.miss_rule(ALWAYS) for table in TABLES if table.always)
"""The misses that are in every switch, whatever the model."""


class Program:
    """What one switch must hold, changed application by application. It begins with the misses of all tables.

    Whatever way led to them, the same applications make the same program.
    """

    def __init__(self) -> None:
        self._reasons: dict[int, tuple[Application, ...]] = {}
        self._learned: dict[int, tuple[Application, ...]] = {}
        self._taken: dict[bytes, int] = {}
        """The cookie of the flow in each place."""
        self._flows: dict[int, Flow] = {}
        self._referred = Referred()
        referred = self._referred
        self.desired = Desired(self._flows, self._reasons, self._learned, referred.entries, referred.users)
        self.change((), MISSES)

    def change(self, less: Iterable[Application], more: Iterable[Application]) -> DesiredChange:
        """Take applications away and add others. Returns the difference.

        Raises :class:`FlowConflict` when two of them want different flows in the same place; then nothing is changed.
        """
        change = DesiredChange()
        gone = list(less)
        for application in gone:
            self._remove(application, change)
        come: list[Application] = []
        try:
            for application in more:
                self._add(application, change)
                come.append(application)
        except FlowConflict:
            for application in come:
                self._remove(application, change)
            for application in gone:
                self._add(application, change)
            raise
        return change

    def _add(self, application: Application, change: DesiredChange) -> None:
        flow = application.flow
        cookie = flow.cookie
        refers = application.refers_to
        if refers and (other := self._referred.other(application)):
            raise _conflict(other, application)
        if self._taken.setdefault(flow.key, cookie) != cookie:
            raise _conflict(self._reasons[self._taken[flow.key]][0], application)
        reasons = self._reasons.get(cookie)
        if reasons is None:
            self._reasons[cookie] = (application,)
            self._flows[cookie] = flow
            if cookie in change.removed:  # as _note, which would take a good part of the time of a first compile
                change.removed.discard(cookie)
            else:
                change.added.add(cookie)
        elif reasons[0].flow != flow:
            raise FlowConflict(f"two flows have the cookie {cookie:#x}: '{reasons[0].flow.text()}', '{flow.text()}'")
        else:
            self._reasons[cookie] = (*reasons, application)
        if refers:
            self._referred.add(application)
            change.referred.update(map(key_of, refers))
        for learn in flow.shape.learns:
            if learn.cookie not in self._learned:
                _note(learn.cookie, change.learned, change.forgotten)
            self._learned[learn.cookie] = (*self._learned.get(learn.cookie, ()), application)

    def _remove(self, application: Application, change: DesiredChange) -> None:
        flow = application.flow
        if not _take_out(application, flow.cookie, self._reasons):
            del self._taken[flow.key], self._flows[flow.cookie]
            _note(flow.cookie, change.removed, change.added)
        if refers := application.refers_to:
            self._referred.remove(application)
            change.referred.update(map(key_of, refers))
        for learn in flow.shape.learns:
            if not _take_out(application, learn.cookie, self._learned):
                _note(learn.cookie, change.forgotten, change.learned)


def _take_out(application: Application, cookie: int, reasons: dict[int, tuple[Application, ...]]) -> bool:
    """Take one reason away. Returns whether others are left."""
    of_cookie = reasons[cookie]
    if len(of_cookie) == 1:
        del reasons[cookie]
        return False
    at = of_cookie.index(application)
    reasons[cookie] = of_cookie[:at] + of_cookie[at + 1 :]
    return True


def _note(cookie: int, here: set[int], there: set[int]) -> None:
    """What is taken away and added again is no change."""
    if cookie in there:
        there.discard(cookie)
    else:
        here.add(cookie)


def _conflict(one: Application, other: Application) -> FlowConflict:
    said = sorted(f"'{application.sentence}' for {application.why}" for application in (one, other))
    return FlowConflict(" and ".join(said))


def compile(units: Iterable[Unit]) -> Desired:
    """Compile a view from scratch.

    The same flow wanted by several objects becomes one with all of them as reasons. Raises :class:`FlowConflict`
    when objects want different flows in the same place.
    """
    program = Program()
    program.change((), (application for unit in units for application in applications(unit)))
    return program.desired
