"""A machine that speaks OpenFlow badly gets a line in the log, and not one for each message."""

import pytest

from controller.openflow.bad_messages import BadMessages


def test_one_line_in_a_minute(caplog: pytest.LogCaptureFixture) -> None:
    now = [0.0]
    bad_messages = BadMessages(lambda: now[0])
    for _ in range(1000):
        bad_messages.say("192.0.2.1", "bad")
    bad_messages.say("192.0.2.2", "bad too")
    assert caplog.messages == ["switch: bad", "switch: bad too"]
    now[0] = 61.0
    bad_messages.say("192.0.2.1", "worse")
    assert caplog.messages[2:] == ["switch: worse (999 more like it from 192.0.2.1 before)"]
