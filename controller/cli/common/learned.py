"""What a switch has learned by itself, in words."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from subprocess import TimeoutExpired
from typing import TYPE_CHECKING

from controller.cli.common.on_host import SECONDS, silent
from controller.cli.common.output import fail
from flows.compile.desired import Desired
from flows.explain.explain import learned_meaning
from flows.model.contract import INTEGRATION_BRIDGE
from flows.openflow.learn import LEARNED_OWNER
from flows.pipeline.page import table_name
from mininet_topos.directory import host_node, switch_node
from mininet_topos.waiting import patience

if TYPE_CHECKING:
    from mininet_topos.client.lab import Lab


@dataclass(frozen=True, slots=True)
class Learned:
    """A flow that a switch learned."""

    cookie: str
    table: str
    flow: str
    """As ``ovs-ofctl`` prints it, without counters."""
    why: str


def reasons(desired: Desired) -> Mapping[int, str]:
    """What the switch learns by these flows: cookie -> what such an entry is there for."""
    meanings = {cookie: learned_meaning(desired, cookie) for cookie in desired.learned}
    return {cookie: f"{found.sentence}  [{'; '.join(found.because_of)}]" for cookie, found in meanings.items() if found}


def learned(lab: "Lab", host: str, desired: Desired) -> Iterator[Learned]:
    """What the switch of a lab's host, or a plain switch of a lab, has learned so far."""
    plain = lab.topology.plain.switches.get(host) if host not in lab.topology.hosts else None
    bridge = plain.bridge if plain else INTEGRATION_BRIDGE
    node = switch_node(host) if plain else host_node(host)
    ours = f"cookie={LEARNED_OWNER << 56:#x}/{0xFF << 56:#x}"
    command = ["ovs-ofctl", "-OOpenFlow10,OpenFlow14", "--names", "--no-stats", "dump-flows", bridge, ours]
    try:
        dump = lab.run(node, command, capture_output=True, text=True, timeout=patience(SECONDS))
    except TimeoutExpired:
        fail(silent(host))
    if dump.returncode != 0:
        fail(f"the switch of {host} does not say what it learned: {dump.stderr.strip()}")
    why = reasons(desired)
    for line in dump.stdout.splitlines():
        if entry := re.fullmatch(r"\s*cookie=(0x\w+), (table=(\w+),.*)", line):
            cookie, flow, table = entry.groups()
            # Plain switches were not told our tables' names.
            table = table_name(int(table)) if table.isdigit() else table
            yield Learned(cookie, table, flow, why.get(int(cookie, 16), "learned by a flow that is gone"))
