"""What a switch has learned by itself, in words."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from controller.cli.output import fail
from flows.learning import LEARNED_OWNER, Learn
from flows.model.contract import INTEGRATION_BRIDGE
from flows.pipeline import UNICAST
from flows.plan import Desired
from mininet_topos.lab import Lab


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
    found: dict[int, str] = {}
    for flow in desired.flows.values():
        for learn in (action for action in flow.actions if isinstance(action, Learn)):
            application = desired.applications[flow.cookie][0]
            if learn.table == UNICAST.number:
                found[learn.cookie] = f"{application.sentence}  [{application.why}]"
            else:
                found[learn.cookie] = f"this address counts towards the limit of {application.values['vlan']}"
    return found


def learned(lab: Lab, host: str, desired: Desired) -> Iterator[Learned]:
    """What the switch of a lab's host has learned so far."""
    ours = f"cookie={LEARNED_OWNER << 56:#x}/{0xFF << 56:#x}"
    command = ["ovs-ofctl", "--names", "--no-stats", "dump-flows", INTEGRATION_BRIDGE, ours]
    dump = lab.run(host, command, capture_output=True, text=True)
    if dump.returncode != 0:
        fail(f"the switch of {host} does not say what it learned: {dump.stderr.strip()}")
    why = reasons(desired)
    for line in dump.stdout.splitlines():
        if entry := re.fullmatch(r"\s*cookie=(0x\w+), (table=(\w+),.*)", line):
            cookie, flow, table = entry.groups()
            yield Learned(cookie, table, flow, why.get(int(cookie, 16), "learned by a flow that is gone"))
