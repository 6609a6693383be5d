"""What a switch has learned, as ``ovs-ofctl dump-flows`` shows it."""

import re
from dataclasses import dataclass

from tests.integration.vpclab import VpcLab
from tests.switch import wait_until

_ENTRY = re.compile(
    r"cookie=0x(?P<cookie>[0-9a-f]+), duration=.* hard_timeout=(?P<timeout>\d+), .*"
    r"priority=(?P<priority>\d+),(?P<match>\S+) actions=(?P<actions>\S+)"
)
_OWNER = 0x77
"""First byte of the cookies of learned flows."""


@dataclass(frozen=True)
class Learned:
    """A learned entry of table 20: where a MAC address of a VLAN is."""

    vlan: int
    mac: str
    priority: int
    timeout: int
    actions: str

    @property
    def port(self) -> int:
        """The number of the port to which frames go."""
        found = re.search(r"output:(\d+)$", self.actions)
        assert found, self.actions
        return int(found.group(1))


def learned(lab: VpcLab, host: str) -> list[Learned]:
    """The learned entries of a host's table 20."""
    lab.run(host, "ovs-appctl", "revalidator/wait")
    entries = []
    for line in lab.run(host, "ovs-ofctl", "dump-flows", "br-int", "table=20").splitlines():
        found = _ENTRY.search(line)
        if found and int(found["cookie"], 16) >> 56 == _OWNER:
            vlan, mac = _match(found["match"])
            entries.append(Learned(vlan, mac, int(found["priority"]), int(found["timeout"]), found["actions"]))
    return entries


def _match(text: str) -> tuple[int, str]:
    """The VLAN and the MAC address; a match of anything else fails."""
    fields = dict(field.split("=") for field in text.split(","))
    assert fields.keys() in ({"dl_vlan", "dl_dst"}, {"vlan_tci", "dl_dst"}), text
    tci, _, mask = fields.get("vlan_tci", "0x0/0xfff").partition("/")
    assert int(mask, 16) == 0xFFF, text
    return int(fields.get("dl_vlan", str(int(tci, 16)))), fields["dl_dst"]


def entry(lab: VpcLab, host: str, mac: str) -> Learned | None:
    """The only learned entry of a host for a MAC address, None when there is none."""
    found = [one for one in learned(lab, host) if one.mac == mac]
    assert len(found) <= 1, found
    return found[0] if found else None


def wait_forgotten(lab: VpcLab, host: str, mac: str, seconds: float) -> None:
    """Wait until a host has forgotten a MAC address."""
    wait_until(lambda: entry(lab, host, mac) is None, f"{host} to forget {mac}", seconds)
