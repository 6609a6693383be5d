"""Asks the gateway again and again: ``python ask_gateway.py ADDRESS NUMBER``; prints how long it took to answer.

A UDP packet with a TTL of 1 goes to an address of another subnet; the answer is "time exceeded".
"""

import json
import socket
import sys
import time


def main() -> None:
    """One question after the other: 20 of them in a second."""
    address, number = sys.argv[1], int(sys.argv[2])
    errors = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    errors.settimeout(2.0)
    taken: list[float] = []
    for count in range(number):
        asking = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        asking.setsockopt(socket.IPPROTO_IP, socket.IP_TTL, 1)
        start = time.monotonic()
        asking.sendto(b"?", (address, 20000 + count))
        try:
            while (20000 + count).to_bytes(2) != errors.recv(600)[50:52]:
                pass
            taken.append((time.monotonic() - start) * 1000)
        except TimeoutError:
            pass
        asking.close()
        time.sleep(0.05)
    print(json.dumps({"milliseconds": taken, "lost": number - len(taken)}))


if __name__ == "__main__":
    main()
