"""A machine that speaks OpenFlow badly gets a line in the log, and not one for each message."""

import pytest

from controller.openflow.complaints import Complaints


def test_one_line_in_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    complaints = Complaints(lambda: now[0])
    for _ in range(1000):
        complaints.say("192.0.2.1", "bad")
    complaints.say("192.0.2.2", "bad too")
    assert caplog.messages == ["switch: bad", "switch: bad too"]
    now[0] = 61.0
    complaints.say("192.0.2.1", "worse")
    assert caplog.messages[2:] == ["switch: worse (999 more like it from 192.0.2.1 before)"]
