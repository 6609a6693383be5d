"""What a switch learns of a segment, and forgets: real frames, and what the switch says that it holds."""

from collections.abc import Iterator

import pytest

from tests.scenario import SCENARIOS, compiled, load
from tests.switching.bench import Bench, Remote, host
from tests.switching.frame import Frame, Tag

RED, GREEN = 1, 2  # tunnel keys
RED_ACCESS, TRUNK, GREEN_ACCESS = 1, 2, 3  # ports
HOST2, HOST3 = Remote(host(2), GREEN), Remote(host(3), GREEN)
ASKER, MOVER, THIRD = 0x020000000001, 0x020000000002, 0x020000000003
NOBODY = 0x0200000000FF


@pytest.fixture
def bench() -> Iterator[Bench]:
    """Host h1 of segments.yaml: red is VLAN 1 in it, green VLAN 2."""
    with Bench((RED_ACCESS, TRUNK, GREEN_ACCESS, 4, 5, 60001)) as bench:
        bench.load(compiled(load(SCENARIOS / "segments.yaml"), "h1"))
        yield bench


def test_a_remote_station_is_learned_with_the_fields_of_the_classic_pipeline(bench: Bench) -> None:
    bench.send(Remote(host(2), RED), Frame(MOVER, NOBODY))
    assert bench.learned() == [
        "table=20, hard_timeout=300, priority=1,vlan_tci=0x0001/0x0fff,dl_dst=02:00:00:00:00:02 "
        "actions=load:0->NXM_OF_VLAN_TCI[],load:0x1->NXM_NX_TUN_ID[],load:0xc0000202->NXM_NX_TUN_IPV4_DST[],output:65000"
    ]
    assert bench.send(RED_ACCESS, Frame(ASKER, MOVER)) == {Remote(host(2), RED): Frame(ASKER, MOVER)}


def test_a_station_is_learned_in_the_form_of_its_port(bench: Bench) -> None:
    bench.send(TRUNK, Frame(MOVER, NOBODY, (Tag(102, 5),)))
    assert bench.learned() == [
        "table=20, hard_timeout=60, priority=1,vlan_tci=0x0002/0x0fff,dl_dst=02:00:00:00:00:02 "
        "actions=load:0x66->NXM_OF_VLAN_TCI[0..11],output:2"
    ]
    assert bench.send(GREEN_ACCESS, Frame(ASKER, MOVER)) == {TRUNK: Frame(ASKER, MOVER, (Tag(102),))}


def test_a_station_that_moves_is_followed_at_its_first_frame(bench: Bench) -> None:
    """Among ports and hosts, also back to where the datapath had flows of it before."""
    bench.send(GREEN_ACCESS, Frame(ASKER, NOBODY))
    ways: list[int | Remote] = [HOST2, TRUNK, HOST3, HOST2, HOST3, TRUNK, HOST2, TRUNK, HOST3]
    for number, place in enumerate(ways):
        bench.send(place, Frame(MOVER, NOBODY, (Tag(102),) if place == TRUNK else (), number))
        bench.settle()
        sent = bench.send(GREEN_ACCESS, Frame(ASKER, MOVER, number=number))
        assert set(sent) == {place}, f"after move {number}"


def test_frames_from_just_before_a_move_do_not_undo_it_for_long(bench: Bench) -> None:
    """Open vSwitch counts frames late, and learns from them once more when it does: the next frame puts it right."""
    for number in range(3):
        bench.send(GREEN_ACCESS, Frame(MOVER, NOBODY, number=number))
    for number in range(2):
        bench.send(TRUNK, Frame(MOVER, NOBODY, (Tag(102),), number))
        bench.settle()
    assert bench.learned()[0].endswith("output:2")
    bench.settle()
    assert bench.learned()[0].endswith("output:2")


def test_an_address_is_forgotten_when_it_was_silent_for_the_ageing_time(bench: Bench) -> None:
    bench.send(GREEN_ACCESS, Frame(MOVER, NOBODY))
    for number in range(20):  # 80 s of frames, most of them by the datapath alone
        bench.wait(4)
        bench.send(GREEN_ACCESS, Frame(MOVER, NOBODY, number=number))
    bench.wait(55)
    assert len(bench.learned()) == len(bench.learned(12)) == 1
    bench.wait(10)
    assert bench.learned() == bench.learned(12) == []
    assert set(bench.send(TRUNK, Frame(ASKER, MOVER, (Tag(102),)))) == {GREEN_ACCESS, HOST2, HOST3}


def test_at_the_limit_new_stations_are_flooded_and_known_ones_followed(bench: Bench) -> None:
    """Segment green learns two addresses."""
    for station in (MOVER, ASKER, THIRD):
        bench.send(TRUNK, Frame(station, NOBODY, (Tag(102),)))
        bench.settle()
    assert len(bench.learned()) == len(bench.learned(12)) == 2
    flooded = bench.send(GREEN_ACCESS, Frame(ASKER, THIRD))
    assert set(flooded) == {TRUNK, HOST2, HOST3}
    bench.send(HOST3, Frame(MOVER, NOBODY))
    bench.settle()
    assert set(bench.send(TRUNK, Frame(ASKER, MOVER, (Tag(102),)))) == {HOST3}
    assert len(bench.learned(12)) == 2
    bench.wait(70)
    bench.send(TRUNK, Frame(THIRD, NOBODY, (Tag(102),)))
    assert len(bench.learned()) == 1, "there is room again"


def test_one_segment_at_its_limit_leaves_the_others_alone(bench: Bench) -> None:
    for station in range(100):
        bench.send(TRUNK, Frame(0x020000010000 + station, NOBODY, (Tag(102),)))
        bench.send(TRUNK, Frame(0x020000010000 + station, NOBODY, (Tag(101),)))
    assert len(bench.learned()) == 2 + 100


def test_what_comes_from_a_tunnel_never_leaves_by_one(bench: Bench) -> None:
    bench.send(HOST3, Frame(MOVER, NOBODY))
    assert bench.send(HOST2, Frame(ASKER, MOVER)) == {}
    assert set(bench.send(HOST2, Frame(ASKER, NOBODY))) == {TRUNK, GREEN_ACCESS}


def test_a_tag_inside_is_payload(bench: Bench) -> None:
    inner = Tag(7, 3)
    bench.send(GREEN_ACCESS, Frame(MOVER, NOBODY))
    assert bench.send(TRUNK, Frame(ASKER, MOVER, (Tag(102), inner))) == {GREEN_ACCESS: Frame(ASKER, MOVER, (inner,))}
    flooded = bench.send(HOST2, Frame(ASKER, MOVER, (inner,)))
    assert flooded == {GREEN_ACCESS: Frame(ASKER, MOVER, (inner,)), TRUNK: Frame(ASKER, MOVER, (Tag(102), inner))}
    assert bench.send(GREEN_ACCESS, Frame(ASKER, MOVER, (Tag(0, 6), inner))) == {}, "to where it came from"


def test_a_frame_of_a_group_teaches_nothing(bench: Bench) -> None:
    group = 0x01005E000001
    assert bench.send(GREEN_ACCESS, Frame(group, NOBODY)) == bench.send(HOST2, Frame(group, NOBODY)) == {}
    assert bench.learned() == bench.learned(12) == []
