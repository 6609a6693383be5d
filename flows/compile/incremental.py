"""What every switch must hold, kept up to date source by source. Flows that several switches have are held once.

A *source* is what units come from: a port, a segment, the host itself. Which units a source gives is the business
of :mod:`flows.compile.views`; here they become applications, and these a switch's program.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass
from ipaddress import IPv4Address

from flows.compile.desired import Desired, DesiredChange
from flows.compile.program import Program, applications
from flows.pipeline.rules import Application
from flows.units.unit import Unit

Source = str


@dataclass(eq=False, slots=True)
class _Compiled:
    """A unit with its applications, for all switches that have it."""

    unit: Unit
    applications: tuple[Application, ...]
    uses: int = 0


class Compiler:
    """Compiles units, each once for as long as any switch has it."""

    def __init__(self) -> None:
        self._known: dict[Unit, _Compiled] = {}

    def take(self, units: Iterable[Unit]) -> tuple[_Compiled, ...]:
        """A source of a switch gives these. What it gives for several reasons, as a trunk does for each of its
        segments, is taken once."""
        taken = dict.fromkeys(map(self._compiled, units))
        for compiled in taken:
            compiled.uses += 1
        return tuple(taken)

    def applications(self, units: Iterable[Unit]) -> Iterator[Application]:
        """The flows of units, which are kept for as long as the compiler is."""
        for compiled in map(self._compiled, units):
            yield from compiled.applications

    def _compiled(self, unit: Unit) -> _Compiled:
        compiled = self._known.get(unit)
        if compiled is None:
            compiled = self._known[unit] = _Compiled(unit, tuple(applications(unit)))
        return compiled

    def drop(self, compiled: Iterable[_Compiled]) -> None:
        """The switch that took these no longer has them."""
        for one in compiled:
            one.uses -= 1
            if not one.uses:
                del self._known[one.unit]

    def __len__(self) -> int:
        """How many units there are."""
        return len(self._known)


class IncrementalDesired:
    """What one switch must hold."""

    def __init__(self, compiler: Compiler) -> None:
        self._compiler = compiler
        self._program = Program()
        self._of: dict[Source, tuple[_Compiled, ...]] = {}
        self._refused: dict[Source, tuple[Unit, ...]] = {}
        """What sources give that could not become a part of the program, until it can."""
        self._sends_to: Counter[IPv4Address] = Counter()
        self._neighbours: frozenset[IPv4Address] = frozenset()

    @property
    def desired(self) -> Desired:
        """What it must hold; a new object after each change."""
        return self._program.desired

    @property
    def is_refused(self) -> bool:
        """Whether a conflict keeps some units out of it."""
        return bool(self._refused)

    @property
    def neighbours(self) -> Set[IPv4Address]:
        """The tunnel addresses of the hosts that it sends to: a new object only when they have changed."""
        return self._neighbours

    def units(self) -> frozenset[Unit]:
        """The units that it is compiled from."""
        return frozenset(compiled.unit for of_source in self._of.values() for compiled in of_source)

    def change(self, sources: Mapping[Source, tuple[Unit, ...]]) -> DesiredChange:
        """Take in the present units of some sources; the others are unchanged.

        Raises :class:`~flows.compile.program.FlowConflict`: then the program stays as it is, until a later change
        resolves it.
        """
        sources = {**self._refused, **sources}
        new = {source: self._compiler.take(units) for source, units in sources.items()}
        old = {source: self._of.get(source, ()) for source in new}
        less, more = _difference(old, new), _difference(new, old)
        try:
            change = self._program.change(
                (application for compiled in less for application in compiled.applications),
                (application for compiled in more for application in compiled.applications),
            )
        except Exception:
            self._refused = sources
            for compiled in new.values():
                self._compiler.drop(compiled)
            raise
        self._refused = {}
        self._sends_to.update(ip for one in more for ip in one.unit.sends_to)
        self._sends_to.subtract(ip for one in less for ip in one.unit.sends_to)
        self._sends_to = +self._sends_to if less else self._sends_to
        if self._sends_to.keys() != self._neighbours:
            self._neighbours = frozenset(self._sends_to)
        for source, compiled in new.items():
            self._compiler.drop(old[source])
            if compiled:
                self._of[source] = compiled
            else:
                self._of.pop(source, None)
        return change

    def clear(self) -> None:
        """The switch has left the model."""
        for compiled in self._of.values():
            self._compiler.drop(compiled)
        self._of.clear()


def _difference(
    these: Mapping[Source, tuple[_Compiled, ...]], those: Mapping[Source, tuple[_Compiled, ...]]
) -> list[_Compiled]:
    """What each source gives in one and not in the other."""
    found: list[_Compiled] = []
    for source, compiled in these.items():
        others = set(those[source]) if those[source] else ()
        found += [one for one in compiled if one not in others]
    return found
