"""A tunnel port that did not get the number that it is asked for is asked again, once for each wrong number."""

from time import monotonic

from controller.ovsdb.contract.integration_bridge import other_number
from controller.ovsdb.contract.settings import HostSettings
from controller.ovsdb.database.host_database import HostDatabase

ASK_AGAIN = 1.0
"""Seconds that Open vSwitch has to give the tunnel port the number that it is asked for."""


class TunnelNumber:
    """The number of one host's tunnel port."""

    def __init__(self) -> None:
        self.ask_at: float | None = None
        """When it is asked for again."""
        self._asked_about: int | None = None
        """The wrong number for which that was done."""

    @property
    def is_due(self) -> bool:
        """Whether it is to be asked for again now."""
        return self.ask_at is not None and monotonic() >= self.ask_at

    def look(self, seen: HostDatabase, settings: HostSettings) -> None:
        """See which number the port has."""
        number = other_number(seen, settings)
        if number is None or number == self._asked_about:
            self.ask_at = None
            self._asked_about = number and self._asked_about
        elif self.ask_at is None:
            self.ask_at = monotonic() + ASK_AGAIN

    def asked(self, seen: HostDatabase, settings: HostSettings) -> None:
        """It is asked for again now."""
        self.ask_at = None
        self._asked_about = other_number(seen, settings)
