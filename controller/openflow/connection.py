"""One connection with a switch: os-ken's, but for three things that do not hold there (ADR 4).

- **Liveness.** os-ken ends a session when some echo requests have no answer, whoever was late. Here a session is ended
  when its switch is silent although this process had the time to hear it, and had nothing else from it to read.
- **The end.** os-ken's threads wait for each other, and tell of a connection that has ended only when something is
  sent. Here it is told at once.
- **Bad messages.** os-ken writes a traceback, and leaves them out. Here they are found before they are taken apart, one
  line is written, and where somebody may wait for just this message the connection ends.
"""

import fcntl
import logging
import select
import socket
import struct
import termios
from contextlib import suppress
from threading import Lock
from typing import Any

from os_ken.controller import controller as osken
from os_ken.controller import ofp_event
from os_ken.controller.handler import DEAD_DISPATCHER
from os_ken.lib import hub
from os_ken.ofproto import ofproto_v1_4 as ofp
from os_ken.ofproto import ofproto_v1_4_parser as parser

from controller.openflow.bad_messages import BadMessages
from controller.openflow.message_check import HEADER, Fault, fault, is_used
from controller.process_clock import INTERVAL

SILENCE = 2.0
"""Seconds of silence after which a switch that has nothing to do counts as gone. It is seen half a second later."""
MOST_SILENCE = 10.0
"""Seconds of silence that are borne at most, from a switch that is slow or has much to do."""
_BYTES_PER_SECOND = 100_000
"""How many bytes a switch is assumed to carry out in a second: a thousandth of what an idle one does."""
READING = 1_000_000
"""What a request for all flows counts for, in bytes."""
_SLOWNESS = 3
"""How many times as long as of late a switch may take to answer."""
_FORGETS = 0.98
"""What is left of the slowness that was seen, from beat to beat: half of it after 17 seconds."""
_ROOM = 12
"""Messages in os-ken's queue (of 16) above which no echo request is added: then its end would be waited for."""
_CHUNK = 1 << 16
_TRANSACTION = (ofp.OFPT_BUNDLE_CONTROL, ofp.OFPT_BUNDLE_ADD_MESSAGE)
"""What pieces of a transaction begin with: its switch says when all of it is done."""

_log = logging.getLogger(__name__)


class Connection(osken.Datapath):  # type: ignore[misc]
    """One connection. Three threads use it: os-ken's two for receiving and sending, and the beat's."""

    def __init__(self, end: socket.socket, address: Any, bad_messages: BadMessages) -> None:
        super().__init__(end, address)
        self._bad_messages = bad_messages
        self._poll = select.poll()
        self._poll.register(end, select.POLLIN | select.POLLOUT)
        self._is_heard = False
        """Whether anything came since the last beat."""
        self._silent = 0
        """Beats since something came."""
        self._slowest = 0.0
        """For how many beats it was silent of late before it answered after all."""
        self._given = 0
        """Bytes of transactions that it was sent, and has not confirmed."""
        self._unsent = 0
        """Bytes that waited for it in the kernel at the last beat."""
        # Before anybody knows of the connection: a switch that gets anything else first ends it.
        self.send_msg(parser.OFPHello(self))

    @property
    def where(self) -> str:
        """Address and port of the switch."""
        return f"{self.address[0]}:{self.address[1]}"

    def serve(self) -> None:
        """Serve the connection; returns when it has ended."""
        hub.spawn(self._send_loop)
        try:
            self._recv_loop()
        except Exception as error:  # a handler of os-ken, with what no check here knows
            self._complain(Fault(f"a message that cannot be used ({error!r})"))
        finally:
            self.is_active = False
            self.close()
            self.send(b"", close_socket=True)  # the sending thread waits for something to send

    def close(self) -> None:
        """End the connection; the receiving thread notices at once."""
        super().close()
        with suppress(OSError):  # it has ended already
            self.socket.shutdown(socket.SHUT_RDWR)

    def send(self, buf: bytes, close_socket: bool = False) -> bool:
        """Send some bytes; False when the connection has ended."""
        if buf and buf[1] in _TRANSACTION:
            self._given += len(buf)
        return bool(super().send(buf, close_socket))

    def give(self, amount: int) -> None:
        """It was sent a request that takes as long as a transaction of so many bytes."""
        self._given += amount

    def has_done_all(self) -> None:
        """It has confirmed all that it was sent."""
        self._given = 0

    def beat(self) -> None:
        """Check whether it still answers, and send an echo request. Never waits."""
        if self.state == DEAD_DISPATCHER:
            return
        self._count_silence()
        if self._silent * INTERVAL >= self._allowed:
            words = f"{self.where}: silent for {self._silent * INTERVAL:.1f} s; its session is ended"
            if self.id is None:  # no switch, or none that works: there may be many such
                self._bad_messages.say(self.address[0], words)
            else:
                _log.warning("switch: %s", words)
            self.close()
            return
        waiting = self.send_q
        if waiting is not None and waiting.qsize() < _ROOM:
            self.send_msg(parser.OFPEchoRequest(self))

    @property
    def _allowed(self) -> float:
        """Seconds for which it may be silent now."""
        learned = max(SILENCE, _SLOWNESS * self._slowest * INTERVAL)
        work = 0 if self._unsent else self._given  # one that does not even read has no work
        return min(MOST_SILENCE, learned + work / _BYTES_PER_SECOND)

    def _count_silence(self) -> None:
        self._slowest *= _FORGETS
        unsent, before = self._waiting_in_kernel(), self._unsent
        self._unsent = unsent
        if self._is_heard or unsent < before:
            self._slowest = max(self._slowest, self._silent)
            self._is_heard, self._silent = False, 0
        elif not self._is_late():
            self._silent += 1

    def _waiting_in_kernel(self) -> int:
        """Bytes that were handed to the kernel, and that the switch's machine has not acknowledged."""
        try:
            (unsent,) = struct.unpack("i", fcntl.ioctl(self.socket, termios.TIOCOUTQ, b"\0\0\0\0"))
        except (OSError, ValueError):
            return 0  # it has ended
        return int(unsent)

    def _is_late(self) -> bool:
        """Whether this process is the late one: it has something to read or to send, and had no time for it."""
        try:
            ready = dict(self._poll.poll(0)).get(self.socket.fileno(), 0)
        except (OSError, ValueError):
            return False
        has_more = self.send_q is not None and self.send_q.qsize() > 0
        return bool(ready & select.POLLOUT) and (bool(ready & select.POLLIN) or has_more)

    def _recv_loop(self) -> None:
        received = bytearray()
        try:
            while self.state != DEAD_DISPATCHER:
                try:
                    chunk = self.socket.recv(_CHUNK)
                except TimeoutError:
                    continue
                if not chunk:
                    return
                self._is_heard = True
                received += chunk
                if not self._take(received):
                    return
        except OSError:
            return
        finally:
            self.socket.close()

    def _take(self, received: bytearray) -> bool:
        """Take all whole messages out; False when the connection cannot go on."""
        at = 0
        while len(received) - at >= HEADER.size:
            _, kind, size, _ = HEADER.unpack_from(received, at)
            if size < HEADER.size:
                self._complain(Fault(f"a message says that it is {size} bytes long"))
                return False
            if len(received) - at < size:
                break
            message = bytes(memoryview(received)[at : at + size])
            at += size
            found = fault(message)
            if found is not None:
                self._complain(found)
                if found.is_fatal:
                    return False
            elif is_used(kind):
                self._hand_on(message)
                if self.state == DEAD_DISPATCHER:
                    return False
        del received[:at]
        return True

    def _hand_on(self, message: bytes) -> None:
        """Give a sound message to its handlers."""
        _, kind, _, xid = HEADER.unpack_from(message)
        if kind == ofp.OFPT_MULTIPART_REPLY and self.id is None:
            return  # nobody asked: with the ports os-ken would take it for a switch that it knows by its id
        if kind == ofp.OFPT_HELLO:
            message = message[: HEADER.size]  # what it offers was looked at, and is enough
        elif kind == ofp.OFPT_BARRIER_REPLY:
            self.has_done_all()
        version = ofp.OFP_VERSION
        taken = parser.msg_parser(self, version, kind, len(message), xid, bytearray(message))
        event = ofp_event.ofp_msg_to_ev(taken)
        self.ofp_brick.send_event_to_observers(event, self.state)
        if kind == ofp.OFPT_ERROR:
            return  # os-ken's handler only writes it down
        for handler in self.ofp_brick.get_handlers(event):
            if self.state in handler.callers[event.__class__].dispatchers:
                handler(event)

    def _complain(self, found: Fault) -> None:
        who = f"{self.where} (datapath id {self.id:016x})" if self.id is not None else self.where
        end = "; the connection is ended" if found.is_fatal else "; it is left out"
        self._bad_messages.say(self.address[0], f"{who}: bad OpenFlow: {found.words}{end}")


class Connections:
    """All connections, and the way in for new ones."""

    def __init__(self) -> None:
        self._bad_messages = BadMessages()
        self._lock = Lock()
        self._open: set[Connection] = set()

    def accept(self, end: socket.socket, address: Any) -> None:
        """Serve a switch that has connected; os-ken calls this in a thread of its own."""
        try:
            connection = Connection(end, address, self._bad_messages)
        except OSError:
            end.close()  # it has gone already
            return
        with self._lock:
            self._open.add(connection)
        try:
            connection.serve()
        finally:
            with self._lock:
                self._open.discard(connection)

    def beat(self) -> None:
        """Look after all of them."""
        with self._lock:
            connections = list(self._open)
        for connection in connections:
            connection.beat()
