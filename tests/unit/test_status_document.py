"""The status as it is written and read again: nothing is lost on the way, whoever wrote it."""

from hypothesis import given
from hypothesis import strategies as st

from controller.status.report import Report, before
from controller.status.status import (
    Happened,
    HostReport,
    HostStatus,
    PluggedIn,
    Progress,
    ProgressStatus,
    ReachedNetwork,
    Status,
    SwitchPlug,
    SwitchStatus,
    UnreachedHost,
    open_links,
    parse_status,
    plain,
    read_progress,
)
from flows.inputs.facts import HostFacts, Interface
from flows.model.contract import datapath_id

WORDS = st.text(max_size=5)
NUMBERS = st.integers(0, 9)
HAPPENED = st.builds(Happened, NUMBERS, st.none() | WORDS, st.none() | st.floats(0, 1e9))
PROGRESS = st.builds(Progress, NUMBERS, NUMBERS, st.booleans(), NUMBERS)
HOSTS = st.builds(
    HostReport,
    database=st.booleans(),
    problem=st.none() | WORDS,
    problems=st.lists(WORDS).map(tuple),
    drift=HAPPENED,
    drops=st.dictionaries(WORDS, NUMBERS),
    unreached=st.lists(st.builds(UnreachedHost, WORDS, st.floats(0, 1e9), st.booleans())).map(tuple),
    interfaces=st.lists(st.builds(PluggedIn, WORDS, WORDS, NUMBERS)).map(tuple),
    physical=st.lists(st.builds(ReachedNetwork, WORDS, NUMBERS)).map(tuple),
)
SWITCHES = st.builds(
    SwitchStatus,
    settled=st.booleans(),
    refused=HAPPENED,
    plugs=st.lists(st.builds(SwitchPlug, WORDS, NUMBERS, st.booleans())).map(tuple),
)


@given(HOSTS, PROGRESS, SWITCHES)
def test_what_is_written_is_read_again(host: HostReport, progress: Progress, switch: SwitchStatus) -> None:
    written = {"hosts": {"h": plain(host) | plain(progress)}, "switches": {"s": plain(switch)}}
    status = parse_status(written | {"open_links": [["a-b", None], ["b-c", 5]], "generation": 3, "ports": {"p": "h"}})
    assert status == Status(
        generation=3,
        hosts={"h": HostStatus(**host.__dict__, **progress.__dict__)},
        switches={"s": switch},
        open_links=(("a-b", None), ("b-c", 5)),
        ports={"p": "h"},
    )


def test_a_controller_of_another_version_wrote_it() -> None:
    status = parse_status({"hosts": {"h": {"switch": True, "of_the_future": [1, 2]}}, "more": {}, "generation": 4})
    assert status == Status(generation=4, hosts={"h": HostStatus(switch=True)})
    assert parse_status({}) == Status()


def test_links_are_read_without_the_rest() -> None:
    assert open_links({"open_links": [["a-b", None]], "hosts": "not even looked at"}) == {("a-b", None)}
    assert open_links({}) == frozenset()


def test_the_next_controller_knows_what_this_one_saw() -> None:
    facts = HostFacts(
        datapath_id("h"), "netdev", 7, frozenset({Interface("p", "tap1", 3, bound=True)}), frozenset({("lan", 9)})
    )
    report = Report()
    report.is_of(2, {"h": None}, lambda: {"m": "s"})
    report.observed("h", facts)
    report.lost("h", ["q"])
    report.placed("h", ["p"])
    switches = {"s": SwitchStatus(interfaces=(PluggedIn("m", "m", 1),))}
    document = report.changed(lambda _: HostReport(database=True), lambda _: Progress(2, 2), switches, [("a-b", None)])
    assert document is not None
    assert document["hosts"]["h"]["located"] == ["p"]
    assert (
        report.changed(lambda _: HostReport(database=True), lambda _: Progress(2, 2), switches, [("a-b", None)]) is None
    )
    known = before(parse_status(document))
    assert known.facts == {"h": facts}
    assert known.open_links == {("a-b", None)}
    assert known.on_hosts == {"h": {"p", "q"}}
    assert known.on_switches == {"s": {"m"}}


def test_who_has_confirmed_a_generation() -> None:
    class Store:
        def read_status(self) -> dict[str, object]:
            return {}

        def read_progress(self) -> dict[str, object]:
            return {"generation": 3, "progress": {"h": {"confirmed": 3}}, "switches": {"s": {"confirmed": 2}}}

    status = read_progress(Store())
    assert status.has_confirmed(2)
    assert not status.has_confirmed(3)
    assert not ProgressStatus().has_confirmed(1)


def test_a_switch_that_is_named_like_a_host_is_told_apart() -> None:
    status = Status(hosts={"a": HostStatus()}, switches={"a": SwitchStatus(), "b": SwitchStatus()})
    assert list(status.nodes) == ["a", "switch a", "b"]
