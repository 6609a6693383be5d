"""UDP to some ports of some addresses: ``python -m tests.benchmarks.scanner 10.3.1 ADDRESSES PORTS`` in an instance."""

import socket
import sys
import time

_FIRST_PORT = 10000
_PAUSE_EVERY, _PAUSE = 20, 0.002
"""About 10,000 packets a second: what a userspace datapath takes without losing some."""


def main() -> None:
    """Send one packet to each port of each address, one address after the other for each port."""
    prefix, addresses, ports = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    targets = [
        (f"{prefix}.{number}", _FIRST_PORT + port) for port in range(ports) for number in range(1, addresses + 1)
    ]
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
        for number, target in enumerate(targets):
            udp.sendto(b"x", target)
            if number % _PAUSE_EVERY == 0:
                time.sleep(_PAUSE)


if __name__ == "__main__":
    main()
