"""A switch, a controller's OpenFlow side, and sessions that end with the test."""

from collections.abc import Iterator

import pytest

from controller.ovsdb import HostSettings
from flows.model.contract import datapath_id
from tests.integration.ovsdb.support import Controller, Watcher
from tests.switch import Switch

TABLES = ((0, "classify"), (20, "unicast"))


@pytest.fixture
def switch() -> Iterator[Switch]:
    with Switch() as switch:
        yield switch


@pytest.fixture
def controller() -> Iterator[Controller]:
    controller = Controller()
    yield controller
    controller.close()


@pytest.fixture
def watchers() -> Iterator[list[Watcher]]:
    watchers: list[Watcher] = []
    yield watchers
    for watcher in watchers:
        watcher.sessions.stop()


@pytest.fixture
def watcher(watchers: list[Watcher]) -> Watcher:
    watchers.append(Watcher())
    return watchers[-1]


@pytest.fixture
def settings(controller: Controller) -> HostSettings:
    return HostSettings(
        datapath_id("a"),
        controller.target,
        "gre",
        TABLES,
        physical=(),
        underlay_mtu=1500,
        instance_mtu=1458,
        bound=None,
    )
