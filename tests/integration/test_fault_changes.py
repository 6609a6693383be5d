"""Changes counted at the switch: nothing is touched that need not be, and whatever happens, all ends as it should."""

import random
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import pytest

from controller.cli.common.waiting import wait_plugged
from controller.cli.lab.ping import ping_all, plugged
from mininet_topos.waiting import patience
from tests.integration.faults import LOST_CONTROLLER, cut_off, kill_controller, kill_store, stopped, vswitchd
from tests.integration.test_move import LEFT
from tests.integration.traffic import traffic
from tests.integration.vpclab import VpcLab, wrong
from tests.switch import wait_until

pytestmark = pytest.mark.lab
Labs = Callable[[str], VpcLab]

HOSTS = ("h1", "h2", "h3")
FEW = """
encapsulation: vxlan
hosts: {h1: {tunnel_ip: 192.0.2.1}, h2: {tunnel_ip: 192.0.2.2}, h3: {tunnel_ip: 192.0.2.3}}
vpcs:
  blue: {id: 7, subnets: {web: {cidr: 10.0.0.0/16}}}
ports:
  a: {vpc: blue, ips: [10.0.0.11], host: h1}
  b: {vpc: blue, ips: [10.0.0.12], host: h2}
  c: {vpc: blue, ips: [10.0.0.13], host: h3}
"""
MANY = FEW + "".join(
    f"  n{n}: {{vpc: blue, ips: [10.0.{10 + n // 200}.{1 + n % 200}], host: h{1 + n % 3}}}\n" for n in range(2000)
)
"""With 2,000 ports more, which nobody has plugged in."""


@contextmanager
def touched(lab: VpcLab) -> Iterator[dict[str, int]]:
    """How many flows each switch added, replaced or deleted while a block ran.

    The switch says since when it has each flow: one that is added again, even the same, begins anew.
    """
    counted: dict[str, int] = {}
    before = {host: ages(lab, host) for host in HOSTS}
    time.sleep(1)  # no flow that was there is as young as the block
    begin = time.monotonic()
    yield counted
    for host in HOSTS:
        after = ages(lab, host)
        passed = time.monotonic() - begin
        new = {cookie for cookie, age in after.items() if age < passed}
        counted[host] = len(new) + len(before[host].keys() - after.keys())


def ages(lab: VpcLab, host: str) -> dict[str, float]:
    """Seconds since each flow of a switch was added, by cookie."""
    found = re.findall(r"cookie=(0x[0-9a-f]+), duration=([\d.]+)s", lab.flows(host))
    return {cookie: float(age) for cookie, age in found}


def test_a_large_model_applied_again(labs: Labs) -> None:
    lab = labs(FEW)
    lab.apply(MANY, 60)
    flows = {host: len(lab.cookies(host)) for host in HOSTS}
    with traffic(lab, "a", "b", "b") as result, touched(lab) as touches:
        assert lab.change(MANY) == lab.confirmed("h1")
        # All objects are written in other lines now: a new generation, and nothing new for any switch.
        generation = lab.change("# The same.\n" + MANY)
        lab.wait(generation, 60)
        kill_controller(lab)
        wait_until(lambda: is_settled(lab), "the next controller to compare", 60)
    lost = result.losses(f"{MANY.count('vpc: blue')} ports applied again; flows: {flows}, touched: {touches}")
    assert touches == dict.fromkeys(HOSTS, 0)
    assert lost == 0


def is_settled(lab: VpcLab) -> bool:
    """Whether the controller that runs now has compared all."""
    log = (lab.lab.path / "controller" / "controller.log").read_text()
    return "confirmed by all" in log.rpartition("listening for switches")[2]


def test_one_port_changed_in_a_large_model(labs: Labs) -> None:
    lab = labs(FEW)
    lab.apply(MANY, 60)
    before = {host: set(lab.desired(host).flows) for host in HOSTS}
    with traffic(lab, "a", "b", "b") as result, touched(lab) as touches:
        lab.apply(MANY.replace("n7: {vpc: blue, ips: [10.0.10.8]", "n7: {vpc: blue, ips: [10.0.99.9]"), 60)
    expected = {host: len(before[host] ^ set(lab.desired(host).flows)) for host in HOSTS}
    lost = result.losses(f"one port of {MANY.count('vpc: blue')} changed; flows touched: {touches}")
    assert 0 < sum(touches.values()) < 20
    assert touches == expected
    assert lost == 0


HARMLESS = f"{LOST_CONTROLLER}|{LEFT}|Dropped \\d+ log messages"


@pytest.mark.timeout(1200)
@pytest.mark.parametrize("number", [40, pytest.param(200, marks=pytest.mark.full)])
def test_random_changes_while_faults_happen(number: int) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")
    chance = random.Random(seed)
    lab = VpcLab(random_model(random.Random(0)))
    faults: Counter[str] = Counter()
    try:
        for change in range(number):
            lab.allow(HARMLESS)
            text = random_model(chance)
            name, fault = chance.choice(FAULTS) if change % 4 == 0 else ("none", _none)
            faults[name] += 1
            with fault(lab, chance.choice(HOSTS)):
                generation = lab.change(text)
            lab.lab.follow(text)
        print(f"fault: {number} random changes, faults meanwhile: {dict(faults)}")
        lab.wait(generation, 60)
        assert wait_plugged(lab.store, lab.network.ports, patience(60))
        ports = plugged(lab.store, lab.network)
        assert len(ports) == len(lab.network.ports)
        assert not wrong(ping_all(lab.lab, lab.network, ports, ports))
        lab.allow(HARMLESS)
        lab.examine()
    finally:
        lab.down()


def random_model(chance: random.Random) -> str:
    """Two VPCs, perhaps peered, and some ports on any hosts."""
    there, back = (
        f"[{{to: {to}, via: p}}]" if chance.random() < 0.8 else "[]" for to in ("10.2.0.0/24", "10.1.0.0/24")
    )
    lines = ["encapsulation: vxlan", "hosts:", *(f"  {host}: {{tunnel_ip: 192.0.2.{host[1:]}}}" for host in HOSTS)]
    lines += ["vpcs:", f"  one: {{id: 1, subnets: {{s: {{cidr: 10.1.0.0/24, routes: {there}}}}}}}"]
    lines += [f"  two: {{id: 2, subnets: {{s: {{cidr: 10.2.0.0/24, routes: {back}}}}}}}"]
    lines += ["peerings: {p: {between: [one/s, two/s]}}", "ports:"]
    lines += ["  always: {vpc: one, ips: [10.1.0.10], host: h1}"]
    for n in chance.sample(range(8), chance.randrange(2, 8)):
        vpc = 1 + n % 2
        name = "one" if vpc == 1 else "two"
        lines += [f"  p{n}: {{vpc: {name}, ips: [10.{vpc}.0.{20 + n}], host: {chance.choice(HOSTS)}}}"]
    return "\n".join([*lines, ""])


Fault = Callable[[VpcLab, str], AbstractContextManager[None]]


@contextmanager
def _none(_: VpcLab, __: str) -> Iterator[None]:
    yield


@contextmanager
def _controller_killed(lab: VpcLab, _: str) -> Iterator[None]:
    kill_controller(lab)
    yield


@contextmanager
def _store_killed(lab: VpcLab, _: str) -> Iterator[None]:
    kill_store(lab)
    yield


@contextmanager
def _switch_restarted(lab: VpcLab, host: str) -> Iterator[None]:
    lab.lab.restart_switch(host)
    yield


@contextmanager
def _controller_stopped(lab: VpcLab, _: str) -> Iterator[None]:
    with stopped(lab.lab.controller_pid()):
        yield
        time.sleep(1)


@contextmanager
def _switch_stopped(lab: VpcLab, host: str) -> Iterator[None]:
    with stopped(vswitchd(lab, host)):
        yield
        time.sleep(3)


@contextmanager
def _cut_off(lab: VpcLab, host: str) -> Iterator[None]:
    with cut_off(lab, host):
        yield
        time.sleep(3)


FAULTS: tuple[tuple[str, Fault], ...] = (
    ("controller killed", _controller_killed),
    ("controller stopped", _controller_stopped),
    ("store killed", _store_killed),
    ("switch restarted", _switch_restarted),
    ("switch stopped", _switch_stopped),
    ("host cut off", _cut_off),
)
