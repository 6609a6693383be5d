"""The only place with numbers of groups and meters.

Each kind has 65,536 numbers: one for each number that the switch itself keeps, such as a port's, or that the store has
allocated. So a number means the same in every version and after every restart, and nobody counts. The highest byte is
that of our cookies, 0x76: groups and meters with other numbers are not ours, and are never touched.

A rule is given a group or meter as a value, and a switch gets it together with the flows that refer to it:

```python
LIMITED = TABLE.rule("{port}: {limit}", match=[eq(IN_PORT, P.port)], do=[meter(P.limit), OutputController()])
...
    limit = MeterEntry(ICMP_ERRORS.of(int(port.ofport)), "packets", rate=20, burst=40)
    yield LIMITED(port.why, port=port.ofport, limit=limit)
```
"""

from dataclasses import dataclass

from flows.openflow.groups_and_meters import our_number


@dataclass(frozen=True, slots=True)
class Numbers:
    """The numbers of one kind of groups or of meters."""

    kind: int
    """From 1 to 255; groups and meters are counted apart."""
    what: str
    """What each of them does."""
    follows: str
    """The number that each follows from."""

    def of(self, number: int) -> int:
        """The group's or meter's number that follows from another one. Raises :class:`ValueError` beyond 65,535."""
        return our_number(self.kind, number)

    @property
    def range(self) -> tuple[int, int]:
        """The first and the last of them."""
        return self.of(0), self.of(0xFFFF)


_PORT = "the port's OpenFlow number"
ICMP_ERRORS = Numbers(1, "limits the packets of one port that the controller answers with ICMP errors", _PORT)
NEW_CONNECTIONS = Numbers(2, "limits the new connections of a port with security groups", _PORT)
ARRIVALS = Numbers(3, "limits the packets by which one port shows that it has moved", _PORT)
REFUSALS = Numbers(4, "limits the refused packets of one port of which the controller logs a line", _PORT)

METERS: dict[str, Numbers] = {
    "ICMP_ERRORS": ICMP_ERRORS,
    "NEW_CONNECTIONS": NEW_CONNECTIONS,
    "ARRIVALS": ARRIVALS,
    "REFUSALS": REFUSALS,
}
GROUPS: dict[str, Numbers] = {}
"""Every kind by its name, for the page that is generated from this one."""
