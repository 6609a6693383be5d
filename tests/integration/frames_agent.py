"""Sends frames in a lab's nodes and reports those that come: one process for all places, inside the lab.

``python -m tests.integration.frames_agent LABDIR``. The first line of standard input is a JSON list of places, each a
node and an interface; a line is written once all of them are listened to. Then each line is a place's index and a frame
in hexadecimal to send; each line of output is a place's index, whether the frame left, and the frame. Only frames with
the mark of :mod:`tests.integration.frames` in them are reported.
"""

import json
import os
import selectors
import sys
from pathlib import Path

from mininet_topos import namespaces, wire
from mininet_topos.directory import LabDirectory

MARK = b"frame of a test "


def main() -> None:
    """Serve until standard input ends."""
    directory = LabDirectory(Path(sys.argv[1]))
    commands = os.fdopen(0, "rb", buffering=0)
    sockets = []
    for node, interface in json.loads(commands.readline()):
        with namespaces.inside(directory.namespace(node)):
            sockets.append(wire.listen(interface))
    selector = selectors.DefaultSelector()
    selector.register(commands, selectors.EVENT_READ)
    for index, packets in enumerate(sockets):
        selector.register(packets, selectors.EVENT_READ, index)
    _write("listening")
    while True:
        for key, _ in selector.select():
            if key.data is not None:
                frame = wire.receive(sockets[key.data])
                if MARK in frame.data:
                    _write(f"{key.data} {int(frame.is_outgoing)} {frame.data.hex()}")
            elif line := commands.readline():
                place, data = line.split()
                sockets[int(place)].send(bytes.fromhex(data.decode()))
            else:
                return


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
