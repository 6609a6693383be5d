"""A port that moves while both its hosts get what is sent to it: announced by ovs-vpc, on two chassis in OVN."""

from controller.cli.common.state import lab_store
from tests.benchmarks.labs import OURS, BenchLab
from tests.benchmarks.processes import run
from tests.benchmarks.roamer import PORT
from tests.benchmarks.watching import until


class Announcer:
    """Tells the model of a lab's controller where the port :data:`~tests.benchmarks.roamer.PORT` is about to be."""

    def __init__(self, lab: BenchLab) -> None:
        self._is_ours = lab.system == OURS
        self._store = lab_store(lab.lab)
        self._northbound = f"unix:{lab.lab.path}/controller/ovn/nb.sock"

    def begin(self, old: str, new: str) -> None:
        """The port is to be on both hosts."""
        if self._is_ours:
            self._store.announce(PORT, new, old)
        else:
            self._request(f"{old},{new}")

    def end(self, new: str) -> None:
        """The port is on the new host only. ovs-vpc finds that out by itself."""
        if self._is_ours:
            until(lambda: self._is_over(new), "the move to be over")
        else:
            self._request(new)

    def close(self) -> None:
        """Ends the connection with the model."""
        self._store.close()

    def _is_over(self, new: str) -> bool:
        stored = self._store.load()
        return stored is not None and stored.network.host_ports[PORT].host == new

    def _request(self, hosts: str) -> None:
        words = ["lsp-set-options", PORT, f"requested-chassis={hosts}"]
        run(["ovn-nbctl", f"--db={self._northbound}", "--timeout=10", *words])
