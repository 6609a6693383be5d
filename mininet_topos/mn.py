"""This project's networks in Mininet: ``mn --custom mininet_topos/mn.py --topo vpc,NETWORK ...`` (docs/mininet.md).

Whatever is defined here replaces what has the same name in ``mn`` itself, so that this file only picks what ``mn``
is to have: its topologies, its tests and its command line.
"""

import sys
from importlib.util import find_spec
from pathlib import Path

# mn compiles this file under the name that it was given, and executes it without a __file__.
_PROJECT = Path(sys._getframe().f_code.co_filename).resolve().parents[1]
sys.path.insert(0, str(_PROJECT))
if find_spec("pydantic") is None:
    # mn runs in the system's Python, where this project's dependencies are not installed.
    _PACKAGES = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"
    if not (_PROJECT / ".venv" / _PACKAGES).is_dir():
        sys.exit(f"no {_PROJECT}/.venv/{_PACKAGES}: make it by 'make clean install PYTHON={sys.executable}'")
    sys.path.append(str(_PROJECT / ".venv" / _PACKAGES))

from mininet_topos.mn_model import CLI, model_test  # noqa: E402
from mininet_topos.mn_vpc import VpcTopo  # noqa: E402

__all__ = ["CLI"]

topos = {"vpc": VpcTopo}
tests = {"pingmodel": model_test}
