"""Sends one frame many times a second: ``python flood.py INTERFACE HEX PER_SECOND SECONDS``; prints how often."""

import socket
import sys
import time


def main() -> None:
    """Send in steps of a millisecond, as many as are due: what one step missed the next one makes up for."""
    interface, frame, rate, seconds = sys.argv[1], bytes.fromhex(sys.argv[2]), int(sys.argv[3]), float(sys.argv[4])
    out = socket.socket(socket.AF_PACKET, socket.SOCK_RAW)
    out.bind((interface, 0))
    start, sent = time.monotonic(), 0
    while (passed := time.monotonic() - start) < seconds:
        while sent < passed * rate:
            out.send(frame)
            sent += 1
        time.sleep(0.001)
    print(sent)


if __name__ == "__main__":
    main()
