"""The list of features is complete, and what it says of units is so."""

from collections import Counter, defaultdict
from collections.abc import Iterator
from random import Random

import pytest

from controller.reconcile.packetin.dispatch import HANDLERS
from flows.compile import program, sources
from flows.compile.views import Views
from flows.features import FEATURES
from flows.inputs.facts import HostFacts
from flows.inputs.tags import Tags
from flows.model import Network, check
from flows.model.check.references import references
from flows.openflow.groups_and_meters import key_of
from flows.pipeline import numbers
from flows.pipeline.page import TABLES
from flows.units.unit import Unit
from tests.random_networks import random_network
from tests.scenario import SCENARIOS, SHIPPED, load, plugged, tags


def test_each_section_is_one_features() -> None:
    """A section that no feature lists would be read, and nobody would know what it is for."""
    listed = Counter(section for feature in FEATURES for section in feature.sections)
    assert listed == Counter(list(Network.model_fields))


def test_each_check_is_one_features() -> None:
    listed = Counter(check for feature in FEATURES for check in feature.checks)
    assert listed == Counter((*check._CHECKS, *check._WARNINGS)) - Counter([references])


def test_each_table_is_one_features() -> None:
    assert Counter(table.name for feature in FEATURES for table in feature.tables) == Counter(t.name for t in TABLES)


def test_each_group_and_meter_is_one_features() -> None:
    listed = [kind for feature in FEATURES for kind in feature.numbers]
    assert len(listed) == len({*numbers.METERS.values(), *numbers.GROUPS.values()})
    assert {*listed} == {*numbers.METERS.values(), *numbers.GROUPS.values()}


def test_each_handler_is_one_features() -> None:
    """A handler that no feature lists would take packets, and nobody would know what for."""
    assert Counter(handler for feature in FEATURES for handler in feature.handlers) == Counter(HANDLERS.keys())


def test_each_unit_is_of_a_subject_and_wanted_by_a_table() -> None:
    """A unit that no subject lists would not be looked at when it is asked who may share flows."""
    listed = {kind for subject in sources.SUBJECTS for kind in subject.units}
    assert listed == program._COMPILERS.keys()
    assert {kind.__name__ for kind in listed} == {kind.__name__ for kind in Unit.__subclasses__()}


def test_each_section_that_units_read_exists() -> None:
    for subject in sources.SUBJECTS:
        assert subject.sections | subject.port_sections <= Network.model_fields.keys()


def networks() -> Iterator[Network]:
    yield from (load(path) for path in sorted([*SHIPPED.glob("*.yaml"), *SCENARIOS.glob("*.yaml")]))
    yield from (random_network(Random(seed), 1 + seed % 4) for seed in range(40))


def views_of(network: Network, numbers: Tags, facts: dict[str, HostFacts]) -> Views:
    views = Views()
    views.set_model(network, numbers)
    for host, seen in facts.items():
        views.set_facts(host, seen)
    return views


def test_who_owns_flows_shares_none() -> None:
    """A unit that says it owns its flows, and shares one with another unit, would let a plan name a flow that stays."""
    shared = 0
    for network in networks():
        for host, units_of in views_of(network, tags(network), plugged(network)).take():
            wanted: dict[object, set[Unit]] = defaultdict(set)
            for unit in {unit for units in units_of.values() for unit in units}:
                for one in program.applications(unit):
                    for thing in (one.flow.cookie, *map(key_of, one.refers_to)):
                        wanted[thing].add(unit)
            for units in wanted.values():
                if len(units) > 1:
                    shared += 1
                    assert not [unit for unit in units if unit.owns_flows], (host, units)
    assert shared > 100


def test_a_section_that_no_feature_declares_matters_everywhere(monkeypatch: pytest.MonkeyPatch) -> None:
    """It could change anything: everything is made anew then, for the controller and for a plan."""
    network = load(SHIPPED / "peered-vpcs.yaml")
    views = views_of(network, tags(network), plugged(network))
    everything = {host: set(found) for host, found in views.take()}
    monkeypatch.setattr(sources, "_EVERYWHERE", {"routers"})
    other = load(SHIPPED / "two-lans.yaml")
    fields = {name: getattr(network, name) for name in Network.model_fields}
    for section, is_everywhere in (("switches", False), ("routers", True)):
        assert getattr(other, section)
        views.set_model(Network.model_construct(**{**fields, section: getattr(other, section)}), tags(network))
        assert ({host: set(found) for host, found in views.take()} == everything) is is_everywhere
        views.set_model(network, tags(network))
        assert list(views.take())
