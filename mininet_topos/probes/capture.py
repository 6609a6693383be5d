"""The packets of an interface, as a pcap stream on standard output: ``python -m mininet_topos.probes.capture
INTERFACE``.

tcpdump would do, but gives its rights up in a way that a lab without root does not allow, and that lets it outlive
the command that started it.
"""

import os
import struct
import sys
import time

from mininet_topos.probes import wire

_PCAP_MAGIC, _VERSION, _ETHERNET = 0xA1B2C3D4, (2, 4), 1  # draft-ietf-opsawg-pcap
_LONGEST = 65535


def main() -> None:
    """Capture until the process is ended. The header is written once the capture is on."""
    packets = wire.listen(sys.argv[1])
    os.write(1, struct.pack("!IHHiIII", _PCAP_MAGIC, *_VERSION, 0, 0, _LONGEST, _ETHERNET))
    while True:
        frame = wire.receive(packets).data
        seconds = time.time()
        header = struct.pack("!IIII", int(seconds), int(seconds % 1 * 1_000_000), len(frame), len(frame))
        os.write(1, header + frame)


if __name__ == "__main__":
    main()
