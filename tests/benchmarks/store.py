"""How fast the store is: ``python -m tests.benchmarks.store [PORTS]`` prints the figures of this machine.

The reference is what the server's own client takes to print the same rows.
"""

import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from controller.store import Store
from controller.store.rows.schema import DATABASE
from flows.model import Network, parse

_PORTS = 100_000
_PER_VPC, _PER_LINE, _HOSTS = 1000, 250, 1000


def network(ports: int) -> Network:
    """A network of many ports, each on a host, a thousand in each VPC."""
    vpcs = range(-(-ports // _PER_VPC))
    lines = ["encapsulation: vxlan", "hosts:"]
    lines += [f"  h{h}: {{tunnel_ip: 10.{h // 250}.{h % 250}.1}}" for h in range(_HOSTS)]
    lines += ["vpcs:", *(f"  v{v}: {{id: {v}, subnets: {{web: {{cidr: 10.0.0.0/16}}}}}}" for v in vpcs), "ports:"]
    for port in range(ports):
        vpc, at = divmod(port, _PER_VPC)
        address = f"10.0.{at // _PER_LINE}.{at % _PER_LINE + 2}"
        lines.append(f"  p{port}: {{vpc: v{vpc}, ips: [{address}], host: h{port % _HOSTS}}}")
    return parse("\n".join(lines), "many.yaml")[0]


@contextmanager
def timed(what: str) -> Iterator[None]:
    """Print how long a block took, and the memory that the process has then."""
    wall, processor = time.perf_counter(), time.process_time()
    yield
    wall, processor = time.perf_counter() - wall, time.process_time() - processor
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    print(
        f"{what:45} {wall:8.3f} s, of which here {processor:7.3f} s of processor; {pages * 4 // 1024} MiB", flush=True
    )


def measure(directory: Path, ports: int) -> None:
    """Print all figures."""
    many = network(ports)
    with Store(directory) as store, Store(directory) as reader:
        with timed("first apply"):
            store.apply(many)
        with timed("the same again"):
            store.apply(many)
        with timed("first load by another process"):
            code = "import pathlib, sys; from controller.store import Store; Store(pathlib.Path(sys.argv[1])).load()"
            subprocess.run([sys.executable, "-c", code, directory], check=True)
        with timed("first load"):
            reader.load()
        with timed("reference: ovsdb-client dump"):
            command = ["ovsdb-client", "dump", f"unix:{directory}/db.sock", DATABASE, "VpcPort"]
            subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        with timed("one port moves"):
            store.move("p0", "h1")
        with timed("the other one sees it"):
            reader.news(5)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory(dir="/tmp") as made:
        measure(Path(made), int(sys.argv[1]) if sys.argv[1:] else _PORTS)
