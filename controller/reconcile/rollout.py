"""In which order hosts change: receivers before senders, and what is removed last (ADR 8)."""

from collections.abc import Callable, Iterator, Mapping

from controller.reconcile.nodes.host import Host


class Rollout:
    """The hosts that something is under way for, or left to do. A change costs what it changes."""

    def __init__(self, restored: Callable[[str], None]) -> None:
        """``restored`` is told the name of each host whose switch holds everything for the first time."""
        self._restored = restored
        self._busy: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._busy)

    def add(self, name: str) -> None:
        """Something may have to be done for a host."""
        self._busy.add(name)

    def busy(self, hosts: Mapping[str, Host]) -> Iterator[Host]:
        """Those of the model's hosts for which something is to be done."""
        self._busy &= hosts.keys()
        return (hosts[name] for name in self._busy)

    def pump(self, hosts: Mapping[str, Host], now: float, *, knows_all: bool, is_ordered: bool) -> None:
        """Send what is due. Receivers are prepared before senders change, and cleared after them.

        ``knows_all``: every port was found that ever will be. ``is_ordered``: packets may take a way over several
        hosts, so that these have to change one after the other.
        """
        busy = list(self.busy(hosts))
        patient = [host for host in busy if host.is_patient(now)]
        receiving = {host.name for host in patient if host.receives_more}
        sending = {host.name for host in patient if host.sends_otherwise}
        for host in busy:
            is_first = not receiving - {host.name}
            host.pump(
                now,
                may_send=is_first or not is_ordered,
                may_remove=knows_all and is_first and not sending - {host.name},
                knows_all=knows_all,
                may_linger=not is_ordered,
            )
            if host.is_restored():
                self._restored(host.name)
            if host.is_settled:
                self._busy.discard(host.name)
