"""Watches the paths over the underlay that are in use.

A path leads from one host to another that it sends to. The sender's switch sends a probe, a small frame of the
controller's own, into the tunnel; the receiver's switch passes it up. In a full mesh of 1,000 hosts there are 1,000,000
paths, so not all can be probed each second. A fixed number of probes per second goes round. Each host has its turn at
least every two seconds: then the path to one other host and back is probed. So a host that is cut off is noticed at its
next turn, whatever the size of the network. A single broken path is noticed when the round gets to it
(docs/operations.md has the figures).

A probe that does not come is no fault yet. The path is probed again, with small and full-size frames. It is called
broken only when no frame came although both switches have shown meanwhile that they carry out requests. The time
allowed is counted on a clock that stands still while the controller itself is late. After a fault on one path of a
host, its other paths are probed first.
"""

import time
from collections.abc import Callable, Iterable, Mapping, Set
from dataclasses import dataclass
from ipaddress import IPv4Address
from itertools import islice
from typing import Protocol

from controller.reconcile.packetin.probe_frame import probe
from controller.reconcile.underlay.faults import Faults, HostPair
from controller.reconcile.underlay.turns import Turns
from controller.status.unreached import Unreached
from flows.inputs.facts import HostFacts

ANSWER = 0.25
"""Seconds that a frame may take: a thousand times what it takes."""
STRIKES = 2
"""So many times in a row nothing must come, after the first, before a path is called broken."""
AGAIN = 0.5
"""Seconds between two probes of a path that is broken."""
_LATE = 0.1
"""What passes at most on our clock between two looks: whatever is more, the controller itself was late."""
_SUSPECT_FRAMES = 2
"""Frames of each size on a path that is suspect: a single one may be lost anywhere."""
_AT_ONCE = 10
"""So many suspect paths may be probed at each look, however few paths there are; and so many broken ones at most."""
_WIDEN_EVERY = 10.0
"""Seconds until all paths of a host are probed first once more."""
_IN_MESSAGE = 500
"""Frames sent by one message, which cannot be longer than 64 KiB."""
_COUNT_EVERY = 1.0
"""Seconds between two counts of the paths."""


class ProbeSession(Protocol):
    """The session with a switch."""

    def send_by_tunnel(self, frame: bytes, hosts: Iterable[IPv4Address], ofport: int) -> None: ...

    def ask(self) -> int: ...


class ProbedHost(Protocol):
    """A host, as far as it is of interest here."""

    @property
    def datapath_id(self) -> int: ...

    @property
    def facts(self) -> HostFacts | None: ...

    @property
    def session(self) -> ProbeSession | None: ...

    @property
    def neighbours(self) -> Set[IPv4Address]: ...

    @property
    def can_probe(self) -> bool: ...


@dataclass(slots=True)
class _Trial:
    """A path on which a probe was sent that has not come yet."""

    asked_at: float
    is_suspect: bool
    """Whether frames of both sizes were sent, and the switches were asked whether they carry out requests."""
    needs_full: bool
    """Whether only a full-size frame shows that all is well."""
    strikes: int = 0
    small_came: bool = False
    sent_at: float | None = None
    """When the sender had shown that it sent the frames."""


@dataclass(slots=True)
class _Question:
    """Whether a switch carries out requests."""

    number: int | None = None
    asked_at: float = 0.0
    answered: float = -1.0
    """When the last question was asked that it has answered."""


class PathMonitor:
    """All paths between the hosts of the model. Times are seconds of one monotonic clock."""

    def __init__(self, touch: Callable[[str], object], clock: Callable[[], float] = time.time) -> None:
        """``touch`` is told the host of which something else is to be reported; ``clock``: seconds since 1970."""
        self._faults = Faults(touch, clock)
        self._turns = Turns()
        self._names: dict[IPv4Address, str] = {}
        self._addresses: dict[str, IPv4Address] = {}
        self._full_size = 0
        self._clock = 0.0
        self._seen: float | None = None
        self._count_at = 0.0
        self._trials: dict[HostPair, _Trial] = {}
        self._urgent: dict[HostPair, None] = {}
        self._questions: dict[str, _Question] = {}
        self._to_ask: set[str] = set()
        self._widened: dict[str, float] = {}
        """When all paths of a host were last probed first."""
        self._frames: dict[tuple[str, bool], list[IPv4Address]] = {}

    def set_hosts(self, addresses: Mapping[str, IPv4Address], full_size: int) -> None:
        """The hosts of the model with their tunnel addresses. ``full_size``: bytes of an instance's largest frame."""
        for gone in self._addresses.keys() - addresses.keys():
            self.forget(gone)
        self._addresses, self._full_size = dict(addresses), full_size
        self._names = {address: name for name, address in addresses.items()}
        self._turns.set_hosts(self._addresses)
        self._count_at = 0.0

    def forget(self, host: str) -> None:
        """Nothing is known any more of the paths from and to a host: its switch cannot be asked."""
        self._questions.pop(host, None)
        for path in [path for path in self._trials if host in path]:
            del self._trials[path]
        for path in [path for path in self._faults if host in path]:
            self._faults.clear(path)

    def suspect(self, sender: str, receivers: Iterable[IPv4Address]) -> None:
        """The first frames to some hosts did not come through in time."""
        self._urgent.update(dict.fromkeys((sender, self._names[ip]) for ip in receivers if ip in self._names))

    def came_through(self, sender: str, receiver: str, *, is_full: bool) -> None:
        """A frame has come through."""
        path = sender, receiver
        trial = self._trials.get(path)
        if is_full:
            self._trials.pop(path, None)
            if path in self._faults:
                self._faults.mended(path)
                self._urgent.update(dict.fromkeys(self._faults.beside(path)))
        elif trial is None:
            if path in self._faults:
                self._urgent[path] = None
        elif trial.needs_full:
            trial.small_came = True
        else:
            del self._trials[path]

    def answered(self, host: str, number: int) -> None:
        """A switch has done all that it was told before a question."""
        question = self._questions.get(host)
        if question is not None and question.number == number:
            question.number, question.answered = None, question.asked_at

    def unreached(self, host: str) -> list[Unreached]:
        """The hosts that one does not reach now."""
        return self._faults.of(host)

    def look(self, hosts: Mapping[str, ProbedHost], now: float) -> None:
        """Send what is due, and judge what has not come."""
        passed = 0.0 if self._seen is None else min(max(0.0, now - self._seen), _LATE)
        self._seen = now
        self._clock += passed
        self._count(hosts)
        self._judge(hosts)
        self._turns.passed(passed)
        self._try_urgent(hosts)
        for path in self._faults.due(self._clock, self._clock + AGAIN, _AT_ONCE):
            self._try(path, hosts, is_suspect=True)
        for turn in self._turns.take(hosts):
            self._try((turn.host, turn.other), hosts, is_full=turn.is_full)
            if self._addresses[turn.host] in hosts[turn.other].neighbours:
                self._try((turn.other, turn.host), hosts, is_full=turn.is_full)
        self._flush(hosts)
        self._faults.tell()

    def _count(self, hosts: Mapping[str, ProbedHost]) -> None:
        """Find out from time to time how many paths there are, and forget those that nothing is sent by any more."""
        if self._clock < self._count_at:
            return
        self._count_at = self._clock + _COUNT_EVERY
        self._turns.count(hosts)
        for sender, receiver in self._faults:
            if self._addresses.get(receiver) not in hosts[sender].neighbours:
                self._faults.clear((sender, receiver))

    def _try_urgent(self, hosts: Mapping[str, ProbedHost]) -> None:
        for path in list(islice(self._urgent, max(_AT_ONCE, int(2 * self._turns.rate * _LATE)))):
            del self._urgent[path]
            self._try(path, hosts, is_suspect=True)

    def _try(
        self, path: HostPair, hosts: Mapping[str, ProbedHost], *, is_full: bool = False, is_suspect: bool = False
    ) -> None:
        if path in self._trials or not self._can_be_tried(path, hosts):
            return
        is_suspect = is_suspect or path in self._faults
        self._send(path, _Trial(self._clock, is_suspect, needs_full=is_suspect or is_full))

    def _can_be_tried(self, path: HostPair, hosts: Mapping[str, ProbedHost]) -> bool:
        sender, receiver = path
        return all(host in hosts and hosts[host].can_probe for host in path) and (
            self._addresses.get(receiver) in hosts[sender].neighbours
        )

    def _send(self, path: HostPair, trial: _Trial) -> None:
        sender, address = path[0], self._addresses[path[1]]
        self._trials[path] = trial
        trial.asked_at, trial.sent_at = self._clock, None
        if trial.is_suspect:
            for is_full in (False, True):
                self._frames.setdefault((sender, is_full), []).extend([address] * _SUSPECT_FRAMES)
            self._to_ask.add(sender)
        else:
            self._frames.setdefault((sender, trial.needs_full), []).append(address)

    def _judge(self, hosts: Mapping[str, ProbedHost]) -> None:
        for path, trial in list(self._trials.items()):
            if not self._can_be_tried(path, hosts):
                del self._trials[path]
            elif not trial.is_suspect:
                if self._clock >= trial.asked_at + ANSWER:
                    trial.is_suspect = trial.needs_full = True
                    self._send(path, trial)
            elif self._is_missing(path, trial):
                self._strike(path, trial, hosts)

    def _is_missing(self, path: HostPair, trial: _Trial) -> bool:
        """Whether both switches were there all the time, and the frames had time enough."""
        sender, receiver = (self._questions.setdefault(host, _Question()) for host in path)
        if sender.answered < trial.asked_at:
            self._to_ask.add(path[0])
            return False
        if trial.sent_at is None:
            trial.sent_at = self._clock
        if receiver.answered < trial.sent_at:
            self._to_ask.add(path[1])
            return False
        return self._clock >= trial.sent_at + ANSWER

    def _strike(self, path: HostPair, trial: _Trial, hosts: Mapping[str, ProbedHost]) -> None:
        trial.strikes += 1
        if trial.strikes < STRIKES:
            if path not in self._faults:
                self._widen(path, hosts)
            self._send(path, trial)
            return
        del self._trials[path]
        self._faults.found(path, small_only=trial.small_came, again_at=self._clock + AGAIN)

    def _widen(self, path: HostPair, hosts: Mapping[str, ProbedHost]) -> None:
        """The other paths of both ends are probed next: a whole host may be cut off."""
        for host in path:
            if self._widened.get(host, -_WIDEN_EVERY) + _WIDEN_EVERY > self._clock:
                continue
            self._widened[host] = self._clock
            others = [self._names[address] for address in hosts[host].neighbours if address in self._names]
            self._urgent.update(dict.fromkeys(one for other in others for one in ((host, other), (other, host))))

    def _flush(self, hosts: Mapping[str, ProbedHost]) -> None:
        frames, self._frames = self._frames, {}
        for (sender, is_full), addresses in frames.items():
            node = hosts[sender]
            if node.session is not None and node.facts is not None and node.facts.tunnel_ofport is not None:
                frame = probe(node.datapath_id, self._full_size if is_full else 0)
                for at in range(0, len(addresses), _IN_MESSAGE):
                    node.session.send_by_tunnel(frame, addresses[at : at + _IN_MESSAGE], node.facts.tunnel_ofport)
        to_ask, self._to_ask = self._to_ask, set()
        for host in to_ask & hosts.keys():
            session, question = hosts[host].session, self._questions.setdefault(host, _Question())
            if session is not None and question.number is None:
                question.number, question.asked_at = session.ask(), self._clock
