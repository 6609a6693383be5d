"""Sends frames in a lab's nodes and reports those that come: one process for all places, inside the lab.

``python -m tests.integration.frames_agent LABDIR``. The first line of standard input is a JSON list of places, each a
node and an interface; a line is written once all of them are listened to. Then each line is a place's index and a frame
in hexadecimal to send, or ``revalidate``; each line of output is a place's index, whether the frame left, and the
frame, or ``revalidated``. Only frames with the mark in them are reported.
"""

import json
import os
import selectors
import socket
import sys
from pathlib import Path

from mininet_topos.directory import LabDirectory
from mininet_topos.inside import namespaces
from mininet_topos.probes import wire

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
            elif (line := commands.readline()) == b"revalidate\n":
                _revalidate(directory)
                _write("revalidated")
            elif line:
                place, data = line.split()
                sockets[int(place)].send(bytes.fromhex(data.decode()))
            else:
                return


def _revalidate(directory: LabDirectory) -> None:
    """Have every switch look through its cached flows: it learns from what they passed, and renews the outdated."""
    request = {"id": 0, "method": "revalidator/wait", "params": []}
    switches = []
    for path in directory.path.glob("hosts/*/ovs-vswitchd.ctl"):
        switches.append(socket.socket(socket.AF_UNIX, socket.SOCK_STREAM))
        switches[-1].connect(str(path))
        switches[-1].sendall(json.dumps(request).encode())
    for switch in switches:
        switch.recv(4096)
        switch.close()


def _write(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
