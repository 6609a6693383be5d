"""Keeps the kernel off what instances send: in a lab's host, as docs/host-contract.md wants it of every host."""

import os
import subprocess
from collections.abc import Iterable
from pathlib import Path

from flows.model.host_rules import excluding, host_rules
from mininet_topos.errors import LabError
from mininet_topos.inside import namespaces
from mininet_topos.inside.nodes.switch import has_kernel_datapath
from mininet_topos.waiting import Waiting

_PATIENCE = 5.0
"""Seconds for nft to load a few rules."""


def isolate(namespace: Path, *own: str) -> None:
    """Load the rules of a host in a namespace, before anything is plugged in there.

    ``own``: the interfaces there that are the host's own. Raises :class:`LabError` when the kernel takes no such rules.
    Not on the kernel's own datapath: that takes a bridge's frames before the stack sees any, and can do without.
    """
    load = ["nft", "-f", "-"]
    with namespaces.inside(namespace):
        try:
            done = subprocess.run(load, input=host_rules(own), capture_output=True, text=True, check=False)
        except FileNotFoundError:
            raise LabError("nft is missing; install it: apt-get install nftables") from None
    if done.returncode != 0 and not has_kernel_datapath():
        raise LabError(_refused(done.stderr))


def _refused(words: str) -> str:
    return (
        f"nft cannot keep instances off the kernel of this machine: {' '.join(words.split()) or 'it gives no reason'}"
    )


class Excluded:
    """Keeps this machine's own kernel off some of its interfaces, until :meth:`end` or the end of this process.

    The rules belong to a process of nft, which ends with ours, however that ends, and takes them along.
    """

    def __init__(self, interfaces: Iterable[str]) -> None:
        """Raises :class:`LabError` when the kernel takes no such rules."""
        table = f"ovs_vpc_{os.getpid()}"
        self._nft = subprocess.Popen(
            ["setpriv", "--pdeathsig=KILL", "--", "nft", "-i"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,  # Ctrl-C is for the user of Mininet
        )
        assert self._nft.stdin is not None
        self._nft.stdin.write(excluding(interfaces, table))
        self._nft.stdin.flush()
        Waiting(lambda: None).until(lambda: self._nft.poll() is not None or self._is_there(table), _PATIENCE)
        if not self._is_there(table) and not has_kernel_datapath():
            self.end()
            assert self._nft.stderr is not None
            raise LabError(_refused(self._nft.stderr.read()))

    @staticmethod
    def _is_there(table: str) -> bool:
        """Whether the kernel has the last of the rules."""
        return subprocess.run(["nft", "list", "table", "arp", table], check=False, capture_output=True).returncode == 0

    def end(self) -> None:
        """Let the kernel have the interfaces again."""
        self._nft.kill()
        self._nft.wait()
