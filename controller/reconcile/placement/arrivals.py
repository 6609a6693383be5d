"""Announced moves: when has a port shown up on its new host?"""

import logging
from collections.abc import Callable

from flows.model import Network

_log = logging.getLogger(__name__)


class Arrivals:
    """The announced moves of the model."""

    def __init__(self, arrive: Callable[[str, str], None]) -> None:
        """``arrive`` is called with each port that has shown up, and its new host: once as long as the model is the
        same.
        """
        self._arrive = arrive
        self._network = Network()
        self._arrived: set[str] = set()

    def set_model(self, network: Network) -> None:
        """The model is another one."""
        self._network = network
        self._arrived.clear()

    def shown_up(self, name: str, host: str, how: str) -> None:
        """A port is on a host. ``how`` is it known, for the log."""
        port = self._network.ports.get(name)
        if port is not None and port.moving_to == host and name not in self._arrived:
            self._arrived.add(name)
            _log.info("%s: move: %s has shown up: %s", host, name, how)
            self._arrive(name, host)
