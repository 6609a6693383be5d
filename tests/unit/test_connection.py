"""A connection with a switch, seen from the switch's end."""

import socket
from threading import Thread

import os_ken.base.app_manager  # noqa: F401  (os-ken must be loaded in this order)
from os_ken.ofproto import ofproto_v1_4 as ofp

from controller.openflow.bad_messages import BadMessages
from controller.openflow.connection import Connection
from controller.openflow.message_check import HEADER


def test_hello_comes_first() -> None:
    """The kind of fault: two threads send, and the order is chance.

    A beat may come before the thread of a new connection has run at all. A switch that gets anything else before the
    hello (OpenFlow 1.4, 6.3.1) ends the connection.
    """
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.create_connection(server.getsockname()) as switch,
    ):
        connection = Connection(*server.accept(), BadMessages())
        connection.beat()
        thread = Thread(target=connection.serve)
        thread.start()
        received = switch.recv(HEADER.size, socket.MSG_WAITALL)
        switch.shutdown(socket.SHUT_RDWR)
        thread.join(10)
    assert not thread.is_alive()
    _, kind, _, _ = HEADER.unpack(received)
    assert kind == ofp.OFPT_HELLO
