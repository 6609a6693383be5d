"""When a path to another host counts as verified. The clock is ours."""

from collections.abc import Iterable
from ipaddress import IPv4Address
from typing import Any, cast

from controller.openflow.sessions import Session
from controller.reconcile.underlay.tunnel_probe import PATIENCE, REMEMBER, REPEAT, TunnelProber
from flows.inputs.facts import HostFacts
from flows.pipeline.tables.from_tunnel import KEEPALIVE_MAC

H2, H3 = IPv4Address("192.0.2.2"), IPv4Address("192.0.2.3")
NOBODY, BOTH, FIRST = frozenset[IPv4Address](), frozenset({H2, H3}), frozenset({H2})
FACTS = HostFacts(1, "netdev", 1, frozenset(), frozenset())


class Sent:
    """Stands for a session: notes what was sent last, and to whom."""

    def __init__(self) -> None:
        self.keepalives: list[IPv4Address] = []
        self.probes: list[IPv4Address] = []

    def send_by_tunnel(self, frame: bytes, hosts: Iterable[IPv4Address], _: Any) -> None:
        if frame.startswith(bytes.fromhex(KEEPALIVE_MAC.replace(":", ""))):
            self.keepalives = list(hosts)
        else:
            self.probes = list(hosts)


def run(prober: TunnelProber, hosts: frozenset[IPv4Address], now: float) -> Sent:
    sent = Sent()
    prober.run(cast(Session, sent), FACTS, hosts, now)
    return sent


def verified() -> TunnelProber:
    """At the time 1, after a probe of the path to h2."""
    prober = TunnelProber(1)
    run(prober, FIRST, 1)
    assert not prober.is_ready(FIRST, 1)
    prober.verified(H2)
    run(prober, FIRST, 1)
    assert prober.is_ready(FIRST, 1)
    return prober


def test_a_way_that_was_used_is_known_when_it_is_used_again() -> None:
    prober = verified()
    assert not run(prober, NOBODY, 100).keepalives, "nothing is sent there any more"
    run(prober, FIRST, 200)
    assert prober.is_ready(FIRST, 200)
    assert run(prober, FIRST, 200 + REPEAT).keepalives == [H2]


def test_a_way_that_was_not_used_for_long_is_proven_anew() -> None:
    prober = verified()
    run(prober, NOBODY, 100)
    run(prober, NOBODY, REMEMBER + 2)
    run(prober, FIRST, REMEMBER + 3)
    assert not prober.is_ready(FIRST, REMEMBER + 3)


def test_a_proof_says_nothing_of_another_way() -> None:
    prober = verified()
    run(prober, BOTH, 2)
    assert not prober.is_ready(BOTH, 2)
    assert prober.is_ready(BOTH, 2 + PATIENCE + 0.1)


def test_a_way_that_was_waited_for_in_vain_may_be_proven_later() -> None:
    prober = verified()
    run(prober, BOTH, 2)
    late = 2 + PATIENCE + 0.1
    assert not run(prober, BOTH, late).probes
    assert prober.unverified(BOTH, late) == [H3]
    prober.verified(H3)
    assert prober.unverified(BOTH, 2 + REPEAT) == []
    assert run(prober, BOTH, 2 + 2 * REPEAT).keepalives == [H2, H3]


def test_a_switch_that_connects_anew_knows_nothing() -> None:
    prober = verified()
    prober.forget()
    run(prober, FIRST, 2)
    assert not prober.is_ready(FIRST, 2)
