"""The lab's physical networks: whatever a host sends reaches the others, with its tags, and so it is captured."""

import sys
from pathlib import Path

import pytest

from mininet_topos.client.lab import Lab
from tests.integration.frames import BROADCAST, Tag, Tags, frame
from tests.integration.lab_process import up
from tests.scenario import SHIPPED

pytestmark = pytest.mark.lab

SEND = """
import sys
from mininet_topos.probes import wire
for frame in sys.argv[2:]:
    wire.listen(sys.argv[1]).send(bytes.fromhex(frame))
"""
HOST_1, HOST_2 = "0e:02:00:00:00:01", "0e:02:00:00:00:02"
TAGS: list[Tags] = [
    (),
    (Tag(1001),),
    (Tag(1002, pcp=5),),
    (Tag(0, pcp=3),),
    (Tag(1001), Tag(7)),
    (Tag(0), Tag(7)),
    (Tag(9, tpid=0x88A8), Tag(8)),
]


def test_frames_pass_with_their_tags(base: Path) -> None:
    lab = up(base, "one", SHIPPED / "physical-vlans.yaml")
    sent = [frame(number, HOST_1, BROADCAST, tags) for number, tags in enumerate(TAGS)]
    # To a MAC address that has been seen elsewhere: this LAN forgets, as it shall be no obstacle in any VLAN.
    sent += [frame(8, HOST_2, BROADCAST, (Tag(1001),)), frame(9, HOST_1, HOST_2, (Tag(1002),))]
    with lab.capture("host2", "eth2") as there, lab.capture("physical", "office") as tap:
        lab.run("host1", [sys.executable, "-c", SEND, "eth1", *(data.hex() for data in sent)], check=True)
    assert there == sent
    assert tap == sent
    with lab.capture("host1", "eth1") as here, lab.capture("host2", "eth2") as there:
        lab.run("physical", [sys.executable, "-c", SEND, "office", *(data.hex() for data in sent)], check=True)
    assert here == there == sent
    answers_for_others(lab)


def answers_for_others(lab: Lab) -> None:
    """A host answers for none of its addresses there."""
    lab.run("physical", ["ip", "addr", "add", "192.168.50.200/24", "dev", "office"], check=True)
    asked = lab.run("physical", ["arping", "-I", "office", "-c", "2", "-w", "1", "192.168.50.1"], capture_output=True)
    assert b"Received 0" in asked.stdout
