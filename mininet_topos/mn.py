"""This project's networks in Mininet: ``mn --custom mininet_topos/mn.py --topo net,NETWORK ...`` (docs/mininet.md).

A name that is defined here replaces the same name in ``mn`` itself. So this file only picks what ``mn`` is to have: its
topologies, its tests, its network and its command line.
"""

import sys
from pathlib import Path

# mn compiles this file under the name that it was given, and executes it without a __file__.
_PROJECT = Path(sys._getframe().f_code.co_filename).resolve().parents[1]
_PYTHON = f"python{sys.version_info.major}.{sys.version_info.minor}"
# mn runs in the system's Python, where this project's dependencies are not installed.
sys.path[:0] = [str(_PROJECT), str(_PROJECT / ".venv" / "lib" / _PYTHON / "site-packages")]

try:
    from mininet_topos.mininet.model import CLI, model_test
    from mininet_topos.mininet.net import NetTopo
    from mininet_topos.mininet.net import Network as Mininet
except ModuleNotFoundError as error:
    sys.exit(f"{error} for {_PYTHON}, which runs mn; make .venv with it: make clean install PYTHON={sys.executable}")

__all__ = ["CLI", "Mininet"]

topos = {"net": NetTopo}
tests = {"pingmodel": model_test}
